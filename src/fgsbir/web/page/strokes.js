// Drawings, [[[x, y], …], …] on a paper of 256 by 256: what can be done to them, and how they are kept and saved.

export const CANVAS = 256;
const TENTHS = 10; // of a unit, to which points are kept
const FINE = 2; // the length of line between two points that may be rubbed out
const HEAD = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${CANVAS} ${CANVAS}" fill="none" stroke="#000" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round">`;

const exact = new WeakSet(); // strokes that are rounded already

/** The strokes as they are kept. Those that are so already stay the same arrays: versions of a drawing share them. */
export function rounded(strokes) {
  return strokes.map((points) => {
    if (exact.has(points)) return points;
    const kept = points.map((place) => place.map((value) => Math.round(TENTHS * value) / TENTHS));
    exact.add(kept);
    return kept;
  });
}

export const mirrored = (points) => points.map(([x, y]) => [CANVAS - x, y]);
const path = (points) => `M${points.join("L")}`;
export const outline = (strokes) => strokes.map(path).join("");

const apart = ([x, y], [x2, y2]) => Math.hypot(x - x2, y - y2);

/** The distance of a place from the line between two others. */
function toLine(place, from, to) {
  const [x, y] = [to[0] - from[0], to[1] - from[1]];
  const along = ((place[0] - from[0]) * x + (place[1] - from[1]) * y) / (x * x + y * y || 1);
  const share = Math.min(1, Math.max(0, along));
  return apart(place, [from[0] + share * x, from[1] + share * y]);
}

const distance = (points, place) =>
  Math.min(...points.map((point, number) => toLine(place, points[Math.max(0, number - 1)], point)));

/** The number of the stroke that is nearest to a place, at most `most` from it; -1 if there is none. */
export function strokeAt(strokes, place, most) {
  const all = strokes.map((points) => distance(points, place));
  const nearest = all.indexOf(Math.min(...all));
  return all[nearest] <= most ? nearest : -1;
}

/** The strokes without what lies within `radius` of a place; those that it touches not are the same arrays. */
export function erased(strokes, place, radius) {
  return strokes.flatMap((points) => {
    if (distance(points, place) > radius) return [points];
    const parts = [[]];
    for (const point of finer(points)) {
      if (apart(point, place) > radius) parts.at(-1).push(point);
      else if (parts.at(-1).length) parts.push([]);
    }
    const needed = ([, , own], number, part) => own || number === 0 || number === part.length - 1;
    return parts.map((part) => part.filter(needed).map(([x, y]) => [x, y])).filter((part) => part.length > 1);
  });
}

/** A stroke with more points, [x, y, whether it is one of its own]. */
function finer(points) {
  const all = [[...points[0], true]];
  for (const [x, y] of points.slice(1)) {
    const [fromX, fromY] = all.at(-1);
    const steps = Math.ceil(apart([x, y], [fromX, fromY]) / FINE) || 1;
    for (let step = 1; step <= steps; step += 1) {
      all.push([fromX + ((x - fromX) * step) / steps, fromY + ((y - fromY) * step) / steps, step === steps]);
    }
  }
  return all;
}

/** A stroke moved, as far as the paper goes. */
export function shifted(points, [x, y]) {
  const within = (by, axis) => {
    const all = points.map((place) => place[axis]);
    return Math.min(CANVAS - Math.max(...all), Math.max(-Math.min(...all), by));
  };
  const [right, down] = [within(x, 0), within(y, 1)];
  return points.map((place) => [place[0] + right, place[1] + down]);
}

/** Strokes as text for an address: tenths of a unit, each point by its distance from the one before. */
export function encoded(strokes) {
  let bytes = "";
  const put = (number) => {
    let rest = number < 0 ? -2 * number - 1 : 2 * number;
    for (; rest > 127; rest >>= 7) bytes += String.fromCharCode((rest & 127) | 128);
    bytes += String.fromCharCode(rest);
  };
  for (const points of strokes) {
    put(points.length);
    let last = [0, 0];
    for (const place of points) {
      const here = place.map((value) => Math.round(TENTHS * value));
      put(here[0] - last[0]);
      put(here[1] - last[1]);
      last = here;
    }
  }
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The strokes of such a text; none if it is another. */
export function decoded(text) {
  try {
    const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    let at = 0;
    const take = () => {
      let [value, shift] = [0, 0];
      for (; bytes.charCodeAt(at) > 127; at += 1, shift += 7) value |= (bytes.charCodeAt(at) & 127) << shift;
      value |= bytes.charCodeAt(at++) << shift;
      return value & 1 ? -(value + 1) / 2 : value / 2;
    };
    const strokes = [];
    while (at < bytes.length) {
      let [x, y] = [0, 0];
      const points = Array.from({ length: Math.min(take(), bytes.length) }, () => [(x += take()), (y += take())]);
      strokes.push(points.map((place) => place.map((value) => Math.min(CANVAS, Math.max(0, value / TENTHS)))));
    }
    return strokes.every((points) => points.length) ? strokes : [];
  } catch {
    return [];
  }
}

/** A drawing as an SVG file. */
export function svgOf(strokes) {
  return new Blob([`${HEAD}${strokes.map((points) => `<path d="${path(points)}"/>`).join("")}</svg>\n`], {
    type: "image/svg+xml",
  });
}

/** A drawing as a PNG of `side` pixels, black on white. */
export function pngOf(strokes, side = 1024) {
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const context = canvas.getContext("2d");
  Object.assign(context, { fillStyle: "#fff", lineWidth: 2.5, lineCap: "round", lineJoin: "round" });
  context.fillRect(0, 0, side, side);
  context.scale(side / CANVAS, side / CANVAS);
  context.stroke(new Path2D(outline(strokes)));
  return new Promise((resolve) => canvas.toBlob(resolve));
}
