"""The report of a run: what stands in it, that nothing in it comes from elsewhere, and that names are only text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from command_line import call
from hypothesis import given, settings
from hypothesis import strategies as st
from reports import HOSTILE, MEASURED, SEARCH, searched, small_catalogue
from small_run import CHILDREN, EXEMPLARS, IDS, RUN, crystal

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.schema import check_schema
from genarris_fw.crystal import Molecule, Structure
from genarris_fw.errors import InputError
from genarris_fw.pictures.of_pools import PoolData
from genarris_fw.pools.documents import to_document
from genarris_fw.pools.exporting import last_pool
from genarris_fw.views.report.content import Content
from genarris_fw.views.report.inline import inlined
from genarris_fw.views.report.page import page
from genarris_fw.views.report.points import Points, packed, points_of
from genarris_fw.views.report.tables import Section, Text, plain_table
from genarris_fw.views.report.thumbnails import MOST_ATOMS, drawing
from genarris_fw.views.report.write import Report, write_report

# All that a report is made of; SVG's own elements follow.
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "script", "a", "header", "main", "nav", "footer", "section"),
    *(
        "p",
        "h1",
        "h2",
        "h3",
        "span",
        "div",
        "dl",
        "dt",
        "dd",
        "ul",
        "li",
        "figure",
        "figcaption",
        "pre",
        "code",
        "small",
    ),
    *(
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "button",
        "label",
        "select",
        "input",
        "canvas",
        "details",
        "summary",
    ),
}
SVG = {
    "svg",
    "g",
    "path",
    "line",
    "circle",
    "rect",
    "defs",
    "use",
    "clippath",
    "image",
    "text",
    "tspan",
    "style",
    "polygon",
}


class Reader(HTMLParser):
    """Elements, attributes, and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self.within = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.within = tag
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "action", "data", "srcset"):
                self.links.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
            if name == "id":
                self.ids.append(value or "")

    def handle_data(self, data: str) -> None:
        if self.within not in ("script", "style"):
            self.text.append(data)


def told(html: str) -> str:
    return " ".join(" ".join(Reader(html).text).split())


@pytest.fixture(scope="module")
def written(mongod: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Report, str]]:
    """The report of a search's pool."""
    folder = tmp_path_factory.mktemp("report")
    with small_catalogue(mongod, folder) as catalogue:
        searched(catalogue)
        made = write_report(catalogue, RUN, folder / "out" / "small.html", "minima")
        yield made, made.html.read_text(encoding="utf-8")


def test_the_pictures_lie_beside_it_in_both_formats(written: tuple[Report, str]) -> None:
    made, _ = written
    assert made.folder == made.html.with_suffix("") and made.pool == "minima"
    assert {path.parent for path in made.pictures} == {made.folder}
    names = {path.stem for path in made.pictures}
    assert {path.name for path in made.folder.iterdir()} == {
        f"{name}.{kind}" for name in names for kind in ("png", "svg")
    }
    assert names >= {"funnel", "landscape", "landscape_by_cluster", "z_primes", "hits", "minima_volumes"}
    assert names >= {"minima_densities", "minima_space_groups", "minima_map_by_cluster", "minima_distances_by_cluster"}
    assert made.left_out == {}


