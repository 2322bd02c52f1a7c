// The buttons and shortcuts of the paper.

import { by, on } from "/page/server.js";
import { pngOf, svgOf } from "/page/strokes.js";

const TOOLS = ["draw", "erase", "move"];

/** Let the buttons work on `pad`, and the shortcuts unless it is `covered()`. */
export function watchTools(pad, covered) {
  for (const tool of TOOLS) {
    on(`${tool}-button`, "click", () => {
      pad.use(tool);
      for (const one of TOOLS) by(`${one}-button`).setAttribute("aria-pressed", String(one === tool));
    });
  }
  on("mirror-button", "click", () => {
    pad.mirror = !pad.mirror;
    by("mirror-button").setAttribute("aria-pressed", String(pad.mirror));
    pad.paint();
  });
  on("undo-button", "click", () => pad.undo());
  on("redo-button", "click", () => pad.redo());
  on("clear-button", "click", () => pad.clear());
  on("svg-button", "click", () => save(svgOf(pad.strokes), "drawing.svg"));
  on("png-button", "click", async () => save(await pngOf(pad.strokes), "drawing.png"));
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || covered()) return;
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) pad.undo();
    else if (key === "y" || key === "z") pad.redo();
    else return;
    event.preventDefault();
  });
}

function save(file, name) {
  const href = URL.createObjectURL(file);
  Object.assign(document.createElement("a"), { href, download: name }).click();
  setTimeout(URL.revokeObjectURL, 1000, href);
}
