// chemiscope's viewer (https://chemiscope.org, BSD-3, 3Dmol inside), which the server has from its package: loaded when
// the first crystal is looked at.

/**
 * @typedef {object} DrawnStructure
 * @property {number} size
 * @property {string[]} names
 * @property {number[]} x
 * @property {number[]} y
 * @property {number[]} z
 * @property {[number, number, number][]} bonds two atoms and the bond's order
 * @property {Record<string, unknown>} shapes
 */

/**
 * @typedef {object} Viewer
 * @property {(structure: DrawnStructure, properties?: undefined, options?: {keepOrientation?: boolean}) => void} load
 * @property {(settings: Record<string, unknown>) => void} applySettings
 * @property {() => Record<string, any>} saveSettings
 * @property {() => string} exportPNG
 * @property {() => void} resize
 * @property {() => void} remove
 */

/** @type {Promise<new (element: HTMLElement, properties: string[]) => Viewer> | undefined} */
let library;

// Its own settings button and badge give way to the controls around it.
const HIDDEN = ".chsp-viewer-button, .chsp-cell-info { display: none !important; }";

/**
 * @param {HTMLElement} host
 * @returns {Promise<Viewer>}
 */
export async function createViewer(host) {
  library ??= load();
  const MoleculeViewer = await library;
  const viewer = new MoleculeViewer(host, []);
  const shadow = host.firstElementChild?.shadowRoot;
  if (shadow) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(HIDDEN);
    shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, sheet];
  }
  return viewer;
}

/** @returns {Promise<new (element: HTMLElement, properties: string[]) => Viewer>} */
function load() {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/chemiscope.min.js";
    script.onload = () => {
      /** @type {any} */
      const global = window;
      resolve(global.Chemiscope.MoleculeViewer);
    };
    script.onerror = () => {
      library = undefined;
      reject(new Error("Crystals are drawn by the package chemiscope, which is not installed: pip install chemiscope"));
    };
    document.head.append(script);
  });
}
