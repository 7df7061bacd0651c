// The page: which screen is shown, and what is around it.

import { about as fetchAbout } from "./api.js";
import { byId, fill, html } from "./dom.js";
import { icon } from "./icons.js";
import { setShortcuts, showHelp, start as startKeyboard } from "./keyboard.js";
import { leaveProgress, showProgress } from "./progress_screen.js";
import { problem } from "./problems.js";
import { showRuns } from "./runs_screen.js";
import * as address from "./state.js";
import { StructuresScreen } from "./structures_screen.js";
import * as theme from "./theme.js";

/** @import { About } from "./types.js" */
/** @import { State } from "./state.js" */

/** @type {StructuresScreen | undefined} */
let structures;

/** @param {About} about */
function open(about) {
  /** @param {State} now @param {State | null} before */
  const show = (now, before) => {
    document.body.dataset.screen = now.screen;
    document.title = now.id ? `${now.id} \u2013 ${now.run}` : now.run ? `${now.run} \u2013 Genarris` : "Genarris";
    showPlace(now);
    if (now.screen !== "progress") leaveProgress();
    if (now.screen !== "structures") document.body.classList.remove("with-structure");
    if (now.screen === "structures") {
      structures ??= new StructuresScreen(about);
      void structures.show(now, before);
    } else if (now.screen === "progress") {
      if (before?.screen !== "progress" || before.run !== now.run) void showProgress(byId("progress"));
    } else if (before?.screen !== "runs") void showRuns(byId("runs"));
  };
  address.onChange(show);
  if (!location.hash && about.run) history.replaceState(null, "", address.fresh({ screen: "structures", run: about.run }));
  address.start();
}

/** @param {State} now */
function showPlace(now) {
  const tab = (/** @type {"structures" | "progress"} */ screen, /** @type {string} */ words) => html(
    "a", { href: now.screen === screen ? address.link({}) : address.fresh({ screen, run: now.run, pool: now.pool }), "aria-current": now.screen === screen ? "page" : null }, words);
  fill(byId("place"), now.run ? html("span", { class: "run-name", title: now.run }, now.run) : null);
  fill(byId("tabs"), ...(now.run ? [tab("structures", "structures"), tab("progress", "progress")] : []));
}

function buttons() {
  const dark = byId("theme");
  const paint = () => {
    fill(dark, icon(theme.isDark() ? "sun" : "moon"));
    dark.setAttribute("aria-label", theme.isDark() ? "light" : "dark");
    dark.title = theme.isDark() ? "light (d)" : "dark (d)";
    structures?.repaint();
  };
  dark.addEventListener("click", theme.toggle);
  theme.onChange(paint);
  byId("help-button").addEventListener("click", showHelp);
  for (const [id, name] of [["use-move", "move"], ["use-lasso", "lasso"], ["home", "home"], ["help-button", "help"]]) byId(id).append(icon(name));
}

function shortcuts() {
  const act = (/** @type {(screen: StructuresScreen) => void} */ what) => () => {
    if (structures && address.state().screen === "structures") what(structures);
  };
  setShortcuts([
    { keys: ["?"], words: "this list", act: showHelp },
    { keys: ["j", "ArrowDown"], words: "open the next structure of the table", act: act((screen) => void screen.table.step(1)) },
    { keys: ["k", "ArrowUp"], words: "open the one before", act: act((screen) => void screen.table.step(-1)) },
    { keys: ["Escape"], words: "close the structure", act: () => address.go({ id: "" }) },
    { keys: ["f"], words: "structure larger or smaller", act: act((screen) => screen.structure.toggleWide()) },
    { keys: ["l"], words: "draw a lasso", act: act((screen) => screen.use("lasso")) },
    { keys: ["m"], words: "move the landscape", act: act((screen) => screen.use("move")) },
    { keys: ["0"], words: "see all of the landscape", act: act((screen) => screen.home()) },
    { keys: ["+", "="], words: "zoom in", act: act((screen) => screen.scatter.zoom(0.7)) },
    { keys: ["-"], words: "zoom out", act: act((screen) => screen.scatter.zoom(1 / 0.7)) },
    { keys: ["x"], words: "take all filters away", act: act((screen) => screen.clear()) },
    { keys: ["d"], words: "light or dark", act: theme.toggle },
  ]);
}

async function begin() {
  buttons();
  theme.start();
  shortcuts();
  startKeyboard();
  try {
    open(await fetchAbout());
  } catch (error) {
    document.body.dataset.screen = "runs";
    fill(byId("runs"), problem(error, () => location.reload()));
  }
}

void begin();
