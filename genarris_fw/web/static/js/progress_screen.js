// How far a run is: its steps, how many structures each left, what failed. Asked for again while it works.

import { failures, run as fetchRun } from "./api.js";
import { fill, html } from "./dom.js";
import { counted, duration, moment, whole } from "./format.js";
import { problem, waiting } from "./problems.js";
import { state as stateOf } from "./runs_screen.js";
import { fresh, state } from "./state.js";

/** @import { Failure, Run, Step } from "./types.js" */

const EVERY = 2000;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** End the asking. */
export function leaveProgress() {
  clearTimeout(timer);
}

/** @param {HTMLElement} host */
export async function showProgress(host) {
  leaveProgress();
  const { run } = state();
  fill(host, waiting("Asking how far the run is"));
  const parts = { summary: html("div"), steps: html("section", { class: "card" }), funnel: html("section", { class: "card" }), failures: html("section", { class: "card" }) };
  let failed = -1;
  const refresh = async () => {
    const found = await fetchRun(run);
    if (state().screen !== "progress" || state().run !== run) return;
    if (!parts.summary.isConnected) {
      fill(host, parts.summary, html("div", { class: "progress-grid" }, parts.steps, html("div", {}, parts.funnel, parts.failures)));
    }
    fill(parts.summary, summary(found));
    fill(parts.steps, html("h2", {}, "Steps"), html("ol", { class: "steps" }, ...found.steps.map(step)));
    fill(parts.funnel, html("h2", {}, "Structures by step"), ...funnel(found));
    if (found.failures !== failed) {
      failed = found.failures;
      await showFailures(parts.failures, run, failed);
    }
    if (found.state === "running" || found.state === "waiting") timer = setTimeout(() => void again(), EVERY);
  };
  const again = () => refresh().catch((error) => {
    if (state().screen === "progress" && state().run === run) fill(host, problem(error, () => void showProgress(host)));
  });
  await again();
}

/** @param {Run} run */
function summary(run) {
  const { experiment } = run;
  const structures = Object.values(run.pools).reduce((sum, count) => sum + count, 0);
  const fact = (/** @type {string} */ name, /** @type {string} */ value) => html("div", { class: "fact" }, html("dt", {}, name), html("dd", {}, value));
  return html(
    "div", { class: "summary" },
    html("div", { class: "heading" }, html("h1", {}, run.run), stateOf(run.state),
      run.last_pool ? html("a", { class: "button primary", href: fresh({ screen: "structures", run: run.run }) }, "explore the structures") : null),
    run.failure ? html("p", { class: "problem" }, run.failure) : null,
    html("dl", { class: "facts" },
      fact("begun", moment(run.created)), fact("time", duration(run.seconds)), fact("structures", whole(structures)),
      fact("failed items", whole(run.failures)),
      experiment ? fact("the measured crystal", experiment.found && experiment.rank ? `rank ${experiment.rank}` : experiment.words ?? "not found") : ""),
    experiment?.words ? html("p", { class: "hint" }, `The measured crystal: ${experiment.words}`) : null,
  );
}

/** @param {Step} step */
function step(step) {
  const done = step.done ?? 0;
  const total = done + (step.failed ?? 0) + (step.waiting ?? 0) + (step.running ?? 0);
  const part = step.state === "finished" ? 1 : total ? done / total : 0;
  const bar = html("div", { class: "meter", role: "progressbar", "aria-label": step.name, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(100 * part) }, html("span"));
  bar.style.setProperty("--part", String(part));
  return html(
    "li", { "data-state": step.state }, html("div", {}, html("strong", {}, step.name), stateOf(step.state)), bar,
    html("p", { class: "hint" }, counts(step, done, total)), step.result ? html("p", { class: "result" }, step.result) : null,
  );
}

/**
 * @param {Step} step
 * @param {number} done
 * @param {number} total
 */
function counts(step, done, total) {
  const running = step.state === "running";
  const said = [
    total > 1 ? `${whole(done)} of ${counted(total, "item")}` : null,
    step.failed ? `${whole(step.failed)} failed` : null,
    step.running ? `${whole(step.running)} at work` : null,
    running && step.rate ? `${whole(step.rate)} a minute` : null,
    running && step.time_left ? `${duration(step.time_left)} left` : null,
    !running && step.seconds ? duration(step.seconds) : null,
  ];
  return said.filter(Boolean).join(" \u00b7 ");
}

/** @param {Run} run */
function funnel(run) {
  const rows = run.funnel ?? [];
  if (!rows.length) return [html("p", { class: "empty" }, "No structures yet.")];
  const most = Math.max(1, ...rows.map((row) => row.structures));
  return rows.map((row) => {
    const bar = html("span", { class: "funnel-bar" });
    bar.style.setProperty("--part", String(row.structures / most));
    return html("a", { class: "funnel-row", href: fresh({ screen: "structures", run: run.run, pool: row.pool }) },
      html("span", { class: "funnel-name" }, row.pool), bar,
      html("span", { class: "count" }, whole(row.structures), row.of ? html("small", {}, ` of ${whole(row.of)}${row.of_draws ? " draws" : ""}`) : null));
  });
}

/**
 * @param {HTMLElement} host
 * @param {string} run
 * @param {number} count
 */
async function showFailures(host, run, count) {
  if (!count) {
    fill(host, html("h2", {}, "Failures"), html("p", { class: "empty" }, "None."));
    return;
  }
  const body = html("tbody");
  const more = html("button", { type: "button", hidden: true }, "more");
  /** @type {string | null} */
  let after = null;
  const add = async () => {
    const page = await failures(run, after);
    body.append(...page.failures.map(failure));
    after = page.next;
    more.hidden = !after;
  };
  more.addEventListener("click", () => void add());
  const head = ["step", "item", "why", "where"].map((name) => html("th", { scope: "col" }, name));
  fill(host, html("h2", {}, `Failures: ${whole(count)}`), html("div", { class: "lines" }, html("table", {}, html("thead", {}, html("tr", {}, ...head)), body)), more);
  await add();
}

/** @param {Failure} failure */
function failure(failure) {
  const item = failure.id ? html("a", { href: fresh({ screen: "structures", run: state().run, id: failure.id }) }, failure.key) : failure.key;
  const output = failure.output ? html("details", {}, html("summary", {}, "output"), html("pre", {}, failure.output)) : null;
  return html("tr", {}, html("td", {}, failure.step), html("td", {}, item),
    html("td", {}, failure.error, html("span", { class: "hint" }, ` ${counted(failure.attempts, "attempt")}`), output),
    html("td", {}, failure.host ?? "\u2013", failure.folder ? html("div", { class: "hint" }, failure.folder) : null));
}
