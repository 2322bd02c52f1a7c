// Photos that show the same picture, in another size: told once they are shown, since each of their files is read.

import { ask } from "/page/server.js";

const PAUSE = 200; // milliseconds in which no others come, as they do while someone draws
const MOST = 48;
const BEFORE = 500;

/** Returns what is to be called when `results` has more photos; `others`: in place of those before. */
export function watchCopies(results) {
  let asked = null;
  let timer = 0;
  let looked = 0; // how many of the photos have been looked at

  async function look() {
    const { received } = results;
    const photos = received.slice(looked, looked + MOST);
    const before = received.slice(Math.max(0, looked - BEFORE), looked);
    if (!photos.length || results.photos[0].distance === null) return;
    const now = (asked = new AbortController());
    try {
      const copies = await ask("/copies", { json: { photos, before }, signal: now.signal });
      if (asked !== now) return;
      looked += photos.length;
      results.group(copies);
    } catch {
      if (asked === now) asked = null; // they stay side by side
      return;
    }
    asked = null;
    look();
  }

  return (others) => {
    if (others) {
      asked?.abort();
      asked = null;
      looked = 0;
    }
    clearTimeout(timer);
    if (!asked) timer = setTimeout(look, PAUSE);
  };
}
