// The photos found, nearest first, in pages as they are scrolled to; and strokes as small pictures.

import { by, lost, made, thumbnail } from "/page/server.js";
import { outline } from "/page/strokes.js";

/** A picture of strokes, with `label` for who cannot see it. */
export function picture(strokes, label) {
  const svg = made(by("lines-template"));
  svg.setAttribute("aria-label", label);
  svg.firstElementChild.setAttribute("d", outline(strokes));
  return svg;
}

export class Results {
  /** In the page's grid; calls `onOpen` with a photo's place in `photos` when it is chosen, `onEnd` at their end. */
  constructor({ onOpen, onEnd }) {
    this.grid = by("grid");
    this.onOpen = onOpen;
    this.photos = []; // each with those that show the same picture: `copies`
    this.received = []; // the ids of all, also of one that comes again in a later page
    this.known = new Set(); // the same, once each
    this.cards = new Map();
    this.firsts = new Map(); // the one of `photos` that shows a picture
    this.pictures = new Map(); // the picture that a photo shows, once it is known to be another's, by an id
    this.end = new IntersectionObserver((seen) => seen.at(-1).isIntersecting && onEnd());
  }

  /** Show `photos` in place of the ones before; those that stay keep their elements, so that nothing flickers. */
  show(photos) {
    const { activeElement } = document;
    const before = this.cards;
    Object.assign(this, { photos: [], received: [], known: new Set(), cards: new Map(), firsts: new Map() });
    this.add(photos, before);
    for (const [id, card] of before) if (!this.cards.has(id)) card.remove();
    by("found").scrollTop = 0;
    // A card that was moved or has gone has lost the focus.
    if (document.activeElement === activeElement) return;
    (activeElement.isConnected ? activeElement : by("found-title")).focus({ preventScroll: true });
  }

  /** Show `photos` behind the ones that are there; `cards` are those of photos seen before. */
  add(photos, cards = new Map()) {
    for (const photo of photos) {
      this.received.push(photo.id);
      if (this.known.has(photo.id)) continue;
      this.known.add(photo.id);
      const picture = this.picture(photo.id);
      const first = photo.distance === null ? null : this.firsts.get(picture);
      if (first) {
        first.copies.push(photo);
        this.label(first);
        continue;
      }
      const shown = { ...photo, copies: [] };
      const card = cards.get(photo.id) ?? this.newCard(photo);
      const there = this.grid.children[this.photos.length] ?? null;
      if (there !== card) this.grid.insertBefore(card, there);
      this.cards.set(photo.id, card);
      this.photos.push(shown);
      this.firsts.set(picture, shown);
      this.label(shown);
    }
    // What the server did not answer, or was too busy for.
    for (const image of this.grid.querySelectorAll(".failed:not(.missing) img")) image.src += "";
    this.watchEnd();
  }

  /** Put photos with the one before them that shows the same picture: `copies` says which, by their ids. */
  group(copies) {
    const gone = new Set();
    for (const [copy, other] of Object.entries(copies)) {
      const photo = this.firsts.get(this.picture(copy));
      this.pictures.set(copy, this.picture(other));
      const first = this.firsts.get(this.picture(copy));
      if (photo?.id !== copy || !first || first === photo) continue;
      first.copies.push(photo, ...photo.copies);
      this.label(first);
      const card = this.cards.get(copy);
      if (card.contains(document.activeElement)) this.focus(first, { preventScroll: true });
      card.remove();
      this.cards.delete(copy);
      gone.add(photo);
    }
    if (!gone.size) return;
    this.photos = this.photos.filter((photo) => !gone.has(photo));
    this.watchEnd();
  }

  picture(id) {
    return this.pictures.get(id) ?? id;
  }

  /** Tell anew whether the end is in sight. */
  watchEnd() {
    this.end.disconnect();
    this.end.observe(by("end"));
  }

  focus({ id }, options) {
    this.cards.get(id)?.firstElementChild.focus(options);
  }

  label(photo) {
    const card = this.cards.get(photo.id);
    const button = card.firstElementChild;
    if (card.classList.contains("missing")) button.querySelector("img").src = thumbnail(photo.id); // it may be back
    const far = photo.distance?.toFixed(2) ?? "";
    const shown = { rank: far && photo.rank, name: photo.name, distance: far, also: photo.copies.length || "" };
    const also = photo.copies.length ? `, and ${photo.copies.length} in other sizes` : "";
    button.setAttribute("aria-label", `${photo.rank}: ${photo.name}${far && `, distance ${far}`}${also}`);
    button.title = photo.paths[0];
    for (const part in shown) button.querySelector(`.${part}`).textContent = shown[part];
  }

  newCard(photo) {
    const card = made(by("card-template"));
    const image = card.querySelector("img");
    image.addEventListener("load", () => card.classList.remove("failed", "missing"));
    image.addEventListener("error", async () => {
      card.classList.add("failed");
      if (await lost(image)) card.classList.add("missing");
    });
    image.src = thumbnail(photo.id);
    card.firstElementChild.addEventListener("click", () => {
      this.onOpen(this.photos.findIndex(({ id }) => id === photo.id));
    });
    return card;
  }
}
