// The photos found, nearest first; and strokes as small pictures.

import { by, made, thumbnail } from "/page/server.js";

/** A picture of strokes, with `label` for who cannot see it. */
export function picture(strokes, label) {
  const svg = made(by("lines-template"));
  svg.setAttribute("aria-label", label);
  svg.firstElementChild.setAttribute("d", strokes.map((points) => `M${points.join("L")}`).join(""));
  return svg;
}

export class Results {
  /** In the page's grid; calls `onOpen` with a photo's place in `photos` when it is chosen. */
  constructor(onOpen) {
    this.grid = by("grid");
    this.photos = [];
    this.cards = new Map();
    this.onOpen = onOpen;
  }

  /** Show `photos` in place of the ones before; those that stay keep their elements, so that nothing flickers. */
  show(photos) {
    this.photos = photos;
    const cards = new Map();
    for (const [place, photo] of photos.entries()) {
      const card = this.cards.get(photo.id) ?? this.card(photo);
      const button = card.firstElementChild;
      const shown = { rank: photo.rank, name: photo.name, distance: photo.distance.toFixed(2) };
      button.setAttribute("aria-label", `${shown.rank}: ${shown.name}, distance ${shown.distance}`);
      button.title = shown.name;
      for (const part in shown) button.querySelector(`.${part}`).textContent = shown[part];
      cards.set(photo.id, card);
      if (this.grid.children[place] !== card) this.grid.insertBefore(card, this.grid.children[place] ?? null);
    }
    while (this.grid.children.length > photos.length) this.grid.lastElementChild.remove();
    this.cards = cards;
  }

  card(photo) {
    const card = made(by("card-template"));
    const image = card.querySelector("img");
    image.addEventListener("error", () => card.classList.add("missing"));
    image.src = thumbnail(photo.id);
    card.firstElementChild.addEventListener("click", () => {
      this.onOpen(this.photos.findIndex(({ id }) => id === photo.id));
    });
    return card;
  }
}
