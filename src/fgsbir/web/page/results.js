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
    const { activeElement } = document;
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
    // A card that was moved or has gone has lost the focus.
    if (document.activeElement === activeElement) return;
    (activeElement.isConnected ? activeElement : by("found-title")).focus({ preventScroll: true });
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
    if (card.classList.contains("missing")) button.querySelector("img").src = thumbnail(photo.id); // it may be back
    const far = photo.distance?.toFixed(2) ?? "";
    const shown = { rank: far && photo.rank, name: photo.name, distance: far, also: photo.copies.length || "" };
    const also = photo.copies.length ? `, and ${photo.copies.length} in other sizes` : "";
    button.setAttribute("aria-label", `${photo.rank}: ${photo.name}${far && `, distance ${far}`}${also}`);
    button.title = photo.paths[0];
    for (const part in shown) button.querySelector(`.${part}`).textContent = shown[part];
    return card;
  }

  newCard(photo) {
    const card = made(by("card-template"));
    const image = card.querySelector("img");
    for (const kind of ["error", "load"]) {
      image.addEventListener(kind, () => card.classList.toggle("missing", kind === "error"));
    }
    image.src = thumbnail(photo.id);
    card.firstElementChild.addEventListener("click", () => {
      this.onOpen(this.photos.findIndex(({ id }) => id === photo.id));
    });
    this.cards.set(photo.id, card);
    return card;
  }
}