def test_nothing_comes_from_elsewhere(written: tuple[Report, str]) -> None:
    _, html = written
    read = Reader(html)
    assert all(link.startswith(("#", "data:")) for link in read.links), read.links
    # Names of XML's spaces are no addresses: nothing else looks like one.
    rest = re.sub(r'(xmlns(:\w+)?=")http://www\.w3\.org/[^"]*', "", html)
    assert "http://" not in rest and "https://" not in rest and "@import" not in rest
    script = re.search(r"<script>(.*)</script>", html, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html.replace("&#39;", "'")
    assert "default-src 'none'" in html.replace("&#39;", "'")


def test_html_in_names_and_errors_is_text(written: tuple[Report, str]) -> None:
    _, html = written
    read = Reader(html)
    assert read.elements <= ELEMENTS | SVG, read.elements - ELEMENTS - SVG
    assert read.handlers == []
    assert "<img" not in html and told(html).count(HOSTILE) >= 5  # reason, error, host, option, ui.conf


def test_ids_are_unique_and_links_lead_somewhere(written: tuple[Report, str]) -> None:
    read = Reader(written[1])
    assert len(read.ids) == len(set(read.ids)), [name for name in read.ids if read.ids.count(name) > 1]
    assert {link[1:] for link in read.links if link.startswith("#")} <= set(read.ids)
    wanted = set(re.findall(r"url\(#([^)]*)\)", written[1]))
    assert wanted <= set(read.ids)


def test_what_it_says(written: tuple[Report, str]) -> None:
    text = told(written[1])
    assert "12 minima within the window, of 14.5 estimated (95 % interval 12.0 to 20.2), 83 % complete" in text
    assert "4,321 draws in 2 rounds, 1,000 minimised" in text
    assert f"★ {MEASURED}" in text and "RMSD 0.25 Å" in text
    assert f"{MEASURED} 5 8 7.70 0.25 15 of 20 0.99 " in text and "disorder: the largest part" in text
    assert "1 work item given up" in text
    assert "not over" in text and "run_fhi_aims_batch is at work" in text
    assert "version of genarris_fw 0.1.0" in text and "seed 7" in text
    lowest = re.search(r'id="best-1".*?</tr>', written[1], re.DOTALL)
    assert lowest is not None and IDS[0] in lowest[0] and "<svg" in lowest[0] and "2 P-1" in lowest[0]
    assert written[1].count('class="crystal"') == 12 + 1  # and the molecule


def unpacked(about: dict[str, object]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], list[str]]:
    """What decode.js does."""
    data, at, n = zlib.decompress(base64.b64decode(str(about["data"]))), 0, int(str(about["n"]))
    numbers, groups = {}, {}
    for name in about["numbers"]:  # type: ignore[attr-defined]
        numbers[name] = np.frombuffer(data, "<f4", n, at)
        at += 4 * n
    for name, _ in about["groups"]:  # type: ignore[attr-defined]
        groups[name] = np.frombuffer(data, "<u2", n, at)
        at += -(-2 * n // 4) * 4
    return numbers, groups, json.loads(data[at:])


def test_the_points_of_the_landscape(written: tuple[Report, str]) -> None:
    given_points = re.search(r'id="points">(.*?)</script>', written[1], re.DOTALL)
    assert given_points is not None
    found = json.loads(given_points[1])
    assert [(one["name"], one["n"]) for one in found["pools"]] == [("minima", 12), ("relaxed", 2)]
    about = found["pools"][0]
    numbers, groups, ids = unpacked(about)
    assert ids == IDS and about["experiment"] == IDS.index(MEASURED)
    np.testing.assert_allclose(numbers["energy"], 0.02 * 96.48533212331 * np.arange(12), atol=1e-4)
    np.testing.assert_array_equal(numbers["hits"], 1 + 3 * np.arange(12))
    crystals = [crystal(number, name) for number, name in enumerate(IDS)]
    np.testing.assert_allclose(numbers["density"], [one.density for one in crystals], rtol=1e-6)
    np.testing.assert_allclose(numbers["volume"], [one.cell_volume / 2 for one in crystals], rtol=1e-6)
    names = dict(about["groups"])["space group"]
    assert [names[k] for k in groups["space group"]][:4] == ["2 P-1", "14 P21/c", "113 P-421m", "19 P212121"]
    assert found["rows"][IDS[0]] == "best-1"


texts = st.text(max_size=30)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(texts, st.floats(-1e6, 1e6, width=32) | st.just(float("nan"))), min_size=1, max_size=20),
    st.lists(texts, min_size=1, max_size=4),
)
def test_points_come_back_as_they_were(rows: list[tuple[str, float]], names: list[str]) -> None:
    ids, values = [name for name, _ in rows], np.array([value for _, value in rows])
    index = (np.arange(len(rows)) % len(names)).astype(np.uint16)
    about = packed(Points("pool", 40, ids, {"energy": values, "density": values + 1}, {"group": (names, index)}, 0))
    numbers, groups, found = unpacked(json.loads(json.dumps(about)))
    assert found == ids and about["groups"] == [["group", names]]
    np.testing.assert_array_equal(numbers["energy"], values.astype(np.float32))
    np.testing.assert_array_equal(groups["group"], index)


