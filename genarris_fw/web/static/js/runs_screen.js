// All runs of the database.

import { runs } from "./api.js";
import { fill, html } from "./dom.js";
import { counted, moment, whole } from "./format.js";
import { problem, waiting } from "./problems.js";
import { fresh } from "./state.js";

/** @import { RunLine } from "./types.js" */

/** @param {HTMLElement} host */
export async function showRuns(host) {
  fill(host, waiting("Looking for runs"));
  try {
    const found = await runs();
    fill(host, html("h1", {}, "Runs"), found.length ? list(found) : nothing());
  } catch (error) {
    fill(host, problem(error, () => void showRuns(host)));
  }
}

/** @param {RunLine[]} found */
function list(found) {
  return html("ul", { class: "runs" }, ...found.map(line));
}

/** @param {RunLine} line */
function line(line) {
  const pools = Object.entries(line.pools);
  const structures = pools.reduce((sum, [, count]) => sum + count, 0);
  const about = [line.created ? moment(line.created) : "", counted(structures, "structure"), line.folder ?? ""].filter(Boolean);
  return html(
    "li", { class: "card run" },
    html("div", {}, html("h2", {}, html("a", { href: fresh({ screen: structures ? "structures" : "progress", run: line.run }) }, line.run)), state(line.state)),
    html("p", { class: "hint" }, about.join(" \u00b7 ")),
    html("p", { class: "pools" },
      html("a", { class: "chip", href: fresh({ screen: "progress", run: line.run }) }, "progress"),
      ...pools.map(([pool, count]) => html("a", { class: "chip", href: fresh({ screen: "structures", run: line.run, pool }) }, pool, html("b", {}, whole(count))))),
  );
}

/** @param {string} name */
export function state(name) {
  return html("span", { class: "state", "data-state": name }, name);
}

function nothing() {
  return html("div", { class: "empty" }, html("p", {}, "This database has no runs yet."),
    html("p", { class: "hint" }, "genarris-fw run ui.conf starts one; it appears here while it works."));
}
