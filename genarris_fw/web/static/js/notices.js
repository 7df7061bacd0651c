// A word to the reader that goes by itself, and is read out.

import { byId, html } from "./dom.js";

/**
 * @param {string} text
 * @param {"word" | "problem"} [kind]
 */
export function say(text, kind = "word") {
  const notice = html("p", { class: `notice ${kind}` }, text);
  byId("notices").append(notice);
  setTimeout(() => notice.remove(), kind === "problem" ? 9000 : 4000);
}