hostile = st.one_of(st.just(HOSTILE), st.text(alphabet="<>&'\"/=!-[]abcscriptsvgonload \n", max_size=40), texts)


def bare(run: str = RUN, **about: object) -> Content:
    state = {
        **{"run": run, "state": "finished", "created": "2026-01-02T03:04:05+00:00", "seconds": 5.0, "folder": "/f"},
        **{"failure": None, "steps": [], "hosts": [], "quarantined": [], "pools": {}},
    }
    return Content(run, {"_id": run}, state | about, [])  # type: ignore[typeddict-item]


@settings(deadline=None, max_examples=80)
@given(hostile, hostile, hostile, hostile)
def test_no_text_becomes_an_element(run: str, cell: str, words: str, text: str) -> None:
    section = Section("stages", words, [words], tables=[plain_table(cell, [words], [[cell]])], texts=[Text(cell, text)])
    found = bare(run, failure=words, state="failed")
    names = [run, cell, text]
    found.landscapes = [Points(run, 3, names, {"energy": np.zeros(3)}, {words: (names, np.zeros(3, np.uint16))})]
    found.pool = PoolData(run, cell, names, np.ones(3), [{}, {}, {}])
    read = Reader(page(found, [section], words))
    assert read.elements <= ELEMENTS | SVG and read.handlers == []
    assert all(link.startswith("#") for link in read.links)
    written = page(found, [section], words)
    data = re.search(r'id="points">(.*?)</script>', written, re.DOTALL)
    assert data is not None and unpacked(json.loads(data[1])["pools"][0])[2] == names


@settings(deadline=None, max_examples=40)
@given(hostile)
def test_titles_of_drawings_and_pictures_are_text(title: str) -> None:
    drawn = drawing(crystal(1, "one"), title)
    picture = inlined('<?xml version="1.0"?><svg width="72pt" viewBox="0 0 1 1"><g id="a"/></svg>', "x", title)
    for svg in (drawn, picture):
        assert Reader(svg).elements <= SVG and Reader(svg).handlers == []


# Drawings


def test_a_drawing_holds_whole_molecules_and_the_cell() -> None:
    svg = drawing(crystal(3, "one"), "a cell")
    assert svg.count("<circle") == 6 and svg.count('class="cell"') == 12
    assert svg.count("<line") == 12 + 2 * 4  # two bonds in each of two molecules, each in two colours
    places = [float(x) for x in re.findall(r'(?:cx|cy|x1|y1)="(-?[\d.]+)"', svg)]
    assert min(places) >= 0 and max(places) <= 132


def test_a_drawing_does_not_depend_on_where_the_molecules_lie() -> None:
    one = crystal(3, "one")
    positions = one.positions.copy()
    positions[:3] += one.lattice[0] - 2 * one.lattice[2]  # type: ignore[index]
    assert drawing(Structure(one.lattice, one.species, positions, one.properties, "one"), "x") == drawing(one, "x")


def test_molecules_single_atoms_and_what_is_too_large() -> None:
    molecule = Molecule(["C", "O", "O"], [[0, 0, 0], [0, 0, 1.16], [0, 0, -1.16]]).to_structure()
    assert drawing(molecule, "m").count("<circle") == 3 and "cell" not in drawing(molecule, "m")
    assert "<circle" in drawing(Structure(None, ["Ar"], np.zeros((1, 3)), {}, ""), "atom")
    many = Structure(
        np.eye(3) * 99, ["Ar"] * (MOST_ATOMS + 1), np.random.default_rng(0).uniform(0, 99, (601, 3)), {}, ""
    )
    assert drawing(many, "m") == ""
    chain = Structure(np.diag([1.5, 9, 9]), ["C"], np.zeros((1, 3)), {}, "chain")
    assert drawing(chain, "a bond without end") == ""


