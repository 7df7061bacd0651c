// A histogram whose range is a filter: dragged with the pointer, or typed.

import { fill, html, set, svg } from "./dom.js";
import { number } from "./format.js";

/** @import { Histogram } from "./types.js" */

const [WIDTH, HEIGHT] = [220, 44];

export class RangeHistogram {
  /**
   * @param {string} label
   * @param {(from: number | null, to: number | null, final: boolean) => void} chosen
   */
  constructor(label, chosen) {
    this.chosen = chosen;
    /** @type {Histogram | null} */
    this.data = null;
    /** @type {[number, number] | null} */
    this.range = null;
    this.bars = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "bars", "aria-hidden": "true" });
    this.from = html("input", { type: "text", inputmode: "decimal", "aria-label": `${label}: from`, onchange: () => this.#typed() });
    this.to = html("input", { type: "text", inputmode: "decimal", "aria-label": `${label}: to`, onchange: () => this.#typed() });
    this.element = html("div", { class: "histogram" }, this.bars, html("div", { class: "ends" }, this.from, this.to));
    this.#listen();
  }

  /**
   * @param {Histogram} data
   * @param {number | null} from
   * @param {number | null} to
   */
  show(data, from, to) {
    this.data = data;
    const [low, high] = this.#ends();
    this.range = from === null && to === null ? null : [from ?? low, to ?? high];
    this.#draw();
  }

  /** @returns {[number, number]} */
  #ends() {
    const edges = this.data?.edges ?? [0, 1];
    return [edges[0], edges[edges.length - 1]];
  }

  #draw() {
    const data = this.data;
    if (!data) return;
    const most = Math.max(1, ...data.all);
    const width = WIDTH / data.all.length;
    const bar = (/** @type {number} */ count, /** @type {number} */ i, /** @type {string} */ kind) => {
      if (!count) return null;
      const height = Math.max(1.5, (HEIGHT - 2) * Math.sqrt(count / most));
      return svg("rect", { x: i * width, y: HEIGHT - height, width: Math.max(width - 0.6, 0.4), height, class: kind });
    };
    const [low, high] = this.#ends();
    const at = (/** @type {number} */ value) => (WIDTH * (value - low)) / (high - low || 1);
    const brush = this.range
      ? svg("rect", { x: at(this.range[0]), y: 0, width: Math.max(at(this.range[1]) - at(this.range[0]), 1), height: HEIGHT, class: "brush" })
      : null;
    fill(this.bars, ...data.all.map((n, i) => bar(n, i, "all")), ...data.selected.map((n, i) => bar(n, i, "selected")), brush);
    set(this.from, { placeholder: number(low) });
    set(this.to, { placeholder: number(high) });
    this.from.value = this.range ? number(this.range[0]) : "";
    this.to.value = this.range ? number(this.range[1]) : "";
  }

  #typed() {
    const read = (/** @type {HTMLInputElement} */ input) => {
      const text = input.value.trim().replace("\u2212", "-").replace(",", ".").replace(/\s/g, "");
      const value = text === "" ? null : Number(text);
      input.setAttribute("aria-invalid", String(Number.isNaN(value)));
      return value;
    };
    const [from, to] = [read(this.from), read(this.to)];
    if (Number.isNaN(from) || Number.isNaN(to)) return;
    if (from !== null && to !== null && from > to) this.chosen(to, from, true);
    else this.chosen(from, to, true);
  }

  #listen() {
    const value = (/** @type {PointerEvent} */ event) => {
      const box = this.bars.getBoundingClientRect();
      const [low, high] = this.#ends();
      return low + (high - low) * Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    };
    /** @type {number | null} */
    let begun = null;
    let dragged = false;
    this.bars.addEventListener("pointerdown", (event) => {
      if (!this.data) return;
      begun = value(event);
      dragged = false;
      this.bars.setPointerCapture(event.pointerId);
    });
    this.bars.addEventListener("pointermove", (event) => {
      if (begun === null) return;
      const now = value(event);
      const [low, high] = this.#ends();
      if (!dragged && Math.abs(now - begun) < (high - low) / 100) return;
      dragged = true;
      this.range = [this.#short(Math.min(begun, now)), this.#short(Math.max(begun, now))];
      this.#draw();
      this.chosen(this.range[0], this.range[1], false);
    });
    this.bars.addEventListener("pointerup", () => {
      if (begun === null) return;
      begun = null;
      // A click without a drag takes the filter away.
      if (dragged && this.range) this.chosen(this.range[0], this.range[1], true);
      else this.chosen(null, null, true);
    });
  }

  /** @param {number} value with no more digits than the histogram shows */
  #short(value) {
    const [low, high] = this.#ends();
    const places = Math.max(0, 3 - Math.floor(Math.log10(high - low || 1)));
    return Number(value.toFixed(Math.min(places, 12)));
  }
}
