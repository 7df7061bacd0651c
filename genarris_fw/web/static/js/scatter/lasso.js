// A line drawn by hand around points, thinned to the corners that matter.

const MOST_CORNERS = 60;

/**
 * Leave out corners that lie near the line between their neighbours (Douglas and Peucker, 1973).
 * @param {[number, number][]} path pixels
 * @param {number} [tolerance] pixels
 * @returns {[number, number][]}
 */
export function thinned(path, tolerance = 1.5) {
  const kept = simplified(path, tolerance);
  return kept.length > MOST_CORNERS ? thinned(path, tolerance * 1.5) : kept;
}

/**
 * @param {[number, number][]} path
 * @param {number} tolerance
 * @returns {[number, number][]}
 */
function simplified(path, tolerance) {
  if (path.length < 3) return path;
  const first = path[0];
  const last = path[path.length - 1];
  let farthest = 0;
  let most = 0;
  for (let i = 1; i < path.length - 1; i++) {
    const far = distance(path[i], first, last);
    if (far > most) [farthest, most] = [i, far];
  }
  if (most <= tolerance) return [first, last];
  const before = simplified(path.slice(0, farthest + 1), tolerance);
  return [...before.slice(0, -1), ...simplified(path.slice(farthest), tolerance)];
}

/**
 * @param {[number, number]} point
 * @param {[number, number]} a
 * @param {[number, number]} b
 */
function distance(point, a, b) {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = Math.hypot(dx, dy);
  if (length === 0) return Math.hypot(point[0] - a[0], point[1] - a[1]);
  return Math.abs(dx * (a[1] - point[1]) - (a[0] - point[0]) * dy) / length;
}

/**
 * Coordinates with as many digits as a pixel needs, for an address.
 * @param {number} value
 * @param {number} pixel how much of the data one pixel is
 */
export function rounded(value, pixel) {
  const places = Math.min(12, Math.max(0, 1 - Math.floor(Math.log10(Math.abs(pixel) || 1))));
  return Number(value.toFixed(places));
}
