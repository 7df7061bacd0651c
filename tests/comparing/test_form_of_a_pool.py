"""A pool is compared in the form of its whole crystals, though the first of them are torn."""

from __future__ import annotations

import pytest
from in_process import waters

from genarris_fw.comparing.pool import compare_pool
from genarris_fw.crystal import Structure
from genarris_fw.errors import InputError


def torn(structure: Structure, name: str) -> Structure:
    """One hydrogen far from its oxygen, as a relaxation may leave it."""
    points = structure.positions.copy()
    points[1] = points[0] + 0.5 * structure.cell[0] + 0.25 * structure.cell[1]
    return Structure(structure.cell, structure.species, points, dict(structure.properties), name)


def test_torn_structures_come_first() -> None:
    pool = waters(6)
    broken = [torn(one, f"a_{one.struct_id}") for one in pool[:2]]
    found = compare_pool([*broken, *pool], pool[4])
    assert found.found is not None and found.found.struct_id == pool[4].struct_id
    assert found.remarks[-1] == "2 of 8 structures are of other molecules, or bonded otherwise: not compared"
    assert any("compared by the other atoms" in remark for remark in compare_pool(broken, pool[4]).remarks)


def test_what_holds_no_crystal_is_refused() -> None:
    [water] = waters(1)
    with pytest.raises(InputError, match="has no structures to compare"):
        compare_pool([], water)
    with pytest.raises(InputError, match="holds molecules, not crystals"):
        compare_pool([Structure(None, water.species[:3], water.positions[:3])], water)
