// One photo, large: what it is like, how G draws it, and whether it is what was meant.

import { picture } from "/page/results.js";
import { ask, by, on, original } from "/page/server.js";

export class Viewer {
  /** Calls `onAlike` and `onCorrect` with the photo they are asked for, and `onClose` with its place. */
  constructor({ onAlike, onCorrect, onClose }) {
    this.dialog = by("viewer");
    this.photos = [];
    this.place = 0;
    on("viewer-close", "click", () => this.dialog.close());
    on("previous-button", "click", () => this.turn(-1));
    on("next-button", "click", () => this.turn(1));
    on("sketch-button", "click", () => this.sketch());
    on("alike-button", "click", () => this.leave(onAlike));
    on("correct-button", "click", () => this.leave(onCorrect));
    on("viewer-photo", "error", () => this.missing());
    on("viewer", "close", () => {
      this.asked?.abort();
      onClose(this.place);
    });
    on("viewer", "click", (event) => {
      if (event.target === this.dialog) this.dialog.close(); // beside it
    });
    on("viewer", "keydown", (event) => {
      const turns = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (turns) this.turn(turns);
    });
  }

  get photo() {
    return this.photos[this.place];
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
    Object.assign(by("viewer-photo"), { src: original(photo.id), alt: photo.name });
    by("viewer-name").textContent = photo.name;
    by("viewer-facts").textContent = `Rank ${photo.rank} · distance ${photo.distance.toFixed(3)}`;
    by("viewer-message").textContent = "";
    by("viewer-sketch").hidden = by("viewer-certainty").hidden = true;
    by("sketch-button").lastElementChild.textContent = "Sketch this photo";
    by("previous-button").disabled = this.place === 0;
    by("next-button").disabled = this.place === this.photos.length - 1;
  }

  leave(act) {
    const { photo } = this;
    this.dialog.close();
    act(photo);
  }

  /** Why the photo cannot be seen: the browser does not tell, the server does. */
  async missing() {
    try {
      await ask(original(this.photo.id));
    } catch (error) {
      by("viewer-message").textContent = error.message;
    }
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
      by("viewer-sketch").hidden = false;
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