# Pictures on the page


def test_pictures_take_the_pages_colours_and_keep_their_ids_apart() -> None:
    svg = (
        '<?xml version="1.0"?>\n<svg width="360pt" viewBox="0 0 1 1"><metadata>when</metadata><defs>'
        '<clipPath id="p1"/></defs><path id="a" style="fill: #262626; stroke: #C8511B" clip-path="url(#p1)"/>'
        "<text style=\"font: 9px 'DejaVu Sans', Arial, sans-serif; fill: #262626\">#262626</text></svg>"
    )
    found = inlined(svg, "one", "a picture")
    assert 'id="one-p1"' in found and "url(#one-p1)" in found and "when" not in found
    assert "fill: var(--ink); stroke: var(--set-1)" in found
    assert "font: 9px var(--letters); fill: var(--ink)" in found and ">#262626<" in found
    assert "max-width: 450px" in found and 'class="picture"' in found
    assert 'class="picture pixels"' in inlined(svg.replace("<defs>", '<image href="data:,"/><defs>'), "x", "t")


# What is not there


def test_the_pool_of_the_last_step_is_taken_and_its_parents_are_named(catalogue: Catalogue, tmp_path: Path) -> None:
    made = write_report(catalogue, RUN, tmp_path / "r.html")
    text = told(made.html.read_text())
    assert made.pool == "relaxed" and "energies_before_and_after" in {path.stem for path in made.pictures}
    assert f"{CHILDREN[0]} from {EXEMPLARS[0]}" in text
    assert SEARCH not in text and "Search" not in text and "Experiment" not in text


