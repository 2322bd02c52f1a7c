// What the page shows, as an address: reload, back, forward and a link to a search or a photo bring it back.

import { decoded, encoded } from "/page/strokes.js";

const BOX = /^(0|1|0?\.\d+)(,(0|1|0?\.\d+)){3}$/;

/**
 * What an address says: `strokes`; the `photo` or `upload` (with `box`) that is searched by, or only `traced`, and its
 * `weight` beside the strokes; what lies `under` the paper; `folder`, null for all; and the photo that is `open`.
 */
export function read() {
  const said = new URLSearchParams(location.hash.slice(1));
  const id = (name, form = /^[0-9a-f]{16}$/) => (form.test(said.get(name)) ? said.get(name) : null);
  return {
    strokes: decoded(said.get("drawing") ?? ""),
    photo: id("photo"),
    upload: id("upload"),
    traced: said.has("upload") && said.has("traced"),
    box: id("box", BOX)?.split(",").map(Number) ?? [0, 0, 1, 1],
    weight: Number(id("weight", /^(0|1|0?\.\d+)$/) ?? 0.5),
    under: id("under", /^(photos|uploads)\/[0-9a-f]{16}$/),
    folder: said.get("folder"),
    open: id("open"),
  };
}

function addressOf({ strokes, photo, upload, traced, box, weight, under, folder, open }) {
  const said = new URLSearchParams();
  if (strokes.length) said.set("drawing", encoded(strokes));
  if (upload && box.join() !== "0,0,1,1") said.set("box", box.map((share) => Number(share.toFixed(3))).join());
  if (upload && traced) said.set("traced", "yes");
  if ((photo || upload) && weight !== 0.5) said.set("weight", weight);
  for (const [name, value] of Object.entries({ photo, upload, under, folder, open })) {
    if (value !== null) said.set(name, value);
  }
  return said.size ? `#${said}` : location.pathname;
}

const here = () => location.hash || location.pathname;

/** Put what is `shown` into the address; `step` is one that Back takes back. */
export function write(shown, step = false) {
  const address = addressOf(shown);
  if (address === here()) return;
  try {
    if (step) history.pushState({ over: here() }, "", address);
    else history.replaceState(history.state, "", address);
  } catch {
    // A browser allows some 100 changes in half a minute: the address is late, and the search goes on.
  }
}

/** Put what is `shown` into the address by Back, where Back leads to it. */
export function back(shown) {
  if (history.state?.over === addressOf(shown)) history.back();
  else write(shown);
}
