// What went wrong, and the server that has gone.

import { ask, by, on } from "/page/server.js";

const AGAIN = 2000; // milliseconds between looks for a server that has gone

let retry = 0;

/** Tell what went wrong; `again` tries it once more. A server that has gone is looked for until it is back. */
export function tell(error, again) {
  clearTimeout(retry);
  by("notice-text").textContent = error.message;
  by("retry-button").hidden = !again;
  by("retry-button").onclick = again ?? null;
  by("notice").hidden = false;
  if (error.status === 0 && again) retry = setTimeout(look, AGAIN, again);
}

async function look(again) {
  try {
    await ask("/health");
    again();
  } catch {
    retry = setTimeout(look, AGAIN, again);
  }
}

/** Nothing is wrong any more. */
export function calm() {
  clearTimeout(retry);
  if (by("notice").contains(document.activeElement)) by("found-title").focus(); // else the focus would be lost
  by("notice").hidden = true;
}

on("dismiss-button", "click", calm);
