// Light or dark: as the system has it, until the reader switches.

const KEY = "genarris-theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");

/** @type {Set<() => void>} */
const listeners = new Set();

/** Whether the page is dark now. */
export function isDark() {
  const chosen = remembered();
  return chosen ? chosen === "dark" : system.matches;
}

/** Follow what was chosen before, and the system from now on. */
export function start() {
  system.addEventListener("change", apply);
  apply();
}

/** Switch; back to what the system says is no choice any more. */
export function toggle() {
  const next = isDark() ? "light" : "dark";
  remember(next === (system.matches ? "dark" : "light") ? null : next);
  apply();
}

/**
 * @param {() => void} listener called after each change
 */
export function onChange(listener) {
  listeners.add(listener);
}

/** Whether the reader wants things to stay where they are. */
export function isCalm() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/**
 * @param {string} name of a CSS variable
 * @returns {string} its value now
 */
export function variable(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function apply() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  listeners.forEach((listener) => listener());
}

// A browser may forbid storage; the choice then lasts as long as the page.
/** @type {string | null} */
let unstored = null;

function remembered() {
  try {
    return localStorage.getItem(KEY) ?? unstored;
  } catch {
    return unstored;
  }
}

/** @param {string | null} theme */
function remember(theme) {
  unstored = theme;
  try {
    if (theme) localStorage.setItem(KEY, theme);
    else localStorage.removeItem(KEY);
  } catch {
    // Kept in `unstored`.
  }
}
