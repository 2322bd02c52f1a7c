// The paper: strokes drawn, rubbed out and moved, with undo and redo.

import { CANVAS, encoded, erased, mirrored, outline, rounded, shifted, strokeAt } from "/page/strokes.js";

const LINE = 2.2; // thinner than the model sees it: it is the drawing that is looked at here
const APART = 0.8; // points nearer to the last one are left out
const REACH = 10; // how near to a stroke it is picked
export const RUBBER = 7; // the eraser's radius

export class Pad {
  /** On a `canvas`; calls `onChange` whenever the strokes are others, and `onSelect` whenever another is picked. */
  constructor(canvas, { onChange, onSelect }) {
    Object.assign(this, { canvas, onChange, onSelect });
    this.versions = [[]];
    this.at = 0;
    this.tool = "draw"; // or "erase" or "move"
    this.mirror = false;
    this.selected = -1;
    this.gesture = null; // { tool, points, draft }: what is being done, and the strokes that it makes
    this.pen = null; // the keyboard's place, once it is used
    this.frame = 0;
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
    if (this.gesture) this.gesture = null;
    else this.at = Math.max(0, this.at - 1);
    this.changed();
  }

  redo() {
    this.at = Math.min(this.last, this.at + 1);
    this.changed();
  }

  /** Other strokes in place of these; undo brings them back. */
  replace(strokes) {
    this.end(); // a line that is being drawn is not lost
    this.at += 1;
    this.versions.splice(this.at, Infinity, rounded(strokes));
    this.changed();
  }

  /** The strokes of an address: those before or after these, if it is one of them. */
  restore(strokes) {
    const wanted = encoded(strokes);
    const known = this.versions.findLastIndex((version) => encoded(version) === wanted);
    if (known < 0) return this.replace(strokes);
    this.at = known;
    return this.changed();
  }

  changed() {
    this.select(this.strokes[this.selected] && this.tool === "move" ? this.selected : -1);
    this.onChange(this.strokes);
  }

  select(number) {
    this.selected = number;
    this.onSelect(number);
    this.paint();
  }

  /** Take away the stroke that is picked, or all of them. */
  clear() {
    const { selected, strokes } = this;
    this.selected = -1;
    this.replace(selected < 0 ? [] : strokes.filter((_, number) => number !== selected));
  }

  use(tool) {
    this.end();
    this.tool = tool;
    this.canvas.dataset.tool = tool;
    this.select(-1);
  }

  begin(place, tool = this.tool) {
    if (tool === "move") this.select(strokeAt(this.strokes, place, REACH));
    this.gesture = { tool, points: [place], draft: this.strokes };
    this.extend(place);
  }

  extend(place) {
    const { gesture } = this;
    const { tool, points } = gesture;
    const last = points.at(-1);
    const far = Math.hypot(place[0] - last[0], place[1] - last[1]);
    if (tool === "draw") {
      if (far >= APART) points.push(place);
      const stroke = points.length > 1 ? points : [place, place]; // a dot if it does not move
      gesture.draft = [...this.strokes, stroke, ...(this.mirror ? [mirrored(stroke)] : [])];
    } else if (tool === "erase") {
      const steps = Math.ceil((2 * far) / RUBBER) || 1;
      for (let step = 1; step <= steps; step += 1) {
        const between = place.map((value, axis) => last[axis] + ((value - last[axis]) * step) / steps);
        gesture.draft = erased(gesture.draft, between, RUBBER);
      }
      points.push(place);
    } else if (this.selected >= 0) {
      gesture.draft = this.moved(place.map((value, axis) => value - points[0][axis]));
    }
    this.paint();
  }

  moved(by) {
    return this.strokes.with(this.selected, shifted(this.strokes[this.selected], by));
  }

  /** Move the stroke that is picked, as far as the paper goes. */
  shift(by) {
    const moved = this.moved(by);
    if (encoded(moved) !== encoded(this.strokes)) this.replace(moved);
  }

  /** What was being done is done. */
  end() {
    const { gesture } = this;
    this.gesture = null;
    if (gesture && encoded(gesture.draft) !== encoded(this.strokes)) {
      this.replace(gesture.draft);
    } else this.paint();
  }

  cancel() {
    this.gesture = null;
    this.paint();
  }

  paint() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.paintNow());
  }

  paintNow() {
    const { canvas, gesture, pen } = this;
    const side = Math.round(canvas.clientWidth * devicePixelRatio);
    if (canvas.width !== side || canvas.height !== side) canvas.width = canvas.height = side;
    const context = canvas.getContext("2d");
    const { color, accentColor } = getComputedStyle(canvas);
    context.setTransform(side / CANVAS, 0, 0, side / CANVAS, 0, 0);
    context.clearRect(0, 0, CANVAS, CANVAS);
    Object.assign(context, { lineWidth: 1, strokeStyle: accentColor, fillStyle: accentColor });
    if (this.mirror) {
      context.setLineDash([4, 4]);
      context.stroke(new Path2D(`M${CANVAS / 2} 0V${CANVAS}`));
      context.setLineDash([]);
    }
    Object.assign(context, { lineWidth: LINE, lineCap: "round", lineJoin: "round" });
    for (const [number, points] of (gesture?.draft ?? this.strokes).entries()) {
      context.strokeStyle = number === this.selected ? accentColor : color;
      context.stroke(new Path2D(outline([points])));
    }
    const rubbing = gesture?.tool === "erase";
    const place = pen ?? (rubbing ? gesture.points.at(-1) : null);
    if (!place) return;
    const ring = new Path2D();
    ring.arc(...place, rubbing || this.tool === "erase" ? RUBBER : 5, 0, 2 * Math.PI);
    Object.assign(context, { lineWidth: 1.5, strokeStyle: accentColor });
    context.stroke(ring);
    if (gesture && !rubbing) context.fill(ring);
  }
}
