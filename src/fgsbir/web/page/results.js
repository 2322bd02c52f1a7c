// The photos found, nearest first.

import { thumbnail } from "/page/server.js";

const by = (id) => document.getElementById(id);

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
      const distance = photo.distance.toFixed(2);
      button.setAttribute("aria-label", `${photo.rank}: ${photo.name}, distance ${distance}`);
      button.title = photo.name;
      card.querySelector(".rank").textContent = photo.rank;
      card.querySelector(".name").textContent = photo.name;
      card.querySelector(".distance").textContent = distance;
      cards.set(photo.id, card);
      if (this.grid.children[place] !== card) this.grid.insertBefore(card, this.grid.children[place] ?? null);
    }
    while (this.grid.children.length > photos.length) this.grid.lastElementChild.remove();
    this.cards = cards;
  }

  card(photo) {
    const card = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    const image = document.createElement("img");
    image.alt = "";
    image.decoding = "async";
    image.addEventListener("error", () => card.classList.add("missing"));
    image.src = thumbnail(photo.id);
    const frame = document.createElement("span");
    frame.className = "frame";
    frame.append(image);
    const caption = document.createElement("span");
    caption.className = "caption";
    for (const part of ["rank", "name", "distance"]) {
      const shown = document.createElement("span");
      shown.className = part;
      caption.append(shown);
    }
    button.append(frame, caption);
    button.addEventListener("click", () => this.onOpen(this.photos.findIndex(({ id }) => id === photo.id)));
    card.append(button);
    return card;
  }

  /** Focus the photo at `place`. */
  focus(place) {
    this.grid.children[place]?.firstElementChild.focus();
  }
}
