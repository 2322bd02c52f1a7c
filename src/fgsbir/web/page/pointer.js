// The paper by mouse, finger and pen.

import { CANVAS } from "/page/strokes.js";

const PALM = 10_000; // milliseconds after a pen has touched the paper, in which fingers draw nothing
const REST = 1500; // and in which two of them undo nothing: the hand of the pen comes to rest
const TAP = 400; // milliseconds that two fingers may stay to undo
const STILL = 12; // pixels that they may move
const ERASER = 32; // the bit of a pen's other end

/** Let pointers draw on `pad`. A second finger draws nothing; two that tap together undo. */
export function watchPointers(pad) {
  const { canvas } = pad;
  const fingers = new Map(); // by pointer: where it came down
  let drawing = null; // { pointer, type, since }
  let pen = -PALM;
  let tap = 0; // since when two fingers may be tapping

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(CANVAS * (event.clientX - box.left)) / box.width, (CANVAS * (event.clientY - box.top)) / box.height];
  };
  const inside = (at) => at.map((value) => Math.min(CANVAS, Math.max(0, value)));
  const moved = (event) => {
    const [x, y] = fingers.get(event.pointerId) ?? [event.clientX, event.clientY];
    return Math.hypot(event.clientX - x, event.clientY - y) > STILL;
  };
  const stop = (finish) => {
    drawing = null;
    if (finish) pad.end();
    else pad.cancel();
  };

  /** Draw on to a place; where the line leaves the paper, it ends. */
  const draw = (at) => {
    if (!pad.gesture) return stop(false);
    const last = pad.gesture.points.at(-1);
    const out = at.map((value, axis) => {
      const edge = value < 0 ? 0 : CANVAS;
      return value < 0 || value > CANVAS ? (edge - last[axis]) / (value - last[axis]) : 1;
    });
    const share = Math.min(...out);
    if (share === 1 || pad.gesture.tool !== "draw") return pad.extend(inside(at));
    pad.extend(inside(at.map((value, axis) => last[axis] + share * (value - last[axis]))));
    return stop(true);
  };

  canvas.addEventListener("pointerdown", (event) => {
    const now = performance.now();
    tap = 0;
    if (event.pointerType === "pen") pen = now;
    if (event.pointerType === "touch") {
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      if (fingers.size === 2 && now - pen >= REST) {
        const soon = !drawing || (drawing.type === "touch" && now - drawing.since < TAP && !drawing.moved);
        if (soon) {
          tap = now;
          stop(false);
        }
      }
      if (fingers.size > 1 || now - pen < PALM) return;
    }
    const rubbing = event.button === 5 || (event.buttons & ERASER) > 0;
    if (event.button !== 0 && !rubbing) return;
    // A hand rests on the paper while its pen draws: the pen wins.
    if (drawing && !(event.pointerType === "pen" && drawing.type === "touch")) return;
    event.preventDefault();
    if (!drawing) pad.end(); // what the keyboard has begun
    canvas.focus({ preventScroll: true });
    canvas.classList.add("pointed");
    canvas.setPointerCapture(event.pointerId);
    pad.pen = null;
    drawing = { pointer: event.pointerId, type: event.pointerType, since: now };
    pad.begin(inside(place(event)), rubbing ? "erase" : pad.tool);
  });

  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType === "pen" && event.buttons) pen = performance.now();
    if (moved(event)) tap = 0;
    if (drawing?.pointer !== event.pointerId) return;
    drawing.moved ||= moved(event);
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length ? all : [event]) if (drawing) draw(place(one));
  });

  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, (event) => {
      fingers.delete(event.pointerId);
      if (event.pointerType === "pen") pen = performance.now();
      if (drawing?.pointer === event.pointerId) {
        if (kind === "pointerup") draw(place(event));
        if (drawing) stop(kind === "pointerup");
      }
      if (!tap || fingers.size) return;
      if (kind === "pointerup" && performance.now() - tap < TAP) pad.undo();
      tap = 0;
    });
  }
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
}
