// The page: from a drawing, or a photo, to the photos that come nearest.

import { Hand } from "/page/hand.js";
import { Pad } from "/page/pad.js";
import { Results } from "/page/results.js";
import { ask, by, on, thumbnail } from "/page/server.js";
import { Viewer } from "/page/viewer.js";

const WAIT = 120; // milliseconds after a stroke, in which the next may begin
const PAGE = 24;
const MOST = 200;
const AGAIN = 2000; // milliseconds between looks for a server that has gone

const state = { health: null, alike: null, k: PAGE, timer: 0, asked: null, retry: null, renewed: false };

const pad = new Pad(by("pad"), drawn);
const results = new Results((place) => viewer.open(results.photos, place, may()));
const viewer = new Viewer({
  onAlike: alike,
  onCorrect: (photo) => hand.add(pad.strokes, photo),
  onClose: (place) => results.grid.children[place]?.firstElementChild.focus(),
});
const hand = new Hand({ onChange: () => refresh(), onError: fail, onSay: say });

const may = () => ({
  canSketch: state.health?.features.sketch,
  canCorrect: state.health?.features.adapt && !state.alike && pad.strokes.length > 0,
});

function drawn(strokes) {
  by("undo-button").disabled = pad.at === 0;
  by("redo-button").disabled = pad.at === pad.last;
  by("clear-button").disabled = !strokes.length;
  by("paper-hint").hidden = strokes.length > 0;
  const count = strokes.length === 1 ? "1 stroke" : `${strokes.length} strokes`;
  by("pad").setAttribute("aria-label", strokes.length ? `Drawing, ${count}` : "Drawing, empty");
  Object.assign(state, { alike: null, k: PAGE });
  refresh(WAIT);
}

/** Search again, in `wait` milliseconds. Whatever was asked before is not wanted any more. */
function refresh(wait = 0) {
  clearTimeout(state.timer);
  state.asked?.abort();
  state.asked = null;
  if (state.alike || pad.strokes.length) {
    state.timer = setTimeout(search, wait);
  } else {
    calm();
    show([]);
  }
}

async function search() {
  const { alike, k } = state;
  const { token } = hand;
  const asked = (state.asked = new AbortController());
  const { signal } = asked;
  by("found").setAttribute("aria-busy", "true");
  try {
    const found = alike
      ? await ask(`/photos/${alike.id}/similar?k=${k}${token ? `&adapted=${token}` : ""}`, { signal })
      : await ask("/search", { json: { strokes: pad.strokes, k, adapted: token }, signal });
    if (asked !== state.asked) return;
    calm();
    state.renewed = false;
    show(found.photos, found.milliseconds);
  } catch (error) {
    if (asked !== state.asked || error.name === "AbortError") return;
    if (error.status === 404 && token && !state.renewed && (await hand.renew())) {
      state.renewed = true; // once: what is missing may be a photo
      refresh();
    } else if (error.status === 429) refresh(1000 * (error.retryAfter || 1));
    else fail(error, () => refresh());
  }
}

function show(photos, milliseconds) {
  const { alike } = state;
  const searched = alike || pad.strokes.length > 0;
  settle(false);
  results.show(photos);
  by("found-title").textContent = alike ? `More like ${alike.name}` : "Nearest photos";
  by("found-title").classList.toggle("unseen", !searched);
  by("back-button").hidden = by("like").hidden = !alike;
  if (alike) by("like").src = thumbnail(alike.id);
  by("took").textContent = photos.length ? `${milliseconds.toFixed(0)} ms${hand.token ? ", in your style" : ""}` : "";
  by("more-button").hidden = photos.length < state.k || state.k >= Math.min(MOST, state.health?.photos ?? MOST);
  by("empty").hidden = photos.length > 0;
  const [lead, text] = searched
    ? ["No other photo", "There is nothing else in this index."]
    : ["Draw what you look for", "A few lines are enough to begin. The photos that come nearest change with every stroke."];
  by("empty-lead").textContent = lead;
  by("empty-text").textContent = text;
  const [nearest] = photos;
  if (nearest) say(`${photos.length} photos. Nearest: ${nearest.name}, distance ${nearest.distance.toFixed(2)}.`);
  else say(searched ? "No other photo." : "");
}

/** Nothing is asked any more; what is shown is `stale` where it is not the answer. */
function settle(stale) {
  by("found").setAttribute("aria-busy", "false");
  by("found").classList.toggle("stale", stale);
}

function alike(photo) {
  Object.assign(state, { alike: photo, k: PAGE });
  by("found").scrollTo({ top: 0 });
  refresh();
}

function say(text) {
  by("said").textContent = text;
}

/** Tell what went wrong; `again` tries it once more. A server that has gone is looked for until it is back. */
function fail(error, again) {
  clearTimeout(state.retry);
  settle(results.photos.length > 0);
  by("notice-text").textContent = error.message;
  by("retry-button").hidden = !again;
  by("retry-button").onclick = again ?? null;
  by("notice").hidden = false;
  if (error.status === 0 && again) state.retry = setTimeout(look, AGAIN, again);
}

async function look(again) {
  try {
    await ask("/health");
    again();
  } catch {
    state.retry = setTimeout(look, AGAIN, again);
  }
}

function calm() {
  clearTimeout(state.retry);
  by("notice").hidden = true;
}

async function upload(file) {
  if (!file) return;
  if (state.health && file.size > state.health.upload_bytes) {
    fail(new Error(`${file.name} is larger than ${Math.floor(state.health.upload_bytes / 2 ** 20)} MB.`));
    return;
  }
  const type = file.type || (/\.svg$/i.test(file.name) ? "image/svg+xml" : "application/octet-stream");
  by("paper").classList.add("reading");
  try {
    const { strokes } = await ask("/sketches", { body: file, type });
    calm();
    pad.replace(strokes);
  } catch (error) {
    fail(error, error.status === 0 ? () => upload(file) : undefined);
  }
  by("paper").classList.remove("reading");
}

async function start() {
  try {
    state.health = await ask("/health");
  } catch (error) {
    fail(error, start);
    return;
  }
  calm();
  by("gallery-size").textContent = `${state.health.photos.toLocaleString("en")} photos`;
  by("hand").hidden = !state.health.features.adapt;
  hand.show();
}

on("undo-button", "click", () => pad.undo());
on("redo-button", "click", () => pad.redo());
on("clear-button", "click", () => pad.replace([]));
on("upload-button", "click", () => by("upload-file").click());
on("upload-file", "change", ({ target }) => {
  upload(target.files[0]);
  target.value = ""; // the same file can be chosen again
});
on("back-button", "click", () => {
  state.alike = null;
  refresh();
  by("pad").focus();
});
on("more-button", "click", () => {
  state.k = Math.min(MOST, state.k + PAGE);
  refresh();
});
on("dismiss-button", "click", calm);

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || viewer.dialog.open) return;
  const key = event.key.toLowerCase();
  if (key === "z" && !event.shiftKey) pad.undo();
  else if (key === "y" || key === "z") pad.redo();
  else return;
  event.preventDefault();
});
document.addEventListener("paste", (event) => upload(event.clipboardData.files[0]));

for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    by("paper").classList.add("dropping");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) by("paper").classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  by("paper").classList.remove("dropping");
  upload(event.dataTransfer.files[0]);
});

start();
