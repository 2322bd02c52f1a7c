// One photo, large: what it is like, how G draws it, and whether it is what was meant.

import { drawnPicture } from "/page/lines.js";
import { ask, original } from "/page/server.js";

const by = (id) => document.getElementById(id);

export class Viewer {
  /** Calls `onAlike` and `onCorrect` with the photo they are asked for, and `onClose` with its place. */
  constructor({ onAlike, onCorrect, onClose }) {
    this.dialog = by("viewer");
    this.photos = [];
    this.place = 0;
    by("viewer-close").addEventListener("click", () => this.dialog.close());
    by("previous-button").addEventListener("click", () => this.turn(-1));
    by("next-button").addEventListener("click", () => this.turn(1));
    by("sketch-button").addEventListener("click", () => this.sketch());
    by("alike-button").addEventListener("click", () => this.leave(onAlike));
    by("correct-button").addEventListener("click", () => this.leave(onCorrect));
    by("viewer-photo").addEventListener("error", () => this.missing());
    this.dialog.addEventListener("close", () => {
      this.asked?.abort();
      onClose(this.place);
    });
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close(); // beside it
    });
    this.dialog.addEventListener("keydown", (event) => {
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

  turn(by) {
    const place = this.place + by;
    if (place < 0 || place >= this.photos.length) return;
    this.place = place;
    this.show();
  }

  show() {
    const { photo } = this;
    this.asked?.abort();
    const image = by("viewer-photo");
    image.src = original(photo.id);
    image.alt = photo.name;
    by("viewer-name").textContent = photo.name;
    by("viewer-facts").textContent = `Rank ${photo.rank} · distance ${photo.distance.toFixed(3)}`;
    by("viewer-message").textContent = "";
    by("viewer-sketch").hidden = by("viewer-certainty").hidden = true;
    by("sketch-button").lastElementChild.textContent = "Show its sketch";
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
      const told = () => {
        if (signal.aborted || certainty === null) return;
        by("certainty").textContent = certainty.toFixed(2);
        by("certainty-meter").value = certainty;
        by("viewer-certainty").hidden = false;
      };
      by("viewer-lines").replaceChildren(drawnPicture(strokes, `Sketch of ${this.photo.name}`, told));
    } catch (error) {
      if (error.name !== "AbortError") message.textContent = error.message;
    }
  }
}