def test_without_energies_it_says_so_and_shows_the_densities(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.structures.collection.update_many({}, {"$unset": {"energies": ""}})
    made = write_report(catalogue, RUN, tmp_path / "r.html", "raw")
    text = told(made.html.read_text())
    assert "Pool raw: no energies, so there is no landscape of it" in text
    assert "There are no energies; the 12 densest structures in pool raw" in text
    assert "raw_densities" in {path.stem for path in made.pictures} and 'id="points"' not in made.html.read_text()
    dense = max((crystal(number, name) for number, name in enumerate(IDS)), key=lambda one: one.density)
    first = re.search(r'id="best-1".*?</tr>', made.html.read_text(), re.DOTALL)
    assert first is not None and dense.struct_id in first[0]


def test_of_molecules_alone_there_are_drawings(catalogue: Catalogue, tmp_path: Path) -> None:
    molecule = Molecule(["C", "O", "O"], [[0, 0, 0], [0, 0, 1.16], [0, 0, -1.16]]).to_structure("lone")
    catalogue.structures.insert_missing(RUN, [to_document(molecule, 1)])
    catalogue.structures.replace_pool(RUN, "conformers", ["lone"])
    made = write_report(catalogue, RUN, tmp_path / "r.html", "conformers")
    text = told(made.html.read_text())
    assert "neither energies nor densities are known" in text and "lone" in text
    assert "minima_densities" not in {path.stem for path in made.pictures} and made.left_out["landscape"]


def test_a_run_that_has_made_nothing_yet(empty: Catalogue, tmp_path: Path) -> None:
    empty.runs.create("young", {"options": {"steps": []}, "folder": str(tmp_path), "seed": 1}, begun_by=1)
    made = write_report(empty, "young", tmp_path / "r.html")
    text = told(made.html.read_text())
    assert "No step has left structures yet" in text and "not over" in text
    assert made.pool == "" and made.pictures == [] and "no stage has left structures" in made.left_out["funnel"]


def test_a_run_that_is_over_and_made_no_structures(empty: Catalogue, tmp_path: Path) -> None:
    """It was no search for crystals, and has nothing to say of structures."""
    empty.runs.create("over", {"options": {"steps": []}, "folder": str(tmp_path), "seed": 1}, begun_by=1)
    empty.runs.set("over", state="finished")
    made = write_report(empty, "over", tmp_path / "r.html")
    text = told(made.html.read_text())
    assert "Report of a run" in text and "structures" not in text and made.left_out == {}
    with pytest.raises(InputError, match="run 'over' has no pool: none of its steps made structures"):
        last_pool(empty, "over")


def test_a_run_that_failed_says_so_first(catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue.runs.failed(RUN, "run_fhi_aims_batch", "the disk is full")
    html = write_report(catalogue, RUN, tmp_path / "r.html").html.read_text()
    assert "This run failed: the disk is full" in told(html) and "notice bad" in html


def test_a_pool_of_one_structure_and_structures_of_which_little_is_known(catalogue: Catalogue, tmp_path: Path) -> None:
    document = to_document(crystal(1, "bare"), 0)
    document["properties"] = {}
    catalogue.structures.insert_missing(RUN, [document])
    catalogue.structures.replace_pool(RUN, "one", ["bare"])
    made = write_report(catalogue, RUN, tmp_path / "r.html", "one")
    assert "bare" in told(made.html.read_text())


@pytest.mark.parametrize("pool", ["raw", "exemplars"])
def test_the_same_run_gives_the_same_points(catalogue: Catalogue, pool: str) -> None:
    from genarris_fw.views.gathering import gather

    first, second = (points_of(gather(catalogue, RUN, pool)) for _ in range(2))
    assert first is not None and second is not None and packed(first) == packed(second)
    assert len(first.ids) == 4 and first.of == (12 if pool == "raw" else 4)


# The command


@pytest.fixture
def current(catalogue: Catalogue) -> Catalogue:
    """The small run's catalogue as a command that writes has left it: it says its version."""
    check_schema(catalogue.database)
    return catalogue


def test_the_command(
    current: Catalogue,
    database_uri: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call(capsys, "report", "--uri", database_uri, "--json")
    assert done.code == 0 and done.json["html"] == f"{RUN}_report.html" and done.json["pool"] == "relaxed"
    assert all((tmp_path / path).is_file() for path in [done.json["html"], *done.json["pictures"]])
    again = call(capsys, "report", RUN, "--uri", database_uri)
    assert again.code == 2 and "is there already; --force replaces it" in again.err and again.err.count("\n") == 1
    (tmp_path / f"{RUN}_report" / "gone.png").write_text("of a former report")
    (tmp_path / f"{RUN}_report" / "notes.txt").write_text("mine")
    forced = call(capsys, "report", RUN, "--uri", database_uri, "--force", "--pool", "energies")
    assert forced.code == 0 and forced.out.startswith(f"report of run '{RUN}': {RUN}_report.html, ")
    assert not (tmp_path / f"{RUN}_report" / "gone.png").exists()
    assert (tmp_path / f"{RUN}_report" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "ureia"), "no run 'ureia' in this database"),
        (("report", RUN, "--pool", "nothing"), "no pool 'nothing' in run 'urea'; its pools: clusters, energies"),
        (("report", RUN, "--output", "r.txt"), "r.txt: a report is a file that ends in .html"),
        (("report", RUN, "--output", "a/file/r.html"), "a/file: cannot be written (File exists)"),
        (("report", RUN, "--output", "folder.html"), "folder.html: is there already, and is no ordinary file"),
        (("report", RUN, "--output", "taken.html", "--force"), "taken: is no folder; the pictures of taken.html"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    words: tuple[str, ...],
    said: str,
    current: Catalogue,
    database_uri: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_text("")
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "taken").write_text("")
    done = call(capsys, *words, "--uri", database_uri)
    assert done.code == 2 and said in done.err and done.err.count("\n") == 1, done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "folder.html", "taken"]


def test_two_runs_and_none_named(
    current: Catalogue, database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    current.runs.create("other", {"options": {"steps": []}, "folder": str(tmp_path)}, begun_by=2)
    done = call(capsys, "report", "--uri", database_uri)
    assert done.code == 2 and "which run?" in done.err


def test_an_unknown_run_writes_nothing(current: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run"):
        write_report(current, "nobody", tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []
