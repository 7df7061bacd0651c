// Shortcuts, and the list of them.

import { byId, fill, html } from "./dom.js";

/** @typedef {{keys: string[], words: string, act: () => void}} Shortcut */

/** @type {Shortcut[]} */
let shortcuts = [];

/** @param {Shortcut[]} all */
export function setShortcuts(all) {
  shortcuts = all;
}

export function start() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || writing(event.target)) return;
    if (/** @type {HTMLDialogElement} */ (byId("help")).open) return;
    const found = shortcuts.find((shortcut) => shortcut.keys.includes(event.key));
    if (!found) return;
    event.preventDefault();
    found.act();
  });
}

export function showHelp() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("help"));
  const rows = shortcuts.map((shortcut) => html("div", {}, html("dt", {}, ...shortcut.keys.map((key) => html("kbd", {}, shownKey(key)))), html("dd", {}, shortcut.words)));
  const more = [
    ["drag, wheel, double click", "move, zoom, see all of the landscape"], ["Shift + drag", "draw a lasso around structures"],
    ["drag in a histogram", "choose a range; a click takes it away"], ["arrows in the table", "from line to line, over the pages"], ["arrows in the crystal", "turn it"],
  ].map(([what, words]) => html("div", {}, html("dt", {}, what), html("dd", {}, words)));
  fill(byId("help-list"), html("dl", { class: "keys" }, ...rows, ...more));
  dialog.showModal();
}

/** @param {string} key */
function shownKey(key) {
  return { ArrowDown: "\u2193", ArrowUp: "\u2191", Escape: "Esc" }[key] ?? key;
}

/** @param {EventTarget | null} target */
function writing(target) {
  return target instanceof HTMLInputElement && target.type !== "checkbox" || target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
}
