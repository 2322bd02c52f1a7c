// The photos found, nearest first, in pages as they are scrolled to; and strokes as small pictures.

import { by, made, thumbnail } from "/page/server.js";
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
    this.received = 0;
    this.cards = new Map();
    this.end = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && onEnd());
  }

  /** Show `photos` in place of the ones before; those that stay keep their elements, so that nothing flickers. */
  show(photos) {
    this.photos = [];
    this.received = 0;
    this.add(photos);
    const shown = new Set(this.photos.map(({ id }) => id));
    for (const [id, card] of this.cards) {
      if (!shown.has(id)) {
        card.remove();
        this.cards.delete(id);
      }
    }
    by("found").scrollTop = 0;
  }

  /** Show `photos` behind the ones before. */
  add(photos) {
    this.received += photos.length;
    for (const photo of photos) {
      const first = this.photos.find(({ id, copies }) => [id, ...copies.map((one) => one.id)].includes(photo.copy_of));
      if (first) first.copies.push(photo);
      else this.photos.push({ ...photo, copies: [] });
    }
    for (const [place, photo] of this.photos.entries()) {
      const card = this.card(photo);
      if (this.grid.children[place] !== card) this.grid.insertBefore(card, this.grid.children[place] ?? null);
    }
    // It tells anew whether the end is in sight.
    this.end.disconnect();
    this.end.observe(by("end"));
  }

  card(photo) {
    const card = this.cards.get(photo.id) ?? this.newCard(photo);
    const button = card.firstElementChild;
    const far = photo.distance?.toFixed(2) ?? "";
    const shown = { rank: far && photo.rank, name: photo.name, distance: far, also: photo.copies.length || "" };
    button.setAttribute("aria-label", `${photo.rank}: ${photo.name}${far && `, distance ${far}`}`);
    button.title = photo.paths[0];
    for (const part in shown) button.querySelector(`.${part}`).textContent = shown[part];
    return card;
  }

  newCard(photo) {
    const card = made(by("card-template"));
    const image = card.querySelector("img");
    image.addEventListener("error", () => card.classList.add("missing"));
    image.src = thumbnail(photo.id);
    card.firstElementChild.addEventListener("click", () => {
      this.onOpen(this.photos.findIndex(({ id }) => id === photo.id));
    });
    this.cards.set(photo.id, card);
    return card;
  }
}
