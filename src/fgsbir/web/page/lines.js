// Strokes as small pictures, still or as they are drawn.

import { CANVAS } from "/page/pad.js";

const SVG = "http://www.w3.org/2000/svg";
const SECONDS = 2.2;

/** A picture of strokes, with `label` for who cannot see it. */
export function picture(strokes, label) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${CANVAS} ${CANVAS}`);
  svg.setAttribute("class", "lines");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  for (const stroke of strokes) {
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", stroke.join(" "));
    svg.append(line);
  }
  return svg;
}

/** The same, drawn stroke by stroke; at once for who wants nothing to move. Calls `onEnd` with its end. */
export function drawnPicture(strokes, label, onEnd) {
  const svg = picture(strokes, label);
  const lines = [...svg.children];
  const points = strokes.reduce((sum, stroke) => sum + stroke.length, 0);
  if (!points || matchMedia("(prefers-reduced-motion: reduce)").matches) {
    onEnd();
    return svg;
  }
  for (const line of lines) line.setAttribute("points", "");
  let started = null;
  const step = (now) => {
    started ??= now;
    let left = Math.ceil((points * (now - started)) / (1000 * SECONDS));
    for (const [number, stroke] of strokes.entries()) {
      if (left <= 0) break;
      lines[number].setAttribute("points", stroke.slice(0, left).join(" "));
      left -= stroke.length;
    }
    if (now - started >= 1000 * SECONDS) onEnd();
    else if (svg.isConnected) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
  return svg;
}
