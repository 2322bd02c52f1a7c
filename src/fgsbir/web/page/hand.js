// Corrections, which the server keeps with the index, and the search that has learned from them.

import { picture } from "/page/results.js";
import { ask, by, made, on, thumbnail } from "/page/server.js";

const OFF = "corrections-off";
const LEARNED = {
  none: "Learning from these would find one of your drawings’ photos later than before, so the search is as it was.",
  statistics: "The search has learned how drawings of these photos look.",
  head: "The search has learned how drawings of these photos look, and what tells them apart.",
};

export class Hand {
  /** Calls `onChange` when the search is another one, `onError` with what went wrong, and `onSay` with news. */
  constructor({ onChange, onError, onSay }) {
    this.state = { corrections: [], by: "none", kept: true };
    Object.assign(this, { onChange, onError, onSay });
    by("adapted").checked = !localStorage.getItem(OFF);
    on("undo-correction-button", "click", () => this.remove(this.state.corrections.at(-1)));
    on("adapted", "change", ({ target }) => {
      if (target.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "yes");
      onChange();
    });
  }

  /** Show what the server keeps. */
  async restore() {
    this.show(await ask("/corrections"));
  }

  /** Whether to search as the corrections have taught. */
  get on() {
    return this.state.by !== "none" && by("adapted").checked;
  }

  add(strokes, photo) {
    const send = () => ask("/corrections", { json: { strokes, photo: photo.id } });
    return this.change(send, `Your drawing is ${photo.name}: the search has learned from it.`);
  }

  remove({ id, photo }) {
    const send = () => ask(`/corrections/${id}`, { method: "DELETE" });
    return this.change(send, `The correction to ${photo.name} is taken back.`);
  }

  async change(send, news) {
    by("hand").setAttribute("aria-busy", "true");
    try {
      this.show(await send());
      this.onSay(news);
      this.onChange();
    } catch (error) {
      this.onError(error, error.status === 404 ? undefined : () => this.change(send, news));
      if (error.status === 404) await this.restore().catch(() => {}); // another page was faster
    }
    by("hand").setAttribute("aria-busy", "false");
  }

  show(state) {
    this.state = state;
    const { corrections, kept } = state;
    const none = !corrections.length;
    let text = none ? "Open the photo that you meant and press “This is what I drew”. The search learns from it at once, and keeps it with the index." : LEARNED[state.by];
    if (!kept) text += " The folder of the index cannot be written to: this is forgotten when the server ends.";
    by("hand-text").textContent = text;
    by("undo-correction-button").hidden = none;
    by("adapted-label").hidden = by("save-model").hidden = state.by === "none";
    by("corrections").replaceChildren(...corrections.map((correction) => this.item(correction)));
  }

  item(correction) {
    const item = made(by("correction-template"));
    const [image, remove] = item.querySelectorAll("img, button");
    image.src = thumbnail(correction.photo.id);
    image.alt = correction.photo.name;
    remove.setAttribute("aria-label", `Take back the correction to ${correction.photo.name}`);
    remove.addEventListener("click", () => this.remove(correction));
    item.prepend(picture(correction.strokes, "Your drawing"));
    return item;
  }
}
