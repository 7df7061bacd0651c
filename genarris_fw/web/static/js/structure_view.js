// One structure: the crystal, its properties, its relations, its history, its files.

import { downloadUrl, structure as fetchStructure } from "./api.js";
import { CrystalView } from "./crystal_view.js";
import { fill, html } from "./dom.js";
import { duration, moment, number, words } from "./format.js";
import { icon } from "./icons.js";
import { say } from "./notices.js";
import { go, link, state } from "./state.js";

/** @import { About, Pool, Run, Structure } from "./types.js" */
/** @import { Child } from "./dom.js" */

// The first rows of the properties, in this order.
const FIRST = ["lattice_energy", "relative_energy", "density", "spg", "z_prime", "Z", "cell_vol", "hits", "a", "b", "c", "alpha", "beta", "gamma"];
// Written for older readers, and said by another one too.
const TWICE = ["unit_cell_volume", "attempted_spg", "experiment_rank", "experiment_rmsd"];

export class StructureView {
  /** @param {HTMLElement} host @param {{step: (by: 1 | -1) => void}} events */
  constructor(host, events) {
    this.host = host;
    this.crystal = new CrystalView();
    this.title = html("h2", { tabindex: -1 });
    this.badges = html("p", { class: "badges" });
    this.body = html("div", { class: "about" });
    const button = (/** @type {string} */ name, /** @type {string} */ label, /** @type {() => void} */ onclick) =>
      html("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick }, icon(name));
    const header = html(
      "header", {}, this.title,
      button("left", "previous structure (k)", () => events.step(-1)),
      button("right", "next structure (j)", () => events.step(1)),
      button("link", "copy a link to this", () => void copyLink()),
      button("wide", "larger or smaller (f)", () => this.toggleWide()),
      button("close", "close (Escape)", () => go({ id: "" })),
    );
    fill(host, header, this.badges, this.crystal.element, this.body);
    /** @type {string} */
    this.tab = "properties";
  }

  /**
   * @param {Run} run
   * @param {Pool | null} pool
   * @param {About} about
   */
  async show(run, pool, about) {
    const { id } = state();
    this.asked?.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    fill(this.title, id);
    this.title.title = id;
    const drawing = this.crystal.show(run.run, id, run.has_experiment);
    if (this.shown !== `${run.run}/${id}`) {
      try {
        const found = await fetchStructure(run.run, id, signal);
        this.shown = `${run.run}/${id}`;
        this.#show(found, pool, about);
      } catch (error) {
        if (signal.aborted) return;
        this.shown = "";
        fill(this.badges);
        fill(this.body, html("p", { class: "problem" }, error instanceof Error ? error.message : String(error)));
      }
    }
    await drawing;
  }

  /** Give the crystal more of the page, or less; it fills what it has. */
  toggleWide() {
    document.body.classList.toggle("wide-structure");
    requestAnimationFrame(() => requestAnimationFrame(() => this.crystal.redraw(false)));
  }

  /** @param {Structure} found @param {Pool | null} pool @param {About} about */
  #show(found, pool, about) {
    const { experiment, properties } = found;
    fill(
      this.badges,
      experiment ? html("span", { class: "badge star-badge" }, "\u2605 the measured crystal",
        experiment.rank === null ? null : `, rank ${experiment.rank}`,
        experiment.rmsd === null ? null : `, RMSD ${number(experiment.rmsd, 3)} \u00c5`) : null,
      html("span", { class: "badge" }, formula(found.formula)),
      typeof properties.spg === "number" ? html("span", { class: "badge" }, `space group ${properties.spg}`) : null,
      html("span", { class: "badge" }, `${found.n_atoms} atoms`),
    );
    /** @type {Record<string, () => Child[]>} */
    const tabs = {
      properties: () => this.#properties(found, pool),
      relations: () => this.#relations(found),
      history: () => this.#history(found),
      files: () => this.#files(found, about),
    };
    const bar = html("div", { class: "tabs", role: "tablist", "aria-label": "about this structure" });
    const panel = html("div", { class: "panel", role: "tabpanel", id: "structure-panel" });
    const choose = (/** @type {string} */ name) => {
      this.tab = name;
      for (const tab of bar.children) {
        const is = tab.getAttribute("data-tab") === name;
        tab.setAttribute("aria-selected", String(is));
        tab.setAttribute("tabindex", is ? "0" : "-1");
      }
      fill(panel, ...tabs[name]());
    };
    const names = Object.keys(tabs);
    fill(bar, ...names.map((name, i) => html("button", { type: "button", role: "tab", "data-tab": name, "aria-controls": "structure-panel",
      onclick: () => choose(name), onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.stopPropagation();
        choose(names[(i + step + names.length) % names.length]);
        /** @type {HTMLElement} */ (bar.children[(i + step + names.length) % names.length]).focus();
      } }, name)));
    fill(this.body, bar, panel);
    choose(this.tab);
  }

  /** @param {Structure} found @param {Pool | null} pool @returns {Child[]} */
  #properties(found, pool) {
    const label = (/** @type {string} */ name) => found.labels[name] ?? pool?.columns.find((each) => each.name === name)?.label ?? name;
    const names = Object.keys(found.properties).filter((name) => !TWICE.includes(name));
    const rank = (/** @type {string} */ name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
    names.sort((a, b) => rank(a) - rank(b));
    const rows = names.map((name) => [label(name), number(found.properties[name])]);
    const energies = Object.entries(found.energies ?? {}).map(([name, record]) => {
      const by = [record?.engine, words(record?.details?.method ?? "")].filter(Boolean).join(", ");
      return [`${name}: ${by}`, `${number(record?.per_molecule)} eV per molecule`];
    });
    return [definitions(rows), energies.length ? html("h3", {}, "energies") : null, energies.length ? definitions(energies) : null,
      found.long.length ? html("p", { class: "hint" }, `Too long to show: ${found.long.join(", ")}`) : null];
  }

  /** @param {Structure} found @returns {Child[]} */
  #relations(found) {
    const one = (/** @type {string} */ id) => html("a", { href: link({ id }) }, id);
    const list = (/** @type {Child[]} */ each) => html("ul", { class: "plain" }, ...each.map((child) => html("li", {}, child)));
    const part = (/** @type {string} */ title, /** @type {Child} */ child) => html("section", {}, html("h3", {}, title), child);
    const sections = [
      found.parent ? part("comes from", list([one(found.parent)])) : null,
      found.children.length ? part("what came of it", list(found.children.map((child) =>
        html("span", {}, one(child.id), child.step ? html("span", { class: "hint" }, ` ${child.step}`) : null)))) : null,
      found.duplicate_of ? part("a duplicate of", list([one(found.duplicate_of)])) : null,
      found.duplicates.length ? part("duplicates", list(found.duplicates.map((each) =>
        html("span", {}, one(each.id), each.rmsd === null || each.rmsd === undefined ? null : html("span", { class: "hint" }, ` RMSD ${number(each.rmsd, 3)} \u00c5`))))) : null,
    ].filter(Boolean);
    const pools = part("pools", list(found.pools.map((pool) =>
      html("a", { href: link({ pool, where: [], within: [], view: [], x: "", y: "", colour: "", sort: "" }) }, pool))));
    return [...(sections.length ? sections : [html("p", { class: "hint" }, "No parent, no children, no duplicates.")]), pools];
  }

  /** @param {Structure} found @returns {Child[]} */
  #history(found) {
    const events = found.history.map((event) => html(
      "li", {}, html("strong", {}, `${event.what ?? ""} by ${event.step}`), html("span", { class: "hint" }, ` ${event.procedure ?? ""}`),
      html("div", { class: "hint" }, [event.finished && moment(event.finished), event.seconds !== null && event.seconds !== undefined && duration(event.seconds), event.host, event.item && `item ${event.item}`]
        .filter(Boolean).join(" \u00b7 ")),
    ));
    const rows = Object.entries(found.provenance).map(([name, value]) => [name.replaceAll("_", " "), number(value)]);
    return [html("ol", { class: "history" }, ...events), rows.length ? html("h3", {}, "how it came to be") : null, definitions(rows)];
  }

  /** @param {Structure} found @param {About} about @returns {Child[]} */
  #files(found, about) {
    /** @type {[string, string][]} */
    const selection = [["run", found.run], ["pool", found.pools.includes(state().pool) ? state().pool : found.pools[0] ?? ""], ["ids", found.id]];
    const links = about.formats.map((format) =>
      html("li", {}, html("a", { href: downloadUrl(selection, format.name), download: "" }, format.name), html("span", { class: "hint" }, ` ${format.ending}`)));
    const picture = html("button", { type: "button", onclick: () => this.#savePicture(found.id) }, "picture of the crystal (PNG)");
    return [html("ul", { class: "plain" }, ...links), picture];
  }

  /** @param {string} id */
  #savePicture(id) {
    const picture = this.crystal.viewer?.exportPNG();
    if (picture) html("a", { href: picture, download: `${id}.png` }).click();
  }
}

/** @param {string[][]} rows */
function definitions(rows) {
  return html("dl", {}, ...rows.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, value))));
}

/** @param {string} text @returns {HTMLElement} with its numbers set low */
function formula(text) {
  return html("span", {}, ...text.split(/(\d+)/).map((part) => (/^\d+$/.test(part) ? html("sub", {}, part) : part)));
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is copied.");
  } catch {
    say("The browser keeps the clipboard to itself; the link is in its address bar.");
  }
}
