"""Two crystals laid upon each other: as molecules, as a file, as a picture."""

import math
from pathlib import Path

import ase.io
import numpy as np
import pytest
from planted import n_atoms, pool, turned

from genarris_fw.comparing.cluster_match import Tolerances
from genarris_fw.comparing.experiment import without_hydrogens
from genarris_fw.comparing.overlay import Overlay, format_overlay, overlay
from genarris_fw.pictures.overlay import FIRST, NO_COUNTERPART, SECOND, overlay_picture
from genarris_fw.pictures.saving import save

WITHIN_1 = Tolerances(distance=math.inf, angle=180.0, farthest=1.0)  # Å


def laid(name: str = "glycine", noise: float = 0.03, **words) -> Overlay:
    crystal = pool(name)[1]
    other = turned(crystal, np.random.default_rng(3), noise, **words)
    other.struct_id = "predicted"
    return overlay(crystal, other)


def apart(found: Overlay, heavy: bool = True) -> float:
    """RMSD of the molecules that match, from their positions: the atoms of both in the same order by the nearest."""
    squares = []
    for one, other in zip(found.first, found.second):
        assert one.matched == other.matched and sorted(one.species) == sorted(other.species)
        if not one.matched:
            continue
        for element in set(one.species) - ({"H"} if heavy else set()):
            here = one.positions[[name == element for name in one.species]]
            there = other.positions[[name == element for name in other.species]]
            squares += (np.linalg.norm(here[:, None] - there, axis=2).min(axis=1) ** 2).tolist()
    return float(np.sqrt(np.mean(squares)))


@pytest.mark.parametrize("words", [{}, {"mirror": True}, {"by_molecule": False, "repeat": (1, 2, 1)}])
def test_molecules_lie_where_the_match_says(words: dict) -> None:
    found = laid(**words)
    assert (len(found.first), len(found.second), found.match.matched) == (15, 15, 15)
    assert found.match.mirrored == bool(words.get("mirror")) or found.match.rmsd < 0.1
    assert apart(found) == pytest.approx(found.match.rmsd, abs=1e-6)
    assert {len(one.bonds) for one in (*found.first, *found.second)} == {9}  # of glycine


@pytest.mark.parametrize("name", ["urea", "benzene"])
def test_what_matches_within_one_angstrom_does(name: str) -> None:
    crystals = pool(name)[:4]
    for one in crystals:
        for other in crystals:
            found = overlay(one, other, WITHIN_1)
            assert sum(each.matched for each in found.first) == found.match.matched
            assert apart(found) <= found.match.rmsd + 1e-6 <= 1.0
            # What has no counterpart is drawn beside the nearest that is left; no molecule is drawn twice.
            centres = np.array([each.positions.mean(axis=0) for each in found.second])
            assert len(found.second) == 15
            assert np.linalg.norm(centres[:, None] - centres, axis=2)[~np.eye(15, dtype=bool)].min() > 1.0


def test_the_file_opens_in_other_programs(tmp_path: Path) -> None:
    found = laid(noise=0.05)
    file = tmp_path / "overlay.cif"
    file.write_text(format_overlay(found))
    both, first, second = ase.io.read(file, ":", format="cif")
    atoms = 15 * n_atoms(pool("glycine")[1])
    assert (len(first), len(second)) == (atoms, atoms)
    assert 1.9 * atoms < len(both) <= 2 * atoms  # ASE takes atoms that lie on each other for one
    np.testing.assert_allclose(first.cell.array, second.cell.array)
    mine = np.concatenate([one.positions for one in found.first])
    moved = first.get_positions() - first.get_positions()[0]
    np.testing.assert_allclose(moved, mine - mine[0], atol=2e-4)
    text = file.read_text()
    assert "A (disorder group 1) is" in text and "B (disorder group 2) is predicted" in text


def test_the_picture_has_both_colours(tmp_path: Path) -> None:
    import matplotlib.colors

    figure = overlay_picture(laid())
    assert figure._suptitle is not None and figure._suptitle.get_text().startswith("15 of 15 molecules, RMSD 0.0")
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["first (measured)", "predicted"]
    assert [line.get_color() for line in legend.get_lines()] == [FIRST, SECOND]
    for axes in figure.axes:
        [lines] = axes.collections
        assert len(lines.get_segments()) == 2 * 15 * 9
        nearest = {matplotlib.colors.to_hex(colour) for colour in lines.get_colors()[-5:]}
        assert nearest  # the nearest bonds have their own colours, the farther ones fade
    files = save(figure, tmp_path / "overlay", ["png", "svg"])
    assert all(file.stat().st_size > 10_000 for file in files)


def test_molecules_without_counterparts_are_pale() -> None:
    one, other = pool("urea")[:2]
    figure = overlay_picture(overlay(one, other))
    [legend] = figure.legends
    assert [line.get_color() for line in legend.get_lines()] == [FIRST, SECOND, *NO_COUNTERPART]
    assert legend.get_texts()[2].get_text() == "measured, no counterpart"


def test_heavy_atoms_alone_are_drawn_too() -> None:
    crystal = without_hydrogens(pool("glycine")[1])
    found = overlay(crystal, turned_heavy(crystal), Tolerances(20))
    assert found.match.is_full and len(found.first) == 20
    assert {name for one in found.second for name in one.species} == {"C", "N", "O"}


def turned_heavy(crystal):
    other = turned(crystal, np.random.default_rng(2))
    other.properties.clear()
    return other
