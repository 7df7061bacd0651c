"""A report in a real browser: the landscape comes to life, and the page looks after itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import visit
from reports import HOSTILE, MEASURED, searched, small_catalogue
from small_run import IDS, RUN

from genarris_fw.views.report.write import write_report

READY = "await page.waitForSelector('#live[data-ready]');"
# Where a structure lies on the screen: what the page itself says of its view, and the edges of landscape.js.
AT = """
const canvas = page.locator('[data-part=canvas]');
await canvas.scrollIntoViewIfNeeded();
const at = async (density, energy) => {
  const box = await canvas.boundingBox();
  const { x, y } = JSON.parse(await canvas.getAttribute('data-view'));
  return [box.x + 58 + (density - x[0]) / (x[1] - x[0]) * (box.width - 72),
          box.y + box.height - 46 - (energy - y[0]) / (y[1] - y[0]) * (box.height - 58)];
};
const view = async () => JSON.parse(await canvas.getAttribute('data-view'));
const point = (k) => page.evaluate((k) => {
  const pool = window.landscape.pool;
  return [pool.numbers.get('density')[k], pool.numbers.get('energy')[k]];
}, k);
"""


@pytest.fixture(scope="module")
def address(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of the small run's search, as a file."""
    folder = tmp_path_factory.mktemp("page")
    with small_catalogue(mongod, folder) as catalogue:
        searched(catalogue)
        html = write_report(catalogue, RUN, folder / "small.html", "minima").html
    return html.as_uri()


def test_it_loads_without_an_error_and_asks_for_nothing(address: str) -> None:
    seen = visit(address, f"{READY} return [await page.title(), await page.locator('#live').isVisible()];")
    assert seen.errors == [] and seen.requests == [address]
    assert seen.result == [f"{RUN} – report", True]


def test_pointing_at_a_structure_tells_what_is_known_of_it(address: str) -> None:
    script = f"""{READY} {AT}
    const [x, y] = await at(...await point(3));
    await page.mouse.move(x, y);
    const tip = await page.locator('[data-part=tip]').innerText();
    await page.mouse.click(x, y);
    const said = await page.locator('[data-part=said]').innerText();
    await page.mouse.move(5, 5);
    return [tip, said, await page.locator('[data-part=tip]').isVisible(),
            await page.locator('[data-part=said] a').getAttribute('href')];"""
    seen = visit(address, script)
    tip, said, visible, link = seen.result
    assert IDS[3] in tip and "relative energy: 5.79 kJ/mol" in tip and "space group: 19 P212121" in tip
    assert IDS[3] in said and "4 of 12 by energy" in said.replace("\n", " ")
    assert link == "#best-4" and not visible and seen.errors == []


def test_the_wheel_and_the_buttons_change_the_scale_and_dragging_moves(address: str) -> None:
    script = f"""{READY} {AT}
    const whole = await view();
    const box = await canvas.boundingBox();
    const middle = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(...middle);
    await page.mouse.wheel(0, -240);
    await page.waitForTimeout(200);
    const unasked = await view();
    await canvas.scrollIntoViewIfNeeded();
    await canvas.focus();
    const again = await canvas.boundingBox();
    await page.mouse.move(again.x + again.width / 2, again.y + again.height / 2);
    await page.mouse.wheel(0, -60);
    await page.waitForFunction((w) => document.querySelector('[data-part=canvas]').dataset.view !== w,
                               JSON.stringify(whole));
    const closer = await view();
    await page.mouse.down();
    await page.mouse.move(again.x + again.width / 2 + 80, again.y + again.height / 2, {{ steps: 4 }});
    await page.mouse.up();
    const moved = await view();
    await page.click('[data-part=closer]');
    const button = await view();
    await page.click('[data-part=whole]');
    return {{ whole, unasked, closer, moved, button, end: await view() }};"""
    seen = visit(address, script)
    width = {name: view["x"][1] - view["x"][0] for name, view in seen.result.items()}
    assert seen.result["unasked"] == seen.result["whole"] == seen.result["end"]
    assert width["closer"] < 0.9 * width["whole"] and width["button"] < 0.7 * width["moved"]
    assert width["moved"] == pytest.approx(width["closer"])
    assert seen.result["moved"]["x"][0] < seen.result["closer"]["x"][0]
    assert seen.errors == []


def test_colours_groups_and_pools_are_chosen(address: str) -> None:
    script = f"""{READY} {AT}
    const legend = () => page.locator('[data-part=legend] button').allInnerTexts();
    const drawn = () => canvas.getAttribute('data-drawn');
    const colors = () => page.locator('[data-part=color] option').allInnerTexts();
    const pixels = () => page.evaluate(() => document.querySelector('[data-part=canvas]').toDataURL());
    const groups = await legend(), names = await colors(), first = await pixels();
    await page.locator('[data-part=legend] button').first().click();
    const fewer = await drawn(), pressed = await page.locator('[data-part=legend] button').first()
      .getAttribute('aria-pressed');
    await page.selectOption('[data-part=color]', 'cluster');
    const clusters = await legend(), all = await drawn();
    await page.selectOption('[data-part=color]', 'hits');
    const scale = await page.locator('[data-part=legend]').innerText(), last = await pixels();
    await page.selectOption('[data-part=across]', 'volume');
    const across = (await view()).x[0];
    await page.selectOption('[data-part=pool]', '1');
    const other = await drawn();
    return {{ groups, names, fewer, pressed, clusters, all, scale, across, other, same: first === last }};"""
    seen = visit(address, script)
    found = seen.result
    assert [" ".join(words.split()) for words in found["groups"]] == [
        "2 P-1 3",
        "14 P21/c 3",
        "19 P212121 3",
        "113 P-421m 3",
    ]
    assert found["names"] == ["space group", "cluster", "Z′", "density", "volume", "hits"]
    assert (found["fewer"], found["pressed"], found["all"], found["other"]) == ("9", "false", "12", "2")
    assert [words.split()[0] for words in found["clusters"]] == ["0", "1", "2", "3"]
    assert "1 – 34 draws" in found["scale"] and "★ the measured crystal" in found["scale"]
    assert found["across"] > 50 and not found["same"] and seen.errors == []


