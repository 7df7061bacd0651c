// What stands where something could not be shown.

import { RequestError } from "./api.js";
import { html } from "./dom.js";

/**
 * @param {unknown} error
 * @param {() => void} again
 * @returns {HTMLElement}
 */
export function problem(error, again) {
  const text = error instanceof Error ? error.message : String(error);
  return html("div", { class: "problem-card", role: "alert" }, html("p", {}, text), html("button", { type: "button", onclick: again }, "try again"));
}

/** @param {string} text @returns {HTMLElement} */
export function waiting(text) {
  return html("div", { class: "waiting", role: "status" }, html("span", { class: "dots", "aria-hidden": "true" }), text);
}

/**
 * Ask until a large pool is read, and say meanwhile how far it is.
 * @template T
 * @param {() => Promise<T>} asked
 * @param {(words: string) => void} said
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
export async function patiently(asked, said, signal) {
  for (;;) {
    try {
      return await asked();
    } catch (error) {
      if (!(error instanceof RequestError) || error.status !== 503 || signal.aborted) throw error;
      const { loading } = error;
      said(loading?.of ? `Reading the pool: ${Math.round((100 * loading.done) / loading.of)} %` : "Reading the pool");
      await new Promise((resolve) => setTimeout(resolve, 700));
      if (signal.aborted) throw error;
    }
  }
}
