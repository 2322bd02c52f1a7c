// Files from outside: chosen, pasted or dropped, and sent to the server.

import { calm, tell } from "/page/notice.js";
import { by, on } from "/page/server.js";

const FINAL = [413, 422]; // statuses of files that will not be taken the next time either

/**
 * Call `send` with each file, again where it did not arrive, and with how many came with it; `most()` is how many bytes
 * the server takes, if known.
 */
export function watchFiles(send, most) {
  const paper = by("paper");
  let last = null; // the file that was sent last; those before it are not wanted any more

  async function take(files, again = false) {
    const [file] = files;
    if (!file) return;
    if (file.size > most()) {
      tell("file", new Error(`${file.name} is larger than ${Math.floor(most() / 2 ** 20)} MB.`));
      return;
    }
    last = file;
    paper.classList.add("reading");
    try {
      await send(file, files.length - 1);
      if (file === last) calm("file");
    } catch (error) {
      if (file === last) refused(files, error, again);
    }
    if (file === last) paper.classList.remove("reading");
  }

  function refused(files, error, again) {
    const [{ name }] = files;
    let told = error;
    if (error.status === 0 && again) {
      // The server is there. What has met this twice may be why it went: now the user decides.
      told = new Error(`${name} did not arrive this time either.`);
    } else if (error.status === 0) {
      told = Object.assign(new Error(`${name} did not arrive, and is sent again once the server answers.`), { status: 0 });
    }
    if (error.status === 422) told = new Error(error.message.replace("The drawing", name));
    const once = error.status === undefined || FINAL.includes(error.status);
    tell("file", told, once ? null : () => take(files, true));
  }

  on("upload-button", "click", () => by("upload-file").click());
  on("upload-file", "change", ({ target }) => {
    take([...target.files]);
    target.value = ""; // the same file can be chosen again
  });
  document.addEventListener("paste", ({ clipboardData }) => {
    if (clipboardData.files.length) return take([...clipboardData.files]);
    const text = clipboardData.getData("text/plain").trim();
    if (/^<(svg|\?xml)\b/.test(text)) take([new File([text], "The drawing")]); // so programs copy one
  });
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
    take([...event.dataTransfer.files]);
  });
}
