// Corrections, which the server keeps with the index, and the search that has learned from them.

import { calm, tell } from "/page/notice.js";
import { picture } from "/page/results.js";
import { ask, by, made, on, thumbnail } from "/page/server.js";

const OFF = "corrections-off";
const WIDE = 860; // pixels; below, the list would lie between the paper and the photos
const NOT_LEARNED = "the search has not learned from it, since an earlier drawing would no longer find its photo first";
const LEARNED = {
  none: "Learning from these would find one of your drawings’ photos later than before, so the search is as it was.",
  statistics: "The search has learned how drawings of these photos look.",
  head: "The search has learned how drawings of these photos look, and what tells them apart.",
};

/** Let `act` use what the browser remembers; a browser that blocks it remembers nothing. */
function remembered(act) {
  try {
    return act(localStorage);
  } catch {
    return null;
  }
}

export class Hand {
  /** Calls `onChange` when the search is another one, and `onSay` with news. */
  constructor({ onChange, onSay }) {
    this.state = { corrections: [], by: "none", kept: true, version: null };
    Object.assign(this, { onChange, onSay });
    by("hand").open = innerWidth >= WIDE;
    by("adapted").checked = !remembered((memory) => memory.getItem(OFF));
    on("undo-correction-button", "click", () => this.remove(this.state.corrections.at(-1)));
    on("adapted", "change", ({ target }) => {
      remembered((memory) => (target.checked ? memory.removeItem(OFF) : memory.setItem(OFF, "yes")));
      onChange();
    });
  }

  /** Show what the server keeps. */
  async restore() {
    this.show(await ask("/corrections"));
  }

  /** Whether to search as the corrections have taught, be they of this page or of another. */
  get on() {
    return by("adapted").checked;
  }

  /** Whether the search has learned, as far as this page knows. */
  get used() {
    return this.on && this.state.by !== "none";
  }

  add(strokes, photo) {
    const send = () => ask("/corrections", { json: { strokes, photo: photo.id } });
    const learned = () => (this.state.corrections.at(-1).learned ? "the search has learned from it" : NOT_LEARNED);
    return this.change(send, () => `Your drawing is ${photo.name}: ${learned()}.`);
  }

  async remove(correction) {
    if (by("hand").getAttribute("aria-busy") === "true") return; // pressed twice, say
    const { id, photo } = correction;
    const place = this.state.corrections.indexOf(correction);
    const send = () => ask(`/corrections/${id}`, { method: "DELETE" });
    await this.change(send, () => `The correction to ${photo.name} is taken back.`);
    // The focus would be lost with its button.
    const { activeElement } = document;
    if (activeElement !== document.body && !activeElement.hidden) return;
    (by("corrections").children[place]?.lastElementChild ?? by("hand-title")).focus();
  }

  async change(send, news) {
    by("hand").setAttribute("aria-busy", "true");
    try {
      this.show(await send());
      calm("corrections");
      this.onSay(news());
      this.onChange();
    } catch (error) {
      tell("corrections", error, error.status === 404 ? null : () => this.change(send, news));
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
    if (!correction.learned) remove.before(made(by("unlearned-template")));
    return item;
  }
}
