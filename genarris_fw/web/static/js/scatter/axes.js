// Axes of a plot: round numbers, lines of a grid, and what is plotted.

import { svg } from "../dom.js";
import { decimals } from "../format.js";
import { toX, toY } from "./view.js";

/** @import { View } from "./view.js" */

/**
 * Round numbers in a range, about as many as wanted.
 * @param {number} from
 * @param {number} to
 * @param {number} wanted
 * @returns {{at: number[], step: number}}
 */
export function ticks(from, to, wanted) {
  const rough = (to - from) / Math.max(wanted, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((size) => size * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  const at = [];
  for (let i = first; i <= last && at.length < 100; i++) at.push(i * step);
  return { at, step };
}

/**
 * @param {View} view
 * @param {{left: number, top: number, right: number, bottom: number}} margins of the plot in its frame, pixels
 * @param {{x: string, y: string}} labels
 * @returns {SVGElement[]}
 */
export function axes(view, margins, labels) {
  const { left, top } = margins;
  const right = left + view.width;
  const bottom = top + view.height;
  const acrossX = ticks(view.left, view.right, view.width / 90);
  const acrossY = ticks(view.bottom, view.top, view.height / 56);
  const wordsX = decimals(acrossX.step % 1 ? fine(acrossX.step) : 1);
  const wordsY = decimals(acrossY.step % 1 ? fine(acrossY.step) : 1);
  const parts = [svg("rect", { x: left, y: top, width: view.width, height: view.height, class: "frame" })];
  /** @type {SVGElement[]} */
  const drawn = parts;
  for (const value of acrossX.at) {
    const x = Math.round(left + toX(view, value)) + 0.5;
    drawn.push(svg("line", { x1: x, x2: x, y1: top, y2: bottom, class: "grid" }));
    drawn.push(svg("text", { x, y: bottom + 17, class: "tick", "text-anchor": "middle" }, wordsX(value)));
  }
  for (const value of acrossY.at) {
    const y = Math.round(top + toY(view, value)) + 0.5;
    drawn.push(svg("line", { x1: left, x2: right, y1: y, y2: y, class: "grid" }));
    drawn.push(svg("text", { x: left - 8, y: y + 4, class: "tick", "text-anchor": "end" }, wordsY(value)));
  }
  const middle = top + view.height / 2;
  drawn.push(svg("text", { x: left + view.width / 2, y: bottom + 38, class: "axis", "text-anchor": "middle" }, labels.x));
  const turned = { x: 16, y: middle, class: "axis", "text-anchor": "middle", transform: `rotate(-90 16 ${middle})` };
  drawn.push(svg("text", turned, labels.y));
  return drawn;
}

/**
 * The last decimal that a step has: 0.025 is told by thousandths.
 * @param {number} step
 */
function fine(step) {
  const power = 10 ** Math.floor(Math.log10(step) + 1e-9);
  return Math.abs(step / power - Math.round(step / power)) < 1e-6 ? power : power / 10;
}
