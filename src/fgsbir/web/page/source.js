// A picture to search by, or to trace: a photo of the gallery, or one from outside, cut to what matters.

import { Crop } from "/page/crop.js";
import { keep, kept } from "/page/kept.js";
import { calm, tell } from "/page/notice.js";
import { ask, by, lost, on, thumbnail } from "/page/server.js";

const WHOLE = [0, 0, 1, 1];
const PAUSE = 200; // milliseconds after a change of the box, in which the next may come

const pause = (time) => new Promise((done) => setTimeout(done, time));
const uploaded = (body) => ask("/uploads", { body, type: "application/octet-stream" }); // its content says what it is

export class Source {
  /** Calls `onChange` when what is searched by is another, `onStrokes` with what was traced, and `onUnder`. */
  constructor({ onChange, onStrokes, onUnder }) {
    Object.assign(this, { photo: null, upload: null, box: WHOLE, weight: 0.5, traced: false });
    // Another for each picture and trace, and for each file: what was asked in one before is not wanted any more.
    this.turn = this.sent = 0;
    Object.assign(this, { onChange, onStrokes });
    this.crop = new Crop(by("crop"), (box) => {
      this.box = box;
      if (this.traced) this.trace(PAUSE);
      else onChange();
    });
    on("source-picture", "error", () => this.missing());
    on("back-button", "click", () => {
      this.sent += 1;
      this.set({});
      onChange(true);
      by("pad").focus();
    });
    on("mode-button", "click", () => {
      if (!this.traced) return void this.trace();
      this.traced = false;
      this.turn += 1;
      this.show();
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
    this.turn += 1;
    calm("trace");
    by("offer-button").hidden = true;
    this.show();
  }

  /** What an address says. */
  async restore({ photo, upload, box, weight, traced }) {
    this.sent += 1;
    this.set({ photo: photo && { id: photo, name: "this photo" }, upload, box, weight, traced });
    if (!photo) return;
    const about = await ask(`/photos/${photo}/about`).catch(() => null);
    if (about && this.photo?.id === photo) this.photo = about;
  }

  show() {
    const { photo, upload, traced } = this;
    by("source").hidden = !photo && !upload;
    by("crop").hidden = by("crop-text").hidden = by("mode-button").hidden = !upload;
    by("like").hidden = !photo;
    if (photo) by("like").src = thumbnail(photo.id);
    if (upload && !by("source-picture").src.endsWith(upload)) by("source-picture").src = `/uploads/${upload}`;
    by("source-title").textContent = traced ? "Traced from this picture" : "Like this picture";
    by("mode-button").textContent = traced ? "Search by it as a photo" : "Trace it as a drawing";
    by("weight").value = this.weight;
    this.crop.show(this.box);
  }

  /**
   * Send a file. Returns what takes it, null where it is not wanted any more: a drawing's strokes go onto the paper, a
   * photo is searched by.
   */
  async send(file, others = 0) {
    const sent = (this.sent += 1);
    const data = await file.arrayBuffer().catch(() => {
      throw new Error(`${file.name} cannot be read: it is a folder, or it has changed or gone.`);
    });
    const { id, box, left_out: leftOut, strokes } = await uploaded(data);
    if (others) leftOut.push(others === 1 ? "the other file" : `the ${others} other files`);
    if (id) keep(id, data);
    if (sent !== this.sent) return null;
    return () => {
      this.set({ upload: id, traced: strokes.length > 0 });
      by("offer-button").hidden = box.join() === WHOLE.join();
      by("offer-button").onclick = () => this.crop.set(box);
      if (strokes.length) this.onStrokes(strokes);
      by("left-out").textContent = leftOut.length ? `Left out: ${leftOut.join(", ")}.` : "";
      this.onChange(true);
    };
  }

  /** The server has forgotten a picture: send it again. Returns whether it could. */
  async renew(upload = this.upload) {
    const file = await kept(upload);
    const sent = file && (await uploaded(file).catch(() => null));
    if (sent && upload === this.upload) by("source-picture").src = `/uploads/${upload}?again`;
    return Boolean(sent);
  }

  /** The picture cannot be shown. A search by it says so itself; a drawing that was traced from it stays. */
  async missing() {
    const { upload } = this;
    const { src } = by("source-picture");
    const error = await lost(by("source-picture"));
    const again = error && upload === this.upload && !src.endsWith("?again") && (await this.renew());
    if (!error || again || upload !== this.upload || !this.traced) return;
    this.set({});
    by("left-out").textContent = error.message;
    this.onChange();
  }

  /** Trace the picture, in `wait` milliseconds. It is as it was where that cannot be. */
  async trace(wait = 0) {
    const turn = (this.turn += 1);
    await pause(wait);
    if (turn !== this.turn) return;
    try {
      const { strokes } = await ask(`/uploads/${this.upload}/strokes`, { json: { box: this.box } });
      if (turn !== this.turn) return;
      calm("trace");
      const step = !this.traced;
      this.traced = true;
      this.show();
      this.onStrokes(strokes);
      if (step) this.onChange(true);
    } catch (error) {
      const again = turn === this.turn && error.status === 404 && (await this.renew());
      if (turn !== this.turn) return;
      if (again) this.trace();
      else tell("trace", error);
    }
  }
}
