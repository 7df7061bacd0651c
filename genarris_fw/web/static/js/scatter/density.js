// Where there are too many points to send: how many lie in each cell, as the server counted them.

import { rgb, sequence } from "../palettes.js";

/** @import { View } from "./view.js" */

/** @typedef {{counts: Uint32Array, means: Float32Array | null, extent: number[], nx: number, ny: number}} Tile */

/**
 * @param {Tile} tile
 * @param {boolean} dark
 * @returns {HTMLCanvasElement} a pixel a cell, the first line at the bottom
 */
function picture(tile, dark) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [tile.nx, tile.ny];
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  const image = context.createImageData(tile.nx, tile.ny);
  const most = Math.log1p(tile.counts.reduce((high, count) => Math.max(high, count), 1));
  const colours = Array.from({ length: 64 }, (_, i) => rgb(sequence(dark ? 0.1 + 0.014 * i : 0.95 - 0.0145 * i, dark)));
  for (let j = 0; j < tile.ny; j++) {
    for (let i = 0; i < tile.nx; i++) {
      const count = tile.counts[i + tile.nx * j];
      if (!count) continue;
      const at = 4 * (i + tile.nx * (tile.ny - 1 - j));
      const colour = colours[Math.min(63, Math.floor((64 * Math.log1p(count)) / most))];
      colour.forEach((part, k) => (image.data[at + k] = 255 * part));
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {View} view
 * @param {Tile | null} tile
 * @param {boolean} dark
 */
export function drawDensity(canvas, view, tile, dark) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(view.width * ratio);
  canvas.height = Math.round(view.height * ratio);
  const context = canvas.getContext("2d");
  if (!context || !tile) return;
  const [left, right, bottom, top] = tile.extent;
  const perX = canvas.width / (view.right - view.left);
  const perY = canvas.height / (view.top - view.bottom);
  context.imageSmoothingEnabled = false;
  context.drawImage(
    picture(tile, dark),
    (left - view.left) * perX, (view.top - top) * perY, (right - left) * perX, (top - bottom) * perY,
  );
}
