"""The explorer's page in a real browser, against a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import explored
import landscape
import pytest
import small_run
from browser import Visit, visit

from genarris_fw.catalogue import Catalogue

# What every script may use: the page at a run's structures, and words of elements.
HELPERS = """
const texts = (what) => page.$$eval(what, (all) => all.map((each) => each.textContent));
const ids = () => page.$$eval('#table tr[data-id]', (all) => all.map((each) => each.dataset.id));
const text = async (what) => (await page.textContent(what)).trim();
const count = async () => Number((await text('#count b')).replace(/\\s/g, ''));
const drawn = () => page.waitForSelector('#landscape[aria-busy="false"]');
const counted = (number) => page.waitForFunction(
  (n) => Number(document.querySelector('#count b')?.textContent.replace(/\\s/g, '')) === n, number);
const named = (id) => page.waitForFunction((name) => document.querySelector('#structure h2').textContent === name, id);
const quiet = () => page.waitForSelector('.stage[aria-busy="false"]');
"""


@pytest.fixture(scope="module")
def address(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    landscape.fill(catalogue, str(tmp_path_factory.mktemp("landscape")))
    with landscape.served(catalogue) as found:
        yield found


def structures(run: str = landscape.RUN, **state: str) -> str:
    return f"#/structures?{urlencode({'run': run} | state)}"


def seen(address: str, where: str, script: str, given: Any = None, **options: Any) -> Any:
    """Carry out a script; the browser must have nothing to say, and ask nobody but the server."""
    found: Visit = visit(address + where, HELPERS + script, given, **options)
    assert complaints(found) == []
    assert [one for one in found.requests if not one.startswith((address, "blob:", "data:"))] == []
    return found.result


def complaints(found: Visit) -> list[str]:
    """What the browser complained of; where software draws, it says that reading the screen back is slow."""
    return [one for one in found.errors if "GPU stall" not in one]


def test_from_the_runs_to_the_landscape(address: str) -> None:
    script = """
      await page.click(`.run h2 a:text-is("${given}")`);
      await drawn();
      await page.waitForSelector('#table tr[data-id]');
      const coloured = await page.evaluate(() => {
        const shown = document.querySelector('canvas.cloud');
        const flat = document.createElement('canvas');
        [flat.width, flat.height] = [shown.width, shown.height];
        const context = flat.getContext('2d');
        context.drawImage(shown, 0, 0);
        const { data } = context.getImageData(0, 0, flat.width, flat.height);
        const colours = new Set();
        for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) colours.add(data.slice(i, i + 3).join());
        return colours.size;
      });
      const boxes = await page.$$eval('#structures, .middle, #table, aside, #landscape',
        (all) => all.map((each) => each.getBoundingClientRect().right));
      return { count: await count(), lines: await page.$$eval('#table tr[data-id]', (rows) => rows.length), coloured,
        star: await page.$$eval('.overlay .star', (all) => all.length), legend: await text('#legend'), boxes,
        labels: await texts('.axes .axis') };
    """
    found = seen(address, "", script, landscape.RUN, size=(1280, 720))
    assert found["count"] == len(landscape.IDS) and found["lines"] == 60
    assert found["coloured"] >= 4, "each space group has a colour"
    assert found["star"] == 1 and "measured crystal" in found["legend"] and "14" in found["legend"]
    assert found["labels"][0] == "density (g/cm³)" and "energy" in found["labels"][1]
    assert max(found["boxes"]) <= 1280


def test_filters_back_and_forward(address: str) -> None:
    script = """
      await drawn();
      await page.click('.filter[data-column="spg"] label.choice:has(.name:text-is("14")) input');
      await counted(given.of14);
      const where = page.url();
      await page.fill('.filter[data-column="density"] input >> nth=1', '0.7');
      await page.press('.filter[data-column="density"] input >> nth=1', 'Enter');
      await counted(given.light);
      const chips = await texts('#chips .removable');
      await page.waitForFunction(
        (n) => document.querySelector('.pager span').textContent.endsWith(` ${n}`), given.light);
      const lines = await text('.pager span');
      await page.goBack(); await counted(given.of14);
      await page.goBack(); await counted(given.all);
      await page.goForward(); await page.goForward(); await counted(given.light);
      // A link that is shared shows the same.
      const other = await context.newPage();
      await other.goto(page.url());
      await other.waitForFunction((n) => document.querySelector('#count b')?.textContent === String(n), given.light);
      await page.click('#chips .removable >> nth=0'); await counted(given.onlyLight);
      // Dragged: the left half of the densities.
      const box = await page.locator('.filter[data-column="density"] svg').boundingBox();
      await page.mouse.move(box.x, box.y + 20); await page.mouse.down();
      await page.mouse.move(box.x + box.width / 2, box.y + 20, { steps: 4 }); await page.mouse.up();
      await page.waitForFunction(() => !location.hash.includes('0.7'));
      await drawn();
      return { where, chips, lines, hash: new URL(page.url()).hash };
    """
    numbers = landscape.numbers().values()
    given = {
        "all": len(numbers),
        "of14": sum(group == 14 for _, _, group in numbers),
        "light": sum(group == 14 and density <= 0.7 for density, _, group in numbers),
        "onlyLight": sum(density <= 0.7 for density, _, _ in numbers),
    }
    found = seen(address, structures(), script, given)
    assert parse_qs(found["where"].partition("?")[2])["where"] == ["spg:14"]
    assert len(found["chips"]) == 2 and f"of {given['light']}" in found["lines"]
    clause = parse_qs(found["hash"].partition("?")[2])["where"]
    low, high = map(float, re.fullmatch(r"density:([\d.]+)\.\.([\d.]+)", clause[0]).groups())  # type: ignore[union-attr]
    densities = [density for density, _, _ in numbers]
    assert low == pytest.approx(min(densities), abs=0.01)
    assert high == pytest.approx((min(densities) + max(densities)) / 2, abs=0.02)


def test_a_lasso_selects_what_lies_in_it(address: str) -> None:
    script = """
      await drawn();
      await page.keyboard.press('l');
      const box = await page.locator('canvas.cloud').boundingBox();
      const at = (x, y) => [box.x + x * box.width, box.y + y * box.height];
      await page.mouse.move(...at(0.2, 0.2)); await page.mouse.down();
      for (const corner of [[0.6, 0.25], [0.75, 0.6], [0.45, 0.8], [0.2, 0.7]]) {
        await page.mouse.move(...at(...corner), { steps: 6 });
      }
      await page.mouse.up();
      await page.waitForSelector('#chips .removable');
      await page.waitForFunction(() => document.querySelector('#count').textContent.includes('of'));
      const lasso = { count: await count(), hash: new URL(page.url()).hash, lines: await text('.pager span') };
      await page.keyboard.press('x'); await counted(given);
      return lasso;
    """
    found = seen(address, structures(), script, len(landscape.IDS))
    lasso = parse_qs(found["hash"].partition("?")[2])["within"][0]
    axes, _, corners = lasso.partition(":")
    assert axes.split(",")[0] == "density"
    flat = [float(number) for number in corners.split(",")]
    polygon = list(zip(flat[::2], flat[1::2]))
    lowest = min(energy for _, energy, _ in landscape.numbers().values())
    shift = lowest if "relative_energy" in axes else 0.0
    inside = sum(_within(polygon, density, energy - shift) for density, energy, _ in landscape.numbers().values())
    assert 20 < inside < 200 and found["count"] == inside and f"of {inside}" in found["lines"]


def _within(polygon: list[tuple[float, float]], x: float, y: float) -> bool:
    """Whether a point is within a polygon: how often a line to its right crosses an edge."""
    crossings = 0
    for (x1, y1), (x2, y2) in zip(polygon, polygon[1:] + polygon[:1]):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            crossings += 1
    return crossings % 2 == 1


def test_a_structure_is_opened_turned_and_left(address: str, tmp_path: Path) -> None:
    script = """
      await drawn();
      const star = await page.locator('.overlay .star').boundingBox();
      await page.mouse.move(star.x + star.width / 2, star.y + star.height / 2);
      await page.waitForFunction((id) => document.querySelector('.tip-title')?.textContent === id, given.star);
      await page.mouse.click(star.x + star.width / 2, star.y + star.height / 2);
      await named(given.star); await quiet();
      await page.waitForSelector('#structure-panel dd');
      const picture = async () => (await page.locator('.stage').screenshot()).toString('base64');
      const settled = async () => {
        let now = await picture();
        for (;;) {
          await page.waitForTimeout(60);
          const next = await picture();
          if (next === now) return now;
          now = next;
        }
      };
      const first = await settled();
      const box = await page.locator('.stage').boundingBox();
      await page.mouse.move(box.x + 150, box.y + 120); await page.mouse.down();
      await page.mouse.move(box.x + 220, box.y + 150, { steps: 5 }); await page.mouse.up();
      const turned = await settled();
      await page.focus('.stage'); await page.keyboard.press('ArrowLeft');
      const byKey = await settled();
      await page.click('.controls [data-part="cell"]');
      await page.waitForFunction(() => location.hash.includes('drawn='));
      await quiet();
      const bare = await settled();
      await page.click('.controls [data-part="experiment"]');
      await page.waitForFunction(() => document.querySelector('.notes').textContent.includes('of 15'));
      const overlaid = await settled();
      const badges = await text('.badges');
      const notes = await text('.notes');
      await page.click('[data-tab="history"]'); await page.click('[data-tab="files"]');
      const files = await texts('#structure-panel a');
      await page.focus('#structure h2'); await page.keyboard.press('Escape');
      await page.waitForSelector('#structure', { state: 'hidden' });
      return { pictures: [first, turned, byKey, bare, overlaid], badges, notes, files };
    """
    found = seen(address, structures(), script, {"star": landscape.STAR}, size=(900, 640))
    assert len(set(found["pictures"])) == 5, "each step changes the picture"
    assert "the measured crystal" in found["badges"] and "rank 3" in found["badges"]
    assert "15 of 15 molecules match" in found["notes"]
    assert {"cif", "json", "geo"} <= set(found["files"])


def test_the_table_sorts_turns_its_pages_and_is_walked_through(address: str) -> None:
    script = """
      // The crystals themselves are not of interest here, and software takes its time to draw them.
      await page.route('**/api/crystal*', () => undefined);
      await drawn(); await page.waitForSelector('#table tr[data-id]');
      await page.click('#table th button[title="sort by density (g/cm³)"]');
      await page.waitForSelector('#table th[aria-sort="ascending"] button[title^="sort by density"]');
      await page.waitForFunction((id) => document.querySelector('#table tr[data-id]').dataset.id === id, given[0]);
      await page.click('.pager button:text-is("next")');
      await page.waitForFunction((id) => document.querySelector('#table tr[data-id]').dataset.id === id, given[60]);
      await page.click('.pager button:text-is("previous")');
      await page.waitForFunction((id) => document.querySelector('#table tr[data-id]').dataset.id === id, given[0]);
      await page.keyboard.press('j'); await named(given[0]);
      await page.keyboard.press('j'); await named(given[1]);
      await page.keyboard.press('k'); await named(given[0]);
      await page.focus(`#table tr[data-id="${given[58]}"]`); await page.keyboard.press('Enter'); await named(given[58]);
      await page.keyboard.press('ArrowDown'); await named(given[59]);
      // Over the end of the page.
      await page.keyboard.press('ArrowDown'); await named(given[60]);
      return await page.$eval('tr[aria-selected="true"]', (row) => row.dataset.id);
    """
    by_density = sorted(landscape.IDS, key=lambda name: (landscape.numbers()[name][0], name))
    assert seen(address, structures(), script, by_density) == by_density[60]


def test_download_of_what_is_selected(address: str) -> None:
    script = """
      await drawn(); await counted(given);
      await page.click('#download');
      const saving = page.waitForEvent('download');
      await page.click('#download-menu [data-format="csv"]');
      const saved = await saving;
      const lines = [];
      for await (const part of await saved.createReadStream()) lines.push(part.toString());
      return { name: saved.suggestedFilename(), lines: lines.join('').trim().split('\\n').length };
    """
    count = sum(group == 19 for _, _, group in landscape.numbers().values())
    found = seen(address, structures(where="spg:19"), script, count)
    assert found["name"].endswith(".csv") and found["lines"] == 1 + count


def test_dark_keys_and_names_of_everything(address: str) -> None:
    script = """
      await drawn(); await page.waitForSelector('#table tr[data-id]');
      const theme = () => page.evaluate(() =>
        [document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor].join(' '));
      const themes = [await theme()];
      await page.keyboard.press('d'); themes.push(await theme());
      await page.reload(); await drawn(); themes.push(await theme());
      await page.click('#theme'); themes.push(await theme());
      await page.keyboard.press('?');
      const keys = await page.$$eval('#help-list kbd', (all) => all.length);
      await page.keyboard.press('Escape');
      await page.keyboard.press('j'); await page.waitForSelector('#structure [role="tab"]');
      const nameless = await page.$$eval('button, select, input, a[href], [role="img"]', (all) => all.filter((each) => {
        if (!each.checkVisibility() || each.closest('body > div:not([id])')) return false;
        const label = each.getAttribute('aria-label') || each.textContent.trim() || each.title
          || each.labels?.[0]?.textContent.trim();
        return !label;
      }).map((each) => each.outerHTML.slice(0, 120)));
      const all = await page.$$eval('[id]', (some) => some.map((each) => each.id));
      return { themes, keys, nameless, twice: all.filter((id, i) => all.indexOf(id) !== i) };
    """
    found = seen(address, structures(), script, dark=True, reducedMotion="reduce")
    themes = [theme.split()[0] for theme in found["themes"]]
    assert themes == ["dark", "light", "light", "dark"] and len(set(found["themes"])) == 2
    assert found["keys"] >= 12 and found["nameless"] == [] and found["twice"] == []


def test_names_with_markup_stay_text(address: str) -> None:
    script = """
      await page.waitForSelector('.run h2');
      const runs = await texts('.run h2');
      const chips = page.locator('.run').filter({ hasText: given.run }).locator('a.chip');
      await chips.filter({ hasText: given.pool }).click();
      await page.waitForSelector('#table tr[data-id]');
      const names = await ids();
      await page.click('#table tr[data-id] >> nth=0');
      await page.waitForSelector('#structure-panel dt');
      const labels = await texts('#structure-panel dt');
      const made = await page.locator('#runs b b, #structures i, #structures u, img[src="x"], main script').count();
      return { runs, ids: names, labels, made };
    """
    found = seen(address, "", script, {"run": explored.HOSTILE_RUN, "pool": explored.HOSTILE_POOL})
    assert explored.HOSTILE_RUN in found["runs"] and found["made"] == 0
    assert sorted(found["ids"]) == explored.HOSTILE_IDS
    assert "<i>p</i>" in found["labels"]


def test_progress_with_its_failures(address: str) -> None:
    script = """
      await page.waitForSelector('.steps li');
      await page.waitForSelector('#progress tbody tr');
      const again = await page.waitForResponse((answer) => answer.url().includes('/api/run?'));
      return { steps: await texts('.steps strong'),
        funnel: await texts('.funnel-name'),
        failures: await text('#progress tbody'), asked: again.status() };
    """
    found = seen(address, f"#/progress?run={small_run.RUN}", script)
    assert len(found["steps"]) >= 4 and "raw" in found["funnel"]
    assert "attempt" in found["failures"] and found["asked"] in (200, 304)


def test_what_is_not_there_is_said(address: str) -> None:
    script = """
      await page.waitForSelector('.problem-card');
      const unknown = await text('.problem-card p');
      await page.goto(given); await page.waitForSelector('#structure .problem');
      return [unknown, await text('#structure .problem')];
    """
    found: Visit = visit(address + structures("landscap"), HELPERS + script, address + structures(id="nobody"))
    assert "landscap" in found.result[0] and "nobody" in found.result[1]
    assert all("404" in one for one in complaints(found))


def test_a_pool_of_more_points_than_are_sent_is_drawn_as_a_density(address: str) -> None:
    script = """
      await page.route('**/api/about', async (route) => {
        const answer = await route.fetch();
        const about = await answer.json();
        about.limits.points = 100;
        await route.fulfill({ response: answer, json: about });
      });
      await page.reload(); await drawn();
      const box = await page.locator('canvas.heat').boundingBox();
      await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
      await page.waitForFunction(() => location.hash.includes('id=crystal_'));
      return page.evaluate(() => {
        const heat = document.querySelector('canvas.heat');
        const { data } = heat.getContext('2d').getImageData(0, 0, heat.width, heat.height);
        let filled = 0;
        for (let i = 3; i < data.length; i += 4) filled += data[i] > 0;
        return filled;
      });
    """
    found: Visit = visit(address + structures(), HELPERS + script)
    assert complaints(found) == [] and found.result > 100
    assert any("/api/density" in one for one in found.requests)