def test_the_keyboard_reaches_everything(address: str) -> None:
    script = f"""{READY} {AT}
    const said = async () => (await page.locator('[data-part=said]').innerText()).split('\\n');
    await canvas.focus();
    await page.keyboard.press('ArrowRight');
    const first = await said();
    await page.keyboard.press('ArrowRight');
    const second = await said();
    await page.keyboard.press('e');
    const measured = await said();
    await page.keyboard.press('Enter');
    const row = await page.evaluate(() => document.activeElement.id);
    await canvas.focus();
    const before = await view();
    await page.keyboard.press('+');
    await page.keyboard.press('Shift+ArrowRight');
    const closer = await view();
    await page.keyboard.press('0');
    const after = await view();
    await page.keyboard.press('Escape');
    const nothing = await said();
    await page.fill('[data-part=find]', '{IDS[7][-6:]}');
    await page.press('[data-part=find]', 'Enter');
    const found = await said();
    await page.fill('[data-part=find]', 'nobody');
    await page.press('[data-part=find]', 'Enter');
    return {{ first, second, measured, row, before, closer, after, nothing, found, none: await said() }};"""
    seen = visit(address, script)
    found = seen.result
    assert IDS[0] in found["first"] and IDS[1] in found["second"] and MEASURED in found["measured"]
    assert found["row"] == "best-5" and IDS[7] in found["found"]
    assert found["closer"] != found["before"] == found["after"]
    assert "".join(found["nothing"]).strip() == "" and found["none"] == ["no structure here is called nobody"]
    assert seen.errors == []


def test_tables_are_sorted_by_their_heads(address: str) -> None:
    script = """
    const column = async (k) => page.locator(`#best tbody tr td:nth-child(${k})`).allInnerTexts();
    await page.click('#best th button:has-text("density")');
    const k = await page.evaluate(() => document.querySelector('#best th[aria-sort]').cellIndex + 1);
    const up = await column(k);
    await page.click('#best th button:has-text("density")');
    return [up, await column(k), await column(1)];"""
    seen = visit(address, script)
    up, down, ranks = seen.result
    assert [float(x) for x in up] == sorted(float(x) for x in up) and down == up[::-1]
    assert sorted(map(int, ranks)) == list(range(1, 13)) and seen.errors == []


def test_hostile_words_are_shown_and_do_nothing(address: str) -> None:
    script = f"""{READY}
    for (const one of await page.locator('details').all()) await one.evaluate((e) => {{ e.open = true; }});
    return [await page.title(), await page.locator('#failures').innerText(), await page.locator('img').count()];"""
    seen = visit(address, script)
    assert seen.result[0] == f"{RUN} – report" and HOSTILE in seen.result[1] and seen.result[2] == 0
    assert seen.errors == []


@pytest.mark.parametrize("dark", [False, True])
def test_it_is_light_or_dark_as_the_reader_prefers(address: str, dark: bool) -> None:
    script = f"""{READY} {AT}
    const luminance = (color) => color.match(/[\\d.]+/g).slice(0, 3).reduce((sum, one) => sum + Number(one), 0) / 765;
    const of = (what, name) => page.locator(what).first().evaluate((e, name) => getComputedStyle(e)[name], name);
    return [luminance(await of('body', 'backgroundColor')), luminance(await of('body', 'color')),
            luminance(await of('#figure-volumes svg text', 'fill'))];"""
    seen = visit(address, script, dark=dark)
    page, ink, letters = seen.result
    assert (page < 0.2 and ink > 0.8 and letters > 0.8) if dark else (page > 0.8 and ink < 0.3 and letters < 0.3)
    assert seen.errors == []


def test_on_paper_the_drawn_landscape_stands_in(address: str) -> None:
    script = f"""{READY}
    const shown = async () => [await page.locator('#live').isVisible(), await page.locator('.drawn').isVisible()];
    const screen = await shown();
    await page.emulateMedia({{ media: 'print', colorScheme: 'dark' }});
    const ink = await page.locator('body').evaluate((e) => getComputedStyle(e).color);
    return [screen, await shown(), ink, await page.locator('nav').isVisible()];"""
    seen = visit(address, script, dark=True)
    assert seen.result == [[True, False], [False, True], "rgb(31, 41, 51)", False]


def test_without_javascript_everything_else_is_there(address: str) -> None:
    script = "return [await page.locator('.drawn').isVisible(), await page.locator('#best tbody tr').count()];"
    seen = visit(address, script, javaScriptEnabled=False)
    assert seen.result == [True, 12]


def test_a_small_screen_is_not_scrolled_sideways(address: str) -> None:
    script = f"{READY} return page.evaluate(() => document.documentElement.scrollWidth);"
    assert visit(address, script, size=(380, 800)).result <= 380


def test_a_report_without_points_has_no_error(mongod: str, tmp_path: Path) -> None:
    with small_catalogue(mongod, tmp_path) as catalogue:
        catalogue.structures.collection.update_many({}, {"$unset": {"energies": ""}})
        html = write_report(catalogue, RUN, tmp_path / "r.html", "raw").html
    seen = visit(html.as_uri(), "return page.locator('#landscape').innerText();")
    assert "no energies" in seen.result and seen.errors == []
