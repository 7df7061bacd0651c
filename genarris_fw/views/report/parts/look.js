// Colours and shapes: those of page.css, so that light, dark and print have their own.

const NAMED = 9;
const SHAPES = ['circle', 'square', 'up', 'diamond', 'down', 'pentagon'];
// viridis, of which every step is a step for the eye, for all common kinds of colour blindness.
const SCALE = ['#440154', '#482878', '#3e4989', '#31688e', '#26828e', '#1f9e89', '#35b779', '#6ece58', '#b5de2b', '#fde725'];

/** @param {string} name */
function shade(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The colour of a share from 0 to 1 of the scale. @param {number} share */
function scaled(share) {
  const place = Math.min(Math.max(share, 0), 1) * (SCALE.length - 1);
  const from = Math.min(Math.floor(place), SCALE.length - 2);
  const channel = (k) => {
    const [a, b] = [SCALE[from], SCALE[from + 1]].map((hex) => parseInt(hex.slice(1 + 2 * k, 3 + 2 * k), 16));
    return Math.round(a + (b - a) * (place - from));
  };
  return `rgb(${channel(0)} ${channel(1)} ${channel(2)})`;
}

/** Trace a marker around a place. */
function trace(context, shape, x, y, r) {
  const corners = { up: [3, -Math.PI / 2], down: [3, Math.PI / 2], diamond: [4, 0], pentagon: [5, -Math.PI / 2] };
  context.beginPath();
  if (shape === 'circle') context.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape === 'square') context.rect(x - 0.88 * r, y - 0.88 * r, 1.76 * r, 1.76 * r);
  else if (shape === 'star') {
    for (let k = 0; k < 10; k += 1) {
      const out = k % 2 ? 0.42 * r : r;
      context.lineTo(x + out * Math.sin((k * Math.PI) / 5), y - out * Math.cos((k * Math.PI) / 5));
    }
  } else {
    const [n, first] = corners[shape];
    for (let k = 0; k < n; k += 1) {
      const turn = first + (2 * Math.PI * k) / n;
      context.lineTo(x + 1.2 * r * Math.cos(turn), y + 1.2 * r * Math.sin(turn));
    }
  }
  context.closePath();
}

/** Round numbers between two, about so many. */
function ticks(low, high, about) {
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1) found.push(k * step);
  return found.map((value) => [value, value.toFixed(digits).replace('-', '−')]);
}
