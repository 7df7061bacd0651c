// The interactive landscape: energy over density, or volume, of every structure of a pool.

const WORDS = {
  density: ['density', 'g/cm³', 4],
  energy: ['relative energy', 'kJ/mol per molecule', 2],
  volume: ['volume', 'Å³ per molecule', 1],
  hits: ['hits', 'draws that ended here', 0],
};
const EDGE = { left: 58, right: 14, top: 12, bottom: 46 };
// From so many points on they are plain squares: shapes cannot be told apart in a crowd.
const CROWD = 600;
// How near the pointer has to come, in pixels.
const NEAR = 14;

class Landscape {
  /**
   * @param {HTMLElement} root The section's element, as page.html has it.
   * @param {any[]} pools As `unpacked` returns them.
   * @param {Map<string, string>} rows Id -> element of the table of the best.
   */
  constructor(root, pools, rows) {
    this.root = root;
    this.pools = pools;
    this.rows = rows;
    const find = (what) => root.querySelector(`[data-part="${what}"]`);
    this.canvas = find('canvas');
    this.tip = find('tip');
    this.legend = find('legend');
    this.said = find('said');
    this.choices = { pool: find('pool'), across: find('across'), color: find('color') };
    // The crowd is drawn here once for a view; what is pointed at is drawn over a copy of it.
    this.crowd = document.createElement('canvas');
    this.hidden = new Set();
    this.hovered = -1;
    this.chosen = -1;
    pools.forEach((pool, k) => this.choices.pool.add(new Option(`${pool.name} (${pool.n.toLocaleString('en')})`, String(k))));
    this.choices.pool.closest('label').hidden = pools.length < 2;
    this.choices.pool.addEventListener('change', () => this.show(Number(this.choices.pool.value)));
    this.choices.across.addEventListener('change', () => this.whole());
    this.choices.color.addEventListener('change', () => this.recolor());
    find('closer').addEventListener('click', () => this.zoom(0.6));
    find('farther').addEventListener('click', () => this.zoom(1 / 0.6));
    find('whole').addEventListener('click', () => this.whole());
    find('find').addEventListener('change', (event) => this.seek(event.target.value));
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.recolor());
    this.show(0);
  }

  /** Show a pool from the beginning. @param {number} k */
  show(k) {
    this.pool = this.pools[k];
    this.hovered = this.chosen = -1;
    const fill = (select, names) => {
      const before = select.value;
      select.replaceChildren(...names.map((name) => new Option(WORDS[name]?.[0] ?? name, name)));
      if (names.includes(before)) select.value = before;
    };
    fill(this.choices.across, ['density', 'volume'].filter((name) => this.pool.numbers.has(name)));
    const numbers = ['density', 'volume', 'hits'].filter((name) => this.pool.numbers.has(name));
    fill(this.choices.color, [...this.pool.groups.keys(), ...numbers]);
    this.recolor(false);
    this.whole();
    this.say('');
  }

  /** Colour the points anew: by groups, or by a number. */
  recolor(redraw = true) {
    const name = this.choices.color.value;
    const group = this.pool.groups.get(name);
    this.hidden.clear();
    this.paint = group ? this.byGroup(group) : this.byNumber(name);
    this.describe(name, group);
    if (redraw) this.draw();
  }

  byGroup({ names, index }) {
    const named = Math.min(names.length, NAMED);
    const sets = names.slice(0, named).map((name, k) => ({
      name,
      color: name === 'unknown' ? shade('--unknown') : shade(`--group-${k}`),
      shape: SHAPES[k % SHAPES.length],
      points: [],
    }));
    if (names.length > named) {
      const many = names.length - named;
      sets.push({ name: many > 1 ? `${many} others` : names[named], color: shade('--unknown'), shape: 'circle', points: [] });
    }
    index.forEach((one, point) => sets[Math.min(one, sets.length - 1)].points.push(point));
    // What is grey lies behind, then the large groups.
    const others = [...sets.keys()].filter((k) => k >= named);
    return { sets, order: [...others, ...[...sets.keys()].slice(0, named)] };
  }

  byNumber(name) {
    const values = this.pool.numbers.get(name);
    const known = [...values.keys()].filter((point) => Number.isFinite(values[point]));
    const [low, high] = bounds(known, values);
    const lengths = name === 'hits' ? (value) => Math.log(value) : (value) => value;
    const share = (value) => (high > low ? (lengths(value) - lengths(low)) / (lengths(high) - lengths(low)) : 0.5);
    const sets = Array.from({ length: 64 }, (_, k) => ({ color: scaled(k / 63), shape: 'circle', points: [] }));
    known.forEach((point) => sets[Math.round(63 * share(values[point]))].points.push(point));
    return { sets, order: [...sets.keys()], range: [low, high] };
  }

  /** Write the legend; each group is a button that hides it. */
  describe(name, group) {
    const entry = (set, k) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.setAttribute('aria-pressed', 'true');
      button.title = 'show or hide';
      const mark = document.createElement('canvas');
      mark.width = mark.height = 28;
      const pen = mark.getContext('2d');
      pen.fillStyle = set.color;
      trace(pen, this.pool.n < CROWD ? set.shape : 'square', 14, 14, 9);
      pen.fill();
      const count = document.createElement('span');
      count.textContent = set.points.length.toLocaleString('en');
      button.append(mark, document.createTextNode(`${set.name} `), count);
      button.addEventListener('click', () => {
        if (!this.hidden.delete(k)) this.hidden.add(k);
        button.setAttribute('aria-pressed', String(!this.hidden.has(k)));
        this.draw();
      });
      return button;
    };
    if (group) this.legend.replaceChildren(...this.paint.sets.map(entry));
    else {
      const bar = document.createElement('div');
      bar.className = 'scale';
      bar.style.background = `linear-gradient(to right, ${SCALE.join(', ')})`;
      const ends = document.createElement('p');
      ends.textContent = `${this.paint.range.map((value) => written(name, value)).join(' – ')} ${WORDS[name][1]}`;
      this.legend.replaceChildren(bar, ends);
    }
    if (this.pool.experiment >= 0) {
      const star = document.createElement('p');
      star.className = 'measured';
      star.textContent = '★ the measured crystal';
      this.legend.append(star);
    }
  }

  /** See all points. */
  whole() {
    const [x, y] = this.columns();
    const all = [...this.pool.ids.keys()].filter((point) => Number.isFinite(x[point]));
    const wide = (values) => {
      const [low, high] = bounds(all, values);
      const spare = 0.05 * (high - low) || 0.02 * Math.abs(high) || 0.5;
      return [low - spare, high + spare];
    };
    this.view = { x: wide(x), y: wide(y) };
    this.draw();
  }

  columns() {
    return [this.pool.numbers.get(this.choices.across.value), this.pool.numbers.get('energy')];
  }

  /** Show a part of what is seen, or more, about a place in pixels. */
  zoom(factor, at = null) {
    const { width, height } = this.canvas.getBoundingClientRect();
    const [px, py] = at ?? [EDGE.left + (width - EDGE.left - EDGE.right) / 2, EDGE.top + (height - EDGE.top - EDGE.bottom) / 2];
    const about = this.value(px, py);
    const part = ([low, high], middle) => [middle + (low - middle) * factor, middle + (high - middle) * factor];
    const next = { x: part(this.view.x, about[0]), y: part(this.view.y, about[1]) };
    if (next.x[1] - next.x[0] < 1e-6 || next.y[1] - next.y[0] < 1e-5) return;
    this.view = next;
    this.draw();
  }

  move(dx, dy) {
    const { width, height } = this.canvas.getBoundingClientRect();
    const shift = ([low, high], share) => [low + share * (high - low), high + share * (high - low)];
    this.view = {
      x: shift(this.view.x, dx / (width - EDGE.left - EDGE.right)),
      y: shift(this.view.y, dy / (height - EDGE.top - EDGE.bottom)),
    };
    this.draw();
  }

  /** What lies at a place in pixels. */
  value(px, py) {
    const { width, height } = this.canvas.getBoundingClientRect();
    const across = (px - EDGE.left) / (width - EDGE.left - EDGE.right);
    const upwards = (height - EDGE.bottom - py) / (height - EDGE.top - EDGE.bottom);
    const { x, y } = this.view;
    return [x[0] + across * (x[1] - x[0]), y[0] + upwards * (y[1] - y[0])];
  }

  /** Functions from values to pixels. */
  places(width, height) {
    const { x, y } = this.view;
    const wide = (width - EDGE.left - EDGE.right) / (x[1] - x[0]);
    const tall = (height - EDGE.top - EDGE.bottom) / (y[1] - y[0]);
    return [(value) => EDGE.left + (value - x[0]) * wide, (value) => height - EDGE.bottom - (value - y[0]) * tall];
  }

  draw() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!this.view || width < EDGE.left + EDGE.right + 20) return;
    const dots = window.devicePixelRatio || 1;
    this.crowd.width = Math.round(width * dots);
    this.crowd.height = Math.round(height * dots);
    const pen = this.crowd.getContext('2d');
    pen.scale(dots, dots);
    const [atX, atY] = this.places(width, height);
    this.axes(pen, width, height, atX, atY);
    pen.save();
    pen.beginPath();
    pen.rect(EDGE.left, EDGE.top, width - EDGE.left - EDGE.right, height - EDGE.top - EDGE.bottom);
    pen.clip();
    this.points(pen, atX, atY);
    pen.restore();
    this.canvas.dataset.view = JSON.stringify(this.view);
    this.mark();
  }

  /** Draw what was drawn, and over it the measured crystal, what is chosen and what is pointed at. */
  mark() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!this.crowd.width || !width) return;
    this.canvas.width = this.crowd.width;
    this.canvas.height = this.crowd.height;
    const pen = this.canvas.getContext('2d');
    pen.drawImage(this.crowd, 0, 0);
    pen.scale(this.crowd.width / width, this.crowd.height / height);
    const [atX, atY] = this.places(width, height);
    const [x, y] = this.columns();
    pen.beginPath();
    pen.rect(EDGE.left, EDGE.top, width - EDGE.left - EDGE.right, height - EDGE.top - EDGE.bottom);
    pen.clip();
    const measured = this.pool.experiment;
    if (measured >= 0) {
      trace(pen, 'star', atX(x[measured]), atY(y[measured]), 11);
      pen.fillStyle = shade('--star');
      pen.fill();
      pen.strokeStyle = shade('--ink');
      pen.lineWidth = 1;
      pen.stroke();
    }
    for (const [point, wide] of [[this.chosen, 2.2], [this.hovered, 1.2]]) {
      if (point < 0) continue;
      trace(pen, 'circle', atX(x[point]), atY(y[point]), this.radius + 4);
      pen.strokeStyle = shade('--ink');
      pen.lineWidth = wide;
      pen.stroke();
    }
  }

  points(pen, atX, atY) {
    const [x, y] = this.columns();
    const { x: [left, right], y: [low, high] } = this.view;
    const inside = (point) => x[point] >= left && x[point] <= right && y[point] >= low && y[point] <= high;
    const seen = this.paint.order
      .filter((k) => !this.hidden.has(k))
      .map((k) => [this.paint.sets[k], this.paint.sets[k].points.filter(inside)]);
    const n = seen.reduce((sum, [, points]) => sum + points.length, 0);
    const r = Math.min(5.5, Math.max(1.1, 60 / Math.sqrt(n + 1)));
    pen.globalAlpha = n > 20000 ? 0.5 : n > 2000 ? 0.65 : 0.9;
    for (const [set, points] of seen) {
      pen.fillStyle = set.color;
      for (const point of points) {
        if (n < CROWD) {
          trace(pen, this.pool.n < CROWD ? set.shape : 'circle', atX(x[point]), atY(y[point]), r);
          pen.fill();
        } else pen.fillRect(atX(x[point]) - r, atY(y[point]) - r, 2 * r, 2 * r);
      }
    }
    pen.globalAlpha = 1;
    this.radius = r;
    this.canvas.dataset.drawn = String(n);
  }

  axes(pen, width, height, atX, atY) {
    const { x, y } = this.view;
    pen.clearRect(0, 0, width, height);
    pen.font = `12px ${shade('--letters')}`;
    pen.fillStyle = shade('--soft');
    pen.strokeStyle = shade('--rule');
    pen.lineWidth = 1;
    const line = (...ends) => {
      pen.beginPath();
      pen.moveTo(ends[0], ends[1]);
      pen.lineTo(ends[2], ends[3]);
      pen.stroke();
    };
    pen.textAlign = 'center';
    pen.textBaseline = 'top';
    for (const [value, words] of ticks(...x, Math.max(2, width / 110))) {
      line(atX(value), EDGE.top, atX(value), height - EDGE.bottom);
      pen.fillText(words, atX(value), height - EDGE.bottom + 7);
    }
    pen.textAlign = 'right';
    pen.textBaseline = 'middle';
    for (const [value, words] of ticks(...y, Math.max(2, height / 70))) {
      line(EDGE.left, atY(value), width - EDGE.right, atY(value));
      pen.fillText(words, EDGE.left - 8, atY(value));
    }
    pen.fillStyle = shade('--ink');
    pen.textAlign = 'center';
    const [across, unit] = WORDS[this.choices.across.value];
    pen.fillText(`${across} (${unit})`, (EDGE.left + width - EDGE.right) / 2, height - 12);
    pen.save();
    pen.translate(14, (EDGE.top + height - EDGE.bottom) / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText('relative energy (kJ/mol per molecule)', 0, 0);
    pen.restore();
  }

  /** The point nearest to a place in pixels, -1 where none is near. */
  nearest(px, py) {
    const { width, height } = this.canvas.getBoundingClientRect();
    const [atX, atY] = this.places(width, height);
    const [x, y] = this.columns();
    let best = -1;
    let least = NEAR ** 2;
    this.paint.sets.forEach((set, k) => {
      if (this.hidden.has(k)) return;
      for (const point of set.points) {
        const away = (atX(x[point]) - px) ** 2 + (atY(y[point]) - py) ** 2;
        if (away < least) [best, least] = [point, away];
      }
    });
    const measured = this.pool.experiment;
    if (measured >= 0 && Math.hypot(atX(x[measured]) - px, atY(y[measured]) - py) < 10) return measured;
    return best;
  }

  listen() {
    const canvas = this.canvas;
    const at = (event) => {
      const { left, top } = canvas.getBoundingClientRect();
      return [event.clientX - left, event.clientY - top];
    };
    let held = null;
    canvas.addEventListener('pointerdown', (event) => {
      held = { at: at(event), moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener('pointermove', (event) => {
      const place = at(event);
      if (held && event.buttons) {
        const [dx, dy] = [place[0] - held.at[0], place[1] - held.at[1]];
        if (held.moved || Math.hypot(dx, dy) > 4) {
          held = { at: place, moved: true };
          this.move(-dx, dy);
        }
        return;
      }
      this.hover(this.nearest(...place), place);
    });
    canvas.addEventListener('pointerup', (event) => {
      if (held && !held.moved) this.choose(this.nearest(...at(event)));
      held = null;
    });
    canvas.addEventListener('pointerleave', () => this.hover(-1));
    canvas.addEventListener('dblclick', () => this.whole());
    canvas.addEventListener(
      'wheel',
      (event) => {
        // The page scrolls until the landscape is clicked at, or Ctrl is held.
        if (document.activeElement !== canvas && !event.ctrlKey) return;
        event.preventDefault();
        this.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 300), at(event));
      },
      { passive: false },
    );
    canvas.addEventListener('blur', () => this.hover(-1));
    canvas.addEventListener('keydown', (event) => {
      const far = 60;
      const shifts = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] };
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.shiftKey && shifts[event.key]) this.move(...shifts[event.key]);
      else if (['ArrowRight', 'ArrowUp'].includes(event.key)) this.step(1);
      else if (['ArrowLeft', 'ArrowDown'].includes(event.key)) this.step(-1);
      else if (event.key === 'Home') this.choose(0);
      else if (event.key === '+' || event.key === '=') this.zoom(0.6);
      else if (event.key === '-') this.zoom(1 / 0.6);
      else if (event.key === '0') this.whole();
      else if (event.key === 'e' && this.pool.experiment >= 0) this.choose(this.pool.experiment);
      else if (event.key === 'Escape') this.choose(-1);
      else if (event.key === 'Enter' && this.rows.has(this.pool.ids[this.chosen])) this.follow();
      else return;
      event.preventDefault();
    });
  }

  /** Go to the next structure in the order of energies. */
  step(by) {
    this.choose(this.chosen < 0 ? 0 : Math.min(this.pool.n - 1, Math.max(0, this.chosen + by)));
  }

  hover(point, place = null) {
    if (point !== this.hovered) {
      this.hovered = point;
      this.mark();
    }
    this.tip.hidden = point < 0;
    if (point < 0 || !place) return;
    this.tip.replaceChildren(...this.lines(point).map(([name, value]) => {
      const line = document.createElement('div');
      line.textContent = name ? `${name}: ${value}` : value;
      return line;
    }));
    const { width, height } = this.canvas.getBoundingClientRect();
    const [right, low] = [place[0] > width / 2, place[1] > height / 2];
    this.tip.style.left = right ? '' : `${place[0] + 14}px`;
    this.tip.style.right = right ? `${width - place[0] + 14}px` : '';
    this.tip.style.top = low ? '' : `${place[1] + 10}px`;
    this.tip.style.bottom = low ? `${height - place[1] + 10}px` : '';
  }

  /** What is known of a point, as names and values. */
  lines(point) {
    const found = [['', this.pool.ids[point]]];
    if (point === this.pool.experiment) found.push(['', '★ the measured crystal']);
    for (const name of ['energy', 'density', 'volume', 'hits']) {
      const values = this.pool.numbers.get(name);
      if (values && Number.isFinite(values[point])) {
        const unit = name === 'hits' ? '' : ` ${WORDS[name][1]}`;
        found.push([WORDS[name][0], `${written(name, values[point])}${unit}`]);
      }
    }
    for (const [name, { names, index }] of this.pool.groups) found.push([name, names[index[point]]]);
    return found;
  }

  choose(point) {
    this.chosen = point;
    this.mark();
    if (point < 0) this.say('');
    else this.say(`${point + 1} of ${this.pool.n.toLocaleString('en')} by energy`, point);
  }

  /** Say what is chosen, where everybody reads it and a screen reader speaks it. */
  say(words, point = -1) {
    this.said.replaceChildren();
    if (point < 0) return;
    const list = document.createElement('dl');
    for (const [name, value] of [['rank', words], ...this.lines(point)]) {
      const term = document.createElement('dt');
      term.textContent = name || 'structure';
      const about = document.createElement('dd');
      about.textContent = value;
      list.append(term, about);
    }
    this.said.append(list);
    const row = this.rows.get(this.pool.ids[point]);
    if (row) {
      const link = document.createElement('a');
      link.href = `#${row}`;
      link.textContent = 'in the table of the lowest';
      this.said.append(link);
    }
  }

  follow() {
    const row = document.getElementById(this.rows.get(this.pool.ids[this.chosen]));
    row.scrollIntoView({ block: 'center' });
    row.focus();
  }

  /** Choose the first structure whose id holds a text, and bring it into view. */
  seek(text) {
    const wanted = text.trim();
    const point = wanted ? this.pool.ids.findIndex((id) => id.includes(wanted)) : -1;
    if (wanted && point < 0) {
      this.say('');
      this.said.textContent = `no structure here is called ${wanted}`;
      return;
    }
    if (point >= 0) {
      const [x, y] = this.columns();
      const { x: across, y: upwards } = this.view;
      if (x[point] < across[0] || x[point] > across[1] || y[point] < upwards[0] || y[point] > upwards[1]) this.whole();
    }
    this.choose(point);
  }
}

/** The least and the largest of some values. */
function bounds(points, values) {
  let [low, high] = [Infinity, -Infinity];
  for (const point of points) {
    low = Math.min(low, values[point]);
    high = Math.max(high, values[point]);
  }
  return [low, high];
}

function written(name, value) {
  return value.toFixed(WORDS[name][2]).replace('-', '−');
}
