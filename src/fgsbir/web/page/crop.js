// A box on a picture, drawn with a pointer or moved by keys.

const STEP = 0.02;
const LEAST = 0.05; // of the picture's sides
const WHOLE = [0, 0, 1, 1];

const clamp = (value) => Math.min(1, Math.max(0, value));

export class Crop {
  /** In `area`, an element with a picture and its box; calls `onChange` with [left, top, right, bottom], as shares. */
  constructor(area, onChange) {
    Object.assign(this, { area, onChange, box: WHOLE, from: null });
    area.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      area.focus({ preventScroll: true });
      area.setPointerCapture(event.pointerId);
      this.from = this.place(event);
    });
    area.addEventListener("pointermove", (event) => this.from && this.show(this.between(event)));
    area.addEventListener("pointerup", (event) => {
      if (!this.from) return;
      const box = this.between(event);
      this.from = null;
      this.set(box[2] - box[0] < LEAST || box[3] - box[1] < LEAST ? WHOLE : box); // a tap is the whole
    });
    area.addEventListener("pointercancel", () => {
      this.from = null;
      this.show(this.box);
    });
    area.addEventListener("keydown", (event) => this.key(event));
  }

  place(event) {
    const area = this.area.getBoundingClientRect();
    return [clamp((event.clientX - area.left) / area.width), clamp((event.clientY - area.top) / area.height)];
  }

  between(event) {
    const [x, y] = this.place(event);
    const [x2, y2] = this.from;
    return [Math.min(x, x2), Math.min(y, y2), Math.max(x, x2), Math.max(y, y2)];
  }

  /** Arrows move the box, with Shift its lower right corner. */
  key(event) {
    const by = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (!by) return;
    event.preventDefault();
    const box = [...this.box];
    for (const axis of [0, 1]) {
      const step = event.shiftKey
        ? Math.max(LEAST - box[axis + 2] + box[axis], Math.min(1 - box[axis + 2], by[axis]))
        : Math.max(-box[axis], Math.min(1 - box[axis + 2], by[axis]));
      box[axis + 2] += step;
      if (!event.shiftKey) box[axis] += step;
    }
    this.set(box);
  }

  set(box) {
    const before = this.box.join();
    this.show(box);
    if (this.box.join() !== before) this.onChange(this.box);
  }

  show(box) {
    if (!this.from) this.box = box.map((share) => Number(share.toFixed(3)));
    const [left, top, right, bottom] = box.map((share) => Math.round(100 * share));
    const inset = `${top}% ${100 - right}% ${100 - bottom}% ${left}%`;
    this.area.lastElementChild.style.inset = inset;
    this.area.setAttribute("aria-label", `Part that is looked at: from ${left} % to ${right} % across, ${top} % to ${bottom} % down`);
  }
}
