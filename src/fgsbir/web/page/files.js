// Files from outside: chosen, pasted or dropped.

import { by, on } from "/page/server.js";

/** Call `take` with each file. */
export function watchFiles(take) {
  const paper = by("paper");
  on("upload-button", "click", () => by("upload-file").click());
  on("upload-file", "change", ({ target }) => {
    take(target.files[0]);
    target.value = ""; // the same file can be chosen again
  });
  document.addEventListener("paste", (event) => take(event.clipboardData.files[0]));
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      paper.classList.add("dropping");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) paper.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    paper.classList.remove("dropping");
    take(event.dataTransfer.files[0]);
  });
}
