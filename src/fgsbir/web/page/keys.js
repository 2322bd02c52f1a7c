// The paper by keyboard.

import { CANVAS } from "/page/strokes.js";

const STEP = 4;
const LONG_STEP = 16;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const clamp = (value) => Math.min(CANVAS, Math.max(0, value));

/**
 * Let keys draw on `pad`: arrows move the pen or the eraser, Space puts it down and lifts it. Where strokes are moved,
 * Space picks the next one, arrows move it, Delete takes it away and Escape lets it go.
 */
export function watchKeys(pad) {
  const { canvas } = pad;
  canvas.addEventListener("blur", () => pad.end());
  canvas.addEventListener("keydown", (event) => {
    canvas.classList.remove("pointed");
    if (event.ctrlKey || event.metaKey || event.altKey || (pad.gesture && !pad.pen)) return;
    if (event.repeat && event.key === " ") return void event.preventDefault(); // held, it would scatter dots
    const by = ARROWS[event.key]?.map((one) => one * (event.shiftKey ? LONG_STEP : STEP));
    if (pad.tool === "move" ? move(event.key, by) : draw(event.key, by)) event.preventDefault();
    pad.paint();
  });

  function draw(key, by) {
    const place = pad.pen ?? [CANVAS / 2, CANVAS / 2];
    if (by) {
      pad.pen = place.map((value, axis) => clamp(value + by[axis]));
      if (pad.gesture) pad.extend(pad.pen);
    } else if (key === " ") {
      pad.pen = place;
      if (pad.gesture) pad.end();
      else pad.begin(place);
    } else if (key === "Escape" && pad.gesture) {
      pad.end();
    } else return false;
    return true;
  }

  function move(key, by) {
    const { selected, strokes } = pad;
    if (key === " " && strokes.length) pad.select((selected + 1) % strokes.length);
    else if (selected < 0) return false;
    else if (by) pad.shift(by);
    else if (key === "Delete" || key === "Backspace") pad.clear();
    else if (key === "Escape") pad.select(-1);
    else return false;
    return true;
  }
}
