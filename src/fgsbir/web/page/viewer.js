// One photo, large: where it lies, what it is like, how G draws it, and whether it is what was meant.

import { picture } from "/page/results.js";
import { ask, by, large, lost, made, on, original, readable } from "/page/server.js";

export class Viewer {
  /**
   * Calls `onAlike`, `onTrace` and `onCorrect` with the photo they are asked for, `onSketch` with strokes for the paper,
   * `onShow` with each photo that is shown, and `onClose` with the last; `leaving`: for one of the others.
   */
  constructor({ onAlike, onTrace, onCorrect, onSketch, onShow, onClose }) {
    this.dialog = by("viewer");
    this.photos = [];
    this.place = 0;
    this.drawn = [];
    this.leaving = this.beside = false;
    this.onShow = onShow;
    on("viewer-close", "click", () => this.dialog.close());
    on("previous-button", "click", () => this.turn(-1));
    on("next-button", "click", () => this.turn(1));
    on("sketch-button", "click", () => this.sketch());
    on("alike-button", "click", () => this.leave(onAlike));
    on("trace-button", "click", () => this.leave(onTrace));
    on("correct-button", "click", () => this.leave(onCorrect));
    on("take-button", "click", () => this.leave(() => onSketch(this.drawn)));
    on("viewer-photo", "error", () => this.missing());
    on("viewer", "close", () => {
      this.asked?.abort();
      onClose(this.photo, this.leaving);
      this.leaving = false;
    });
    // Only what begins and ends beside it closes it: text may be marked from inside out.
    on("viewer", "pointerdown", (event) => (this.beside = this.isBeside(event)));
    on("viewer", "click", (event) => {
      if (this.beside && this.isBeside(event)) this.dialog.close();
    });
    on("viewer", "keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return; // Alt+Left is Back
      const turns = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (turns) this.turn(turns);
    });
  }

  get photo() {
    return this.photos[this.place];
  }

  isBeside({ target, clientX, clientY }) {
    const box = this.dialog.getBoundingClientRect();
    const inside = clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
    return target === this.dialog && !inside;
  }

  /** Show the photo at `place`; `canCorrect`: there is a drawing that it may be meant by. */
  open(photos, place, { canSketch, canCorrect }) {
    this.photos = photos;
    this.place = place;
    by("sketch-button").hidden = !canSketch;
    by("correct-button").hidden = !canCorrect;
    this.show();
    if (!this.dialog.open) this.dialog.showModal();
  }

  turn(step) {
    if (!this.photos[this.place + step]) return;
    this.place += step;
    this.show();
  }

  show() {
    const { photo } = this;
    this.asked?.abort();
    Object.assign(by("viewer-photo"), { src: large(photo.id), alt: photo.name });
    by("viewer-name").textContent = photo.name;
    const far = photo.distance === null || photo.distance === undefined ? "" : ` · distance ${photo.distance.toFixed(3)}`;
    by("viewer-facts").textContent = photo.rank ? `${far ? "Rank" : "Photo"} ${photo.rank}${far}` : "";
    by("viewer-paths").replaceChildren(...photo.paths.map((path) => this.line(path)));
    by("viewer-copies-title").hidden = !photo.copies?.length;
    by("viewer-copies").replaceChildren(...(photo.copies ?? []).flatMap(({ paths }) => paths).map((path) => this.line(path)));
    Object.assign(by("download-link"), { href: original(photo.id), download: photo.name });
    by("open-link").href = readable(photo.id);
    by("viewer-message").textContent = "";
    by("viewer-sketch").hidden = by("viewer-certainty").hidden = by("take-button").hidden = true;
    by("sketch-button").lastElementChild.textContent = "Sketch this photo";
    by("previous-button").disabled = this.place === 0;
    by("next-button").disabled = this.place === this.photos.length - 1;
    // Else the focus would be lost with a path's button, or with one that is disabled now, and no key would arrive.
    const { activeElement } = document;
    if (!this.dialog.contains(activeElement) || activeElement.disabled) by("viewer-name").focus();
    this.onShow(photo);
  }

  /** A path, and a button that copies it. */
  line(path) {
    const line = made(by("path-template"));
    // It breaks after a slash, where it can.
    const [first, ...parts] = path.split("/");
    line.firstElementChild.append(first, ...parts.flatMap((part) => ["/", document.createElement("wbr"), part]));
    line.lastElementChild.setAttribute("aria-label", `Copy the path ${path}`);
    line.lastElementChild.addEventListener("click", async () => {
      // Without https, other machines' pages may not use the clipboard: then the path is marked, to be copied by hand.
      const copied = await navigator.clipboard?.writeText(path).then(() => true, () => false);
      if (!copied) getSelection().selectAllChildren(line.firstElementChild);
      by("viewer-message").textContent = copied ? "Copied." : "Press Ctrl+C to copy.";
    });
    return line;
  }

  /** Close it, if it is open, and then act. */
  leave(act) {
    const { photo } = this;
    if (!this.dialog.open) return void act(photo);
    this.leaving = true;
    this.dialog.addEventListener("close", () => act(photo), { once: true });
    this.dialog.close();
  }

  /** Why the photo cannot be seen: the browser does not tell, the server does. */
  async missing() {
    const error = await lost(by("viewer-photo"));
    if (error) by("viewer-message").textContent = error.message;
  }

  async sketch() {
    this.asked?.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    const message = by("viewer-message");
    message.textContent = "Sketching…";
    try {
      const { strokes, certainty } = await ask(`/photos/${this.photo.id}/sketch`, { signal });
      message.textContent = strokes.length ? "" : "The generator drew nothing.";
      this.drawn = strokes;
      by("viewer-sketch").hidden = false;
      by("take-button").hidden = !strokes.length;
      by("sketch-button").lastElementChild.textContent = "Draw it again";
      by("viewer-certainty").hidden = true;
      const drawn = picture(strokes, `Sketch of ${this.photo.name}`);
      // The page's style draws it line by line.
      drawn.addEventListener("animationend", () => {
        if (signal.aborted || certainty === null) return;
        by("certainty").textContent = certainty.toFixed(2);
        by("certainty-meter").value = certainty;
        by("viewer-certainty").hidden = false;
      });
      by("viewer-lines").replaceChildren(drawn);
    } catch (error) {
      if (error.name !== "AbortError") message.textContent = error.message;
    }
  }
}
