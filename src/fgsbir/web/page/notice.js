// What went wrong, and the server that has gone.

import { ask, by, on } from "/page/server.js";

const AGAIN = 2000; // milliseconds between looks for a server that has gone

const told = new Map(); // by what was tried: { error, again }, the last to go wrong at the end
let timer = 0;

/**
 * Tell what went wrong as `what` was tried; `again` tries it once more. A server that has gone is looked for, and all
 * that it has not answered is tried again once it is back.
 */
export function tell(what, error, again = null) {
  told.delete(what);
  told.set(what, { error, again });
  show();
}

/** What was tried as `what` has succeeded, or is not wanted any more. */
export function calm(what) {
  if (told.delete(what)) show();
}

/** The user goes on: what was told and cannot be tried again has been read. */
export function goOn() {
  for (const [what, { again }] of told) if (!again) calm(what);
}

const unanswered = () => [...told.values()].filter(({ error, again }) => error.status === 0 && again);

function show() {
  const last = [...told].at(-1);
  const notice = by("notice");
  if (!last && notice.contains(document.activeElement)) by("found-title").focus(); // else the focus would be lost
  notice.hidden = !last;
  clearTimeout(timer);
  if (!last) return;
  const [what, { error, again }] = last;
  by("notice-text").textContent = error.message;
  by("retry-button").hidden = !again;
  by("retry-button").onclick = again;
  by("dismiss-button").onclick = () => calm(what);
  if (unanswered().length) timer = setTimeout(look, AGAIN);
}

async function look() {
  try {
    await ask("/health");
  } catch {
    timer = setTimeout(look, AGAIN);
    return;
  }
  for (const { again } of unanswered()) again();
}
