// The page: from a drawing, or a picture, to the photos that come nearest.

import { back, read, write } from "/page/address.js";
import { watchCopies } from "/page/copies.js";
import { watchFiles } from "/page/files.js";
import { Folder } from "/page/folder.js";
import { Hand } from "/page/hand.js";
import { watchKeys } from "/page/keys.js";
import { calm, goOn, tell } from "/page/notice.js";
import { Pad } from "/page/pad.js";
import { watchPointers } from "/page/pointer.js";
import { Results } from "/page/results.js";
import { ask, by } from "/page/server.js";
import { Source } from "/page/source.js";
import { watchTools } from "/page/tools.js";
import { Under } from "/page/under.js";
import { Viewer } from "/page/viewer.js";

const WAIT = 30; // milliseconds after a change, in which the next may come
const PAGE = 48;

// It is `restoring` until it shows what the address says: what is done meanwhile does not change the address.
const state = { health: null, open: null, total: 0, version: "", corrections: null, written: "", restoring: true };
Object.assign(state, { timer: 0, since: 0, asked: null, renewed: false, reveal: false, news: "" });
let settled = null;
const restored = new Promise((done) => (settled = done));

const pad = new Pad(by("pad"), { onChange: drawn, onSelect: selected });
const results = new Results({ onOpen: (place) => viewer.open(results.photos, place, may()), onEnd: more });
const viewer = new Viewer({
  onAlike: (photo) => {
    source.set({ photo, weight: 1 });
    state.reveal = true;
    changed();
  },
  onTrace: ({ id }) => under.lay(`photos/${id}`),
  onCorrect: (photo) => {
    hand.add(pad.strokes, photo);
    remember();
  },
  onSketch: (strokes) => pad.replace(strokes),
  onShow: ({ id }) => {
    calm("photo");
    state.open = id;
    remember(!read().open);
  },
  onClose: (photo, leaving) => {
    state.open = null;
    results.focus(photo);
    if (leaving || !read().open) return;
    back(shown());
    state.written = searchedBy();
  },
});
const hand = new Hand({ onChange: () => refresh(), onSay: (news) => (state.news = `${news} `) });
const source = new Source({
  onChange: changed,
  onStrokes: (strokes) => pad.replace(strokes),
  onUnder: (path) => under.lay(path),
});
const under = new Under({ onChange: () => state.restoring || remember(), renew: (upload) => source.renew(upload) });
const folder = new Folder({ onChange: () => changed(true) });
const lookForCopies = watchCopies(results);
watchPointers(pad);
watchKeys(pad);
watchTools(pad, () => viewer.dialog.open);
const send = async (file, others) => {
  await restored; // else what the address says would take its place
  const take = await source.send(file, others);
  if (!take) return;
  state.reveal = true;
  viewer.leave(take);
};
watchFiles(send, () => state.health?.upload_bytes);

const may = () => ({
  canSketch: state.health?.features.sketch,
  canCorrect: state.health?.features.adapt && pad.strokes.length > 0,
});

function drawn(strokes) {
  by("undo-button").disabled = pad.at === 0;
  by("redo-button").disabled = pad.at === pad.last;
  by("clear-button").disabled = by("svg-button").disabled = by("png-button").disabled = !strokes.length;
  by("paper-hint").hidden = strokes.length > 0;
  if (!strokes.length) by("left-out").textContent = "";
  const count = strokes.length === 1 ? "1 stroke" : `${strokes.length} strokes`;
  by("pad").setAttribute("aria-label", strokes.length ? `Drawing, ${count}` : "Drawing, empty");
  // Who draws on while only a picture is searched by means both.
  if (!state.restoring && source.weight === 1 && strokes.length) {
    source.weight = 0.5;
    source.show();
  }
  changed();
}

function selected(number) {
  by("clear-button").lastElementChild.textContent = number < 0 ? "Clear" : "Delete";
  if (number >= 0) say(`Stroke ${number + 1} of ${pad.strokes.length}`);
}

/** What is searched by is another. */
function changed(step = false) {
  by("weight-label").hidden = !source.searched || !pad.strokes.length;
  if (state.restoring) return;
  goOn();
  if (step) remember(true);
  state.since = performance.now();
  refresh(WAIT);
}

/** What an address says of the page. */
function shown() {
  const { photo, upload, traced, box, weight } = source;
  const searched = { photo: photo?.id ?? null, upload, traced, box, weight };
  return { strokes: pad.strokes, ...searched, under: under.path, folder: folder.path, open: state.open };
}

/** Keep what is shown in the address; `step` is one that Back takes back. */
function remember(step = false) {
  write(shown(), step);
  state.written = searchedBy();
}

const searchedBy = () => JSON.stringify({ ...read(), open: null });

/** Show what the address says. */
function restore() {
  const said = read();
  state.open = said.open;
  if (!said.open && viewer.dialog.open) viewer.dialog.close();
  if (searchedBy() === state.written) {
    if (said.open) open(said.open);
    return;
  }
  goOn(); // not once this has told what is not there any more
  state.restoring = true;
  source.restore(said).then(title);
  folder.choose(said.folder);
  pad.restore(said.strokes);
  state.restoring = false;
  under.lay(said.under);
  refresh(WAIT);
}

/** Search in `wait` milliseconds, behind the first `skip` photos. What was asked before is not wanted any more. */
function refresh(wait = 0, skip = 0) {
  clearTimeout(state.timer);
  state.asked?.abort();
  state.asked = null;
  state.since ||= performance.now();
  by("found").setAttribute("aria-busy", "true");
  state.timer = setTimeout(search, wait, skip);
}

