// What the page asks of the server, and of its own document.

/**
 * The JSON that the server answers with. Throws an Error with the `status` of its refusal, 0 where there was no answer
 * at all; or an AbortError where `signal` said so.
 */
export async function ask(path, { json, body, type = "application/json", method = "GET", signal } = {}) {
  const request = { method, signal };
  const sent = json ? JSON.stringify(json) : body;
  if (sent) Object.assign(request, { method: "POST", body: sent, headers: { "Content-Type": type } });
  let answer;
  try {
    answer = await fetch(path, request);
    if (answer.ok) return await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw refusal(0, "The server does not answer. Is fgsbir serve still running?");
  }
  let message = `The server refused this (${answer.status}).`;
  try {
    message = sentence((await answer.json()).message);
  } catch (error) {
    if (error.name === "AbortError") throw error;
  }
  throw refusal(answer.status, message, Number(answer.headers.get("Retry-After")));
}

const refusal = (status, message, retryAfter) => Object.assign(new Error(message), { status, retryAfter });
const sentence = (text) => text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

/** Why an image, which the browser could not show, is not there; nothing where it may be there later. */
export async function lost(image) {
  const error = await ask(image.src).catch((error) => error);
  return error.status && error.status !== 429 ? error : null;
}

export const thumbnail = (id) => `/photos/${id}/thumbnail`;
export const large = (id) => `/photos/${id}/thumbnail?large=true`;
export const original = (id) => `/photos/${id}`;
export const readable = (id) => `/photos/${id}?readable=true`;

export const by = (id) => document.getElementById(id);
export const on = (id, kind, act) => by(id).addEventListener(kind, act);
/** A new element of a template of the page. */
export const made = (template) => template.content.firstElementChild.cloneNode(true);
