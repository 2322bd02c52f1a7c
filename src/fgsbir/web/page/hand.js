// Adapting to one hand: corrections, and the search that has learned from them.

import { picture } from "/page/results.js";
import { ask, by, made, on, thumbnail } from "/page/server.js";

const KEPT = "corrections";

export class Hand {
  /** Calls `onChange` when the search is another one, and `onError` with what went wrong. */
  constructor({ onChange, onError, onSay }) {
    this.corrections = []; // { strokes, photo }
    this.learned = null; // { token, corrections }
    Object.assign(this, { onChange, onError, onSay });
    on("adapt-button", "click", () => this.adapt());
    on("adapted", "change", () => {
      this.show();
      onChange();
    });
  }

  /** What was kept when the page was left, of photos that are still there. */
  async restore() {
    const { corrections, token, used } = JSON.parse(localStorage.getItem(KEPT) ?? '{ "corrections": [] }');
    const there = ({ photo }) => ask(`/photos/${photo.id}/about`).then(() => true, ({ status }) => status !== 404);
    const still = await Promise.all(corrections.map(there));
    this.corrections = corrections.filter((_, number) => still[number]);
    if (token) this.learned = { token, corrections: this.corrections };
    by("adapted").checked = Boolean(used);
    this.show();
  }

  /** The token of the adaptation that is on, or null. */
  get token() {
    return this.learned && by("adapted").checked ? this.learned.token : null;
  }

  add(strokes, photo) {
    this.corrections = [...this.corrections.filter((other) => other.strokes !== strokes), { strokes, photo }];
    this.onSay(`Correction added: your drawing is ${photo.name}. ${this.advice()}`);
    this.show();
  }

  remove(correction) {
    this.corrections = this.corrections.filter((other) => other !== correction);
    this.show();
  }

  advice() {
    if (!this.corrections.length) {
      return "When you find what you meant, open it and press “This is what I drew”. From one drawing on, the search can learn your hand.";
    }
    if (this.learned?.corrections === this.corrections) return "The search has learned from these drawings.";
    return "Ready to learn from these drawings.";
  }

  async learn(corrections) {
    const json = { corrections: corrections.map(({ strokes, photo }) => ({ strokes, photo: photo.id })) };
    const { token } = await ask("/adapt", { json });
    this.learned = { token, corrections };
  }

  async adapt() {
    by("adapt-button").disabled = true;
    try {
      await this.learn(this.corrections);
      by("adapted").checked = true;
      this.onSay("The search has learned from your drawings.");
      this.onChange();
    } catch (error) {
      this.onError(error, () => this.adapt());
    }
    this.show();
  }

  /** The server has forgotten: learn the same again. Returns whether it could. */
  async renew() {
    const { corrections } = this.learned;
    this.learned = null;
    await this.learn(corrections).catch(() => this.show());
    return this.learned !== null;
  }

  show() {
    const { corrections, learned } = this;
    const token = learned?.corrections === corrections ? learned.token : null;
    localStorage.setItem(KEPT, JSON.stringify({ corrections, token, used: token && by("adapted").checked }));
    by("save-model").hidden = !learned;
    if (learned) by("save-model").href = `/adapted/${learned.token}`;
    by("hand-text").textContent = this.advice();
    by("adapted-label").hidden = !this.learned;
    const button = by("adapt-button");
    button.hidden = !this.corrections.length || this.learned?.corrections === this.corrections;
    button.disabled = false;
    button.textContent = this.learned ? "Adapt again" : "Adapt";
    by("corrections").replaceChildren(...this.corrections.map((correction) => this.item(correction)));
  }

  item(correction) {
    const item = made(by("correction-template"));
    const [image, remove] = item.querySelectorAll("img, button");
    image.src = thumbnail(correction.photo.id);
    image.alt = correction.photo.name;
    remove.setAttribute("aria-label", `Remove the correction to ${correction.photo.name}`);
    remove.addEventListener("click", () => this.remove(correction));
    item.prepend(picture(correction.strokes, "Your drawing"));
    return item;
  }
}