function query(skip) {
  const { photo, upload, box, weight, searched } = source;
  const both = searched && pad.strokes.length > 0;
  const asked = { k: PAGE, skip, folder: folder.path, adapted: hand.on };
  if (pad.strokes.length && !(both && weight === 1)) asked.strokes = pad.strokes;
  if (searched && !(both && weight === 0)) Object.assign(asked, photo ? { photo: photo.id } : { picture: { id: upload, box } });
  return Object.assign(asked, both ? { weight } : {});
}

async function search(skip = 0) {
  const asked = (state.asked = new AbortController());
  state.timer = 0;
  remember(); // not with each key that is held: a browser allows so many changes of the address, and no more
  by("found").setAttribute("aria-busy", "true");
  try {
    const found = await ask("/search", { json: query(skip), signal: asked.signal });
    if (asked !== state.asked) return;
    calm("search");
    Object.assign(state, { asked: null, renewed: false, total: found.total });
    const other = found.version !== state.version || (hand.on && found.corrections !== state.corrections);
    if (skip && other) return refresh(); // these are pages of another search
    show(found, skip);
    if (found.version !== state.health?.version) start();
    else if (found.corrections !== hand.state.version) hand.restore().catch(() => null); // someone else's
  } catch (error) {
    if (asked !== state.asked || error.name === "AbortError") return;
    const again = error.status === 404 && !state.renewed && source.upload && (await source.renew());
    if (asked !== state.asked) return; // the user has gone on meanwhile
    state.asked = null;
    if (again) {
      state.renewed = true; // once: what is missing may be a photo
      refresh();
    } else if (error.status === 429) refresh(1000 * (error.retryAfter || 1), skip);
    else {
      state.since = 0;
      settle(!skip && results.photos.length > 0);
      tell("search", error, () => refresh(0, skip));
    }
  }
}

/** The end of the photos is in sight. */
function more() {
  const { length } = results.received;
  if (!state.asked && !state.timer && length < state.total) search(length);
}

function show({ photos, total, unlike, version, corrections }, skip) {
  const { since } = state;
  state.since = 0;
  settle(false);
  title();
  if (skip) results.add(photos);
  else results.show(photos);
  lookForCopies(!skip);
  if (skip) return;
  if (state.reveal) reveal();
  Object.assign(state, { version, corrections });
  const [nearest] = photos;
  const searched = nearest && nearest.distance !== null;
  by("grid").classList.toggle("ranked", Boolean(searched));
  by("unlike").hidden = !unlike;
  by("empty").hidden = Boolean(nearest);
  if (searched) {
    say(`${unlike ? "Nothing here looks like this. " : ""}${total} photos. Nearest: ${nearest.name}, distance ${nearest.distance.toFixed(2)}.`);
    // What the user has waited, until the answer was painted.
    requestAnimationFrame(() => setTimeout(() => {
      by("took").textContent = `${(performance.now() - since).toFixed(0)} ms${hand.used ? ", corrected" : ""}`;
    }));
  } else {
    by("took").textContent = "";
    say(nearest ? `${total} photos.` : "No photo.");
  }
  if (state.open && !viewer.dialog.open) open(state.open);
}

/** Show the nearest photo, where on a narrow page the picture that it is like lies above it. */
async function reveal() {
  state.reveal = false;
  if (source.upload) await by("source-picture").decode().catch(() => null); // it makes room for itself
  results.grid.firstElementChild?.scrollIntoView({ block: "nearest" });
}

function title() {
  const { photo, searched } = source;
  let text = pad.strokes.length ? "Nearest photos" : "All photos";
  if (searched && pad.strokes.length && source.weight < 1) text = "Like your drawing and the picture";
  else if (searched) text = photo ? `More like ${photo.name}` : "Like your picture";
  by("found-title").textContent = text;
}

async function open(id) {
  const place = results.photos.findIndex((photo) => photo.id === id);
  try {
    const [photos, at] = place < 0 ? [[await ask(`/photos/${id}/about`)], 0] : [results.photos, place];
    if (state.open === id) viewer.open(photos, at, may());
  } catch (error) {
    state.open = null;
    tell("photo", error);
  }
}

/** Nothing is asked any more; what is shown is `stale` where it is not the answer. */
function settle(stale) {
  by("found").setAttribute("aria-busy", "false");
  by("found").classList.toggle("stale", stale);
}

/** Say it, after the news that led to it: else it would be said over these. */
function say(text) {
  by("said").textContent = state.news + text;
  state.news = "";
}

/** What the server can do, and which folders it has: at the beginning, and when the photos were indexed again. */
async function start() {
  let folders;
  try {
    [state.health, folders] = await Promise.all([ask("/health"), ask("/folders")]);
  } catch (error) {
    tell("start", error, start);
    return;
  }
  calm("start");
  by("gallery-size").textContent = `${state.health.photos.toLocaleString("en")} photos`;
  by("hand").hidden = !state.health.features.adapt;
  if (state.health.features.adapt) await hand.restore().catch((error) => tell("corrections", error));
  if (!folder.offer(folders)) refresh();
}

await start();
pad.end();
const { strokes } = pad; // drawn while the page was loading
restore();
if (strokes.length) pad.replace([...pad.strokes, ...strokes]);
settled();
addEventListener("popstate", restore);
