// The paper: strokes by mouse, finger, pen or keyboard, with undo and redo.

const CANVAS = 256; // the side of the paper, in the units of all strokes
const LINE = 2.2; // thinner than the model sees it: it is the drawing that is looked at here
const APART = 0.8; // points nearer to the last one are left out
const STEP = 4;
const LONG_STEP = 16;

const clamp = (value) => Math.min(CANVAS, Math.max(0, value));
const round = (value) => Math.round(100 * value) / 100;

export class Pad {
  /** On a `canvas`; calls `onChange` with the strokes, [[[x, y], …], …], whenever they are others. */
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.versions = [[]];
    this.at = 0;
    this.stroke = null; // being drawn: { pointer, type, points }
    this.pen = null; // the keyboard's place, once it is used
    this.frame = 0;

    canvas.addEventListener("pointerdown", (event) => this.down(event));
    for (const kind of ["pointermove", "pointerup", "pointercancel"]) {
      canvas.addEventListener(kind, (event) => {
        if (this.stroke?.pointer === event.pointerId) this.moved(event);
      });
    }
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.finish());
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    new ResizeObserver(() => this.paint()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
  }

  get strokes() {
    return this.versions[this.at];
  }

  get last() {
    return this.versions.length - 1;
  }

  undo() {
    if (this.stroke) this.stroke = null;
    else this.at = Math.max(0, this.at - 1);
    this.changed();
  }

  redo() {
    this.at = Math.min(this.last, this.at + 1);
    this.changed();
  }

  /** Other strokes in place of these; undo brings them back. */
  replace(strokes) {
    this.stroke = null;
    this.at += 1;
    this.versions.splice(this.at, Infinity, strokes);
    this.changed();
  }

  changed() {
    this.paint();
    this.onChange(this.strokes);
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return [round(clamp(CANVAS * x)), round(clamp(CANVAS * y))];
  }

  down(event) {
    if (event.button !== 0) return;
    // A hand rests on the paper while its pen draws: the pen wins.
    if (this.stroke && !(event.pointerType === "pen" && this.stroke.type === "touch")) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.classList.add("pointed");
    this.canvas.setPointerCapture(event.pointerId);
    this.pen = null;
    this.stroke = { pointer: event.pointerId, type: event.pointerType, points: [this.place(event)] };
    this.paint();
  }

  moved(event) {
    if (event.type === "pointercancel") {
      this.stroke = null;
    } else {
      const all = event.getCoalescedEvents?.() ?? [];
      for (const one of all.length ? all : [event]) this.add(this.place(one));
      if (event.type === "pointerup") this.finish();
    }
    this.paint();
  }

  add([x, y]) {
    const [lastX, lastY] = this.stroke.points.at(-1);
    if (Math.hypot(x - lastX, y - lastY) >= APART) this.stroke.points.push([x, y]);
  }

  /** Lift the pen: what it drew is a stroke, a dot if it did not move. */
  finish() {
    if (!this.stroke) return;
    const { points } = this.stroke;
    this.replace([...this.strokes, points.length > 1 ? points : [points[0], points[0]]]);
  }

  key(event) {
    this.canvas.classList.remove("pointed");
    if (event.ctrlKey || event.metaKey || event.altKey || (this.stroke && this.stroke.type !== "keys")) return;
    const toward = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!toward && event.key !== " " && !(event.key === "Escape" && this.stroke)) return;
    const [x, y] = this.pen ?? [CANVAS / 2, CANVAS / 2];
    if (toward) {
      const step = event.shiftKey ? LONG_STEP : STEP;
      this.pen = [clamp(x + step * toward[0]), clamp(y + step * toward[1])];
      if (this.stroke) this.add(this.pen);
    } else if (this.stroke) {
      this.finish();
    } else {
      this.pen = [x, y];
      this.stroke = { pointer: null, type: "keys", points: [this.pen] };
    }
    event.preventDefault();
    this.paint();
  }

  paint() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.paintNow());
  }

  paintNow() {
    const { canvas } = this;
    const side = Math.round(canvas.clientWidth * devicePixelRatio);
    if (canvas.width !== side || canvas.height !== side) canvas.width = canvas.height = side;
    const context = canvas.getContext("2d");
    const { color, accentColor } = getComputedStyle(canvas);
    context.setTransform(side / CANVAS, 0, 0, side / CANVAS, 0, 0);
    context.clearRect(0, 0, CANVAS, CANVAS);
    Object.assign(context, { lineWidth: LINE, lineCap: "round", lineJoin: "round", strokeStyle: color });
    for (const points of this.stroke ? [...this.strokes, this.stroke.points] : this.strokes) {
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points) context.lineTo(...point);
      context.stroke();
    }
    if (!this.pen) return;
    context.beginPath();
    context.arc(...this.pen, 5, 0, 2 * Math.PI);
    Object.assign(context, { lineWidth: 1.5, strokeStyle: accentColor, fillStyle: accentColor });
    context.stroke();
    if (this.stroke) context.fill();
  }
}
