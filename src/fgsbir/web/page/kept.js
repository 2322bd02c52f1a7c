// Uploaded files that the browser keeps, for when the server has forgotten them: it may do so on this machine and by
// https, and may refuse.

const MOST = 32; // of them, the newest

const open = () => caches.open("uploads");
const path = (id) => `/uploads/${id}`;

/** Keep the `data` of an upload. */
export async function keep(id, data) {
  try {
    const files = await open();
    await files.delete(path(id)); // one that comes again is the newest
    await files.put(path(id), new Response(data));
    for (const old of (await files.keys()).slice(0, -MOST)) await files.delete(old);
  } catch {
    // It is asked for again where it is needed.
  }
}

/** The file of an upload, if it is kept. */
export async function kept(id) {
  try {
    const file = await (await open()).match(path(id));
    return await file?.blob();
  } catch {
    return null;
  }
}
