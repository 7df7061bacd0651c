// Values that are chosen one by one: space groups, clusters, modes. Bars tell how many structures have each.

import { fill, html } from "./dom.js";
import { number, whole } from "./format.js";

/** @import { Value } from "./types.js" */

const FIRST = 8;

export class Choices {
  /**
   * @param {string} label
   * @param {(values: string[]) => void} chosen
   */
  constructor(label, chosen) {
    this.label = label;
    this.chosen = chosen;
    this.all = false;
    this.element = html("div", { class: "choices", role: "group", "aria-label": label });
  }

  /**
   * @param {{value: Value, all: number, selected: number}[]} values
   * @param {Set<string>} picked
   * @param {(value: Value) => string | null} colour a mark's, where the landscape is coloured by this
   */
  show(values, picked, colour) {
    const most = Math.max(1, ...values.map((each) => each.all));
    const sorted = [...values].sort((a, b) => b.all - a.all);
    const shown = this.all ? sorted : sorted.filter((each, i) => i < FIRST || picked.has(String(each.value)));
    const boxes = shown.map(({ value, all, selected }) => {
      const name = String(value);
      const box = html("input", { type: "checkbox", checked: picked.has(name), onchange: () => this.#toggle(name, picked) });
      const bar = html("span", { class: "bar" });
      bar.style.setProperty("--all", String(all / most));
      bar.style.setProperty("--selected", String(selected / most));
      const mark = colour(value);
      const dot = mark ? html("span", { class: "dot" }) : null;
      if (dot) dot.style.background = mark ?? "";
      return html(
        "label", { class: picked.size && !picked.has(name) ? "choice off" : "choice", title: `${this.label} ${name}` },
        box, dot, html("span", { class: "name" }, typeof value === "number" ? number(value) : name), bar,
        html("span", { class: "count" }, whole(selected)),
      );
    });
    const hidden = sorted.length - shown.length;
    const more = hidden > 0 || this.all
      ? html("button", { class: "quiet", type: "button", onclick: () => { this.all = !this.all; this.show(values, picked, colour); } },
        this.all ? "fewer" : `${hidden} more`)
      : null;
    fill(this.element, ...boxes, sorted.length > FIRST ? more : null);
  }

  /** @param {string} name @param {Set<string>} picked */
  #toggle(name, picked) {
    const next = new Set(picked);
    if (!next.delete(name)) next.add(name);
    this.chosen([...next]);
  }
}
