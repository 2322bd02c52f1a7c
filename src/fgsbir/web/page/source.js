// A picture to search by, or to trace: a photo of the gallery, or one from outside, cut to what matters.

import { Crop } from "/page/crop.js";
import { ask, by, on, thumbnail } from "/page/server.js";

const WHOLE = [0, 0, 1, 1];
// The browser keeps what was uploaded, for when the server has forgotten it; it may do so on this machine and by https,
// and may refuse.
const kept = () => globalThis.caches?.open("uploads").catch(() => null);
const typeOf = (file) => file.type || (/\.svg$/i.test(file.name ?? "") ? "image/svg+xml" : "application/octet-stream");

export class Source {
  /** Calls `onChange` when what is searched by is another, `onStrokes` with what was traced, `onError`, `onUnder`. */
  constructor({ onChange, onStrokes, onError, onUnder }) {
    Object.assign(this, { photo: null, upload: null, box: WHOLE, weight: 0.5, traced: false });
    Object.assign(this, { onChange, onStrokes, onError });
    this.crop = new Crop(by("crop"), (box) => {
      this.box = box;
      if (this.traced) this.trace();
      else onChange();
    });
    on("back-button", "click", () => {
      this.set({});
      onChange(true);
      by("pad").focus();
    });
    on("mode-button", "click", () => {
      this.traced = !this.traced;
      this.show();
      if (this.traced) this.trace();
      onChange(true);
    });
    on("under-button", "click", () => onUnder(this.upload ? `uploads/${this.upload}` : `photos/${this.photo.id}`));
    on("weight", "input", () => {
      this.weight = Number(by("weight").value);
      onChange();
    });
  }

  /** Whether it is searched by, and not only traced. */
  get searched() {
    return Boolean(this.photo || (this.upload && !this.traced));
  }

  set({ photo = null, upload = null, box = WHOLE, weight = 0.5, traced = false }) {
    Object.assign(this, { photo, upload, box, weight, traced });
    this.show();
  }

  /** What an address says. */
  async restore({ photo, upload, box, weight }) {
    this.set({ photo: photo && { id: photo, name: "this photo" }, upload, box, weight });
    if (!photo) return;
    const about = await ask(`/photos/${photo}/about`).catch(() => null);
    if (about && this.photo?.id === photo) this.photo = about;
  }

  show() {
    const { photo, upload, traced } = this;
    by("source").hidden = !photo && !upload;
    by("offer-button").hidden ||= !upload;
    by("crop").hidden = by("crop-text").hidden = by("mode-button").hidden = !upload;
    by("like").hidden = !photo;
    if (photo) by("like").src = thumbnail(photo.id);
    if (upload && !by("source-picture").src.endsWith(upload)) by("source-picture").src = `/uploads/${upload}`;
    by("source-title").textContent = traced ? "Traced from this picture" : "Like this picture";
    by("mode-button").textContent = traced ? "Search by it as a photo" : "Trace it as a drawing";
    by("weight").value = this.weight;
    this.crop.show(this.box);
  }

  /** Send a file: a drawing's strokes go onto the paper, a photo is searched by. */
  async send(file) {
    const type = typeOf(file);
    const { id, box, left_out: leftOut, strokes } = await ask("/uploads", { body: file, type });
    const headers = { "Content-Type": type };
    if (id) (await kept())?.put(`/uploads/${id}`, new Response(file, { headers })).catch(() => null);
    this.set({ upload: id, traced: strokes.length > 0 });
    by("left-out").textContent = leftOut.length ? `Left out: ${leftOut.join(", ")}.` : "";
    by("offer-button").hidden = box.join() === WHOLE.join();
    by("offer-button").onclick = () => this.crop.set(box);
    if (strokes.length) this.onStrokes(strokes);
    else this.onChange(true);
  }

  /** The server has forgotten the picture: send it again. Returns whether it could. */
  async renew() {
    const file = await (await (await kept())?.match(`/uploads/${this.upload}`))?.blob();
    const sent = file && (await ask("/uploads", { body: file, type: typeOf(file) }).catch(() => null));
    if (sent) by("source-picture").src = `/uploads/${this.upload}?again`;
    return Boolean(sent);
  }

  async trace() {
    try {
      const { strokes } = await ask(`/uploads/${this.upload}/strokes`, { json: { box: this.box } });
      this.onStrokes(strokes);
    } catch (error) {
      if (error.status === 404 && (await this.renew())) this.trace();
      else this.onError(error);
    }
  }
}
