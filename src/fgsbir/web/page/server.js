// What the page asks of the server.

/** A request without the answer that was hoped for. `status` is 0 where there was no answer at all. */
export class Refusal extends Error {
  constructor(status, message, retryAfter = 0) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The JSON that the server answers with. Throws a Refusal, or an AbortError where `signal` said so. */
export async function ask(path, { json, body, type, signal } = {}) {
  const request = { signal };
  if (json !== undefined) {
    Object.assign(request, { method: "POST", body: JSON.stringify(json), headers: { "Content-Type": "application/json" } });
  } else if (body !== undefined) {
    Object.assign(request, { method: "POST", body, headers: { "Content-Type": type } });
  }
  let answer;
  try {
    answer = await fetch(path, request);
    if (answer.ok) return await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "The server does not answer. Is fgsbir serve still running?");
  }
  let message = `The server refused this (${answer.status}).`;
  try {
    message = sentence((await answer.json()).message);
  } catch (error) {
    if (error.name === "AbortError") throw error;
  }
  throw new Refusal(answer.status, message, Number(answer.headers.get("Retry-After")) || 0);
}

function sentence(text) {
  return text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

export const thumbnail = (id) => `/photos/${id}/thumbnail`;
export const original = (id) => `/photos/${id}`;
