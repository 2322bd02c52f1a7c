// What the page shows, as an address: reload, back, forward and a link to a search or a photo bring it back.

import { decoded, encoded } from "/page/strokes.js";

const BOX = /^(0|1|0?\.\d+)(,(0|1|0?\.\d+)){3}$/;

/**
 * What an address says: `strokes`; `photo` or `upload` (with `box`) searched by, and how much that counts, `weight`;
 * what lies `under` the paper; `folder`, null for all; and the photo that is `open`.
 */
export function read() {
  const said = new URLSearchParams(location.hash.slice(1));
  const id = (name, form = /^[0-9a-f]{16}$/) => (form.test(said.get(name)) ? said.get(name) : null);
  return {
    strokes: decoded(said.get("drawing") ?? ""),
    photo: id("photo"),
    upload: id("upload"),
    box: id("box", BOX)?.split(",").map(Number) ?? [0, 0, 1, 1],
    weight: Number(id("weight", /^(0|1|0?\.\d+)$/) ?? 0.5),
    under: id("under", /^(photos|uploads)\/[0-9a-f]{16}$/),
    folder: said.get("folder"),
    open: id("open"),
  };
}

/** Put what is shown into the address; `step` is one that Back takes back. */
export function write({ strokes, photo, upload, box, weight, under, folder, open }, step = false) {
  const said = new URLSearchParams();
  if (strokes.length) said.set("drawing", encoded(strokes));
  if (upload && box.join() !== "0,0,1,1") said.set("box", box.map((share) => Number(share.toFixed(3))).join());
  if ((photo || upload) && weight !== 0.5) said.set("weight", weight);
  for (const [name, value] of Object.entries({ photo, upload, under, folder, open })) {
    if (value !== null) said.set(name, value);
  }
  const address = said.size ? `#${said}` : location.pathname;
  if (address === (location.hash || location.pathname)) return;
  if (step) history.pushState({ stepped: true }, "", address);
  else history.replaceState(history.state, "", address);
}
