// The pictures on buttons: strokes in a square of 24, drawn for this page.

import { svg } from "./dom.js";

/** @type {Record<string, string>} */
const PATHS = {
  close: "M6 6 18 18M18 6 6 18",
  lasso: "M12 4c5 0 8 2.2 8 5.2S17 15 12 15s-8-2.6-8-5.8S7 4 12 4ZM8.5 14.5c-2 .6-3 1.7-2.3 3 .6 1.1 2.3 1 2.3 2.5",
  move: "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3",
  home: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7L12 7M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7L12 17",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5",
  moon: "M20 14.5A8 8 0 1 1 9.5 4a6.5 6.5 0 0 0 10.5 10.5Z",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  wide: "M14 4h6v6M10 20H4v-6M20 4l-7 7M4 20l7-7",
  help: "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.5v.5",
  spin: "M20 12a8 8 0 1 1-2.6-5.9M20 3v4.5h-4.5",
};

/**
 * @param {keyof typeof PATHS} name
 * @returns {SVGElement}
 */
export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
}
