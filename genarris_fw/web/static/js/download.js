// Download of what is chosen, in any format.

import { downloadUrl } from "./api.js";
import { fill, html } from "./dom.js";
import { counted } from "./format.js";
import { icon } from "./icons.js";
import { selection } from "./selection.js";
import { state } from "./state.js";

/** @import { About, Pool } from "./types.js" */

const MOST = 100000;

export class DownloadMenu {
  /** @param {HTMLElement} host */
  constructor(host) {
    this.menu = html("div", { class: "menu", id: "download-menu", popover: "auto" });
    this.button = html("button", { type: "button", popovertarget: "download-menu", id: "download" }, icon("download"), "download");
    this.menu.addEventListener("toggle", () => this.#place());
    fill(host, this.button, this.menu);
  }

  /** @param {About} about @param {Pool} pool @param {number} count */
  show(about, pool, count) {
    const now = selection({ ...state(), run: pool.run, pool: pool.pool });
    const link = (/** @type {About["formats"][number]} */ format) =>
      html("a", { href: downloadUrl(now, format.name), download: "", "data-format": format.name, onclick: () => this.menu.hidePopover() },
        format.name, html("span", { class: "hint" }, format.kind === "pool" ? ` one file ${format.ending}` : ` a ${format.ending} each`));
    this.button.disabled = !count;
    fill(
      this.menu, html("p", {}, counted(count, "structure")),
      count > MOST ? html("p", { class: "problem" }, `At most ${MOST} at a time: choose fewer.`) : html("nav", {}, ...about.formats.map(link)),
    );
  }

  #place() {
    const box = this.button.getBoundingClientRect();
    this.menu.style.top = `${box.bottom + 6}px`;
    this.menu.style.left = `${Math.max(8, box.right - this.menu.offsetWidth)}px`;
  }
}
