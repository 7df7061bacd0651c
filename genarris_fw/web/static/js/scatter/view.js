// Where a point of the data lies on the plot, and back.

/**
 * @typedef {object} View
 * @property {number} left of the data that is seen
 * @property {number} right
 * @property {number} bottom
 * @property {number} top
 * @property {number} width of the plot, pixels
 * @property {number} height
 */

/** @param {View} view @param {number} x */
export const toX = (view, x) => ((x - view.left) / (view.right - view.left)) * view.width;

/** @param {View} view @param {number} y */
export const toY = (view, y) => ((view.top - y) / (view.top - view.bottom)) * view.height;

/** @param {View} view @param {number} x pixels */
export const fromX = (view, x) => view.left + (x / view.width) * (view.right - view.left);

/** @param {View} view @param {number} y pixels */
export const fromY = (view, y) => view.top - (y / view.height) * (view.top - view.bottom);

/**
 * Limits that hold these numbers, with room at the edges.
 * @param {number | null} min
 * @param {number | null} max
 * @returns {[number, number]}
 */
export function roomy(min, max) {
  if (min === null || max === null) return [0, 1];
  const span = max - min || Math.abs(max) * 0.1 || 1;
  return [min - 0.06 * span, max + 0.06 * span];
}

/**
 * Nearer or farther, with one place staying where it is.
 * @param {View} view
 * @param {number} factor of what is seen: below one is nearer
 * @param {number} x pixels
 * @param {number} y pixels
 * @returns {View}
 */
export function zoomed(view, factor, x, y) {
  const atX = fromX(view, x);
  const atY = fromY(view, y);
  const spanX = Math.abs(view.right - view.left) * factor;
  const spanY = Math.abs(view.top - view.bottom) * factor;
  // Single precision ends here: the points would jump.
  if (spanX < 2e-6 * Math.max(1e-9, Math.abs(atX)) || spanY < 2e-6 * Math.max(1e-9, Math.abs(atY))) return view;
  return {
    ...view,
    left: atX + (view.left - atX) * factor,
    right: atX + (view.right - atX) * factor,
    bottom: atY + (view.bottom - atY) * factor,
    top: atY + (view.top - atY) * factor,
  };
}

/**
 * @param {View} view
 * @param {number} dx pixels to the right
 * @param {number} dy pixels down
 * @returns {View}
 */
export function moved(view, dx, dy) {
  const byX = (dx / view.width) * (view.right - view.left);
  const byY = (dy / view.height) * (view.top - view.bottom);
  return { ...view, left: view.left - byX, right: view.right - byX, bottom: view.bottom + byY, top: view.top + byY };
}
