"""Structures to documents and back, and ids that depend on names and numbers alone."""

from __future__ import annotations

from pathlib import Path

import bson
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genarris_fw.crystal import Structure
from genarris_fw.errors import EngineError
from genarris_fw.pools.documents import from_document, plain, to_document
from genarris_fw.procedures.kit.energies import own_folder
from genarris_fw.procedures.kit.generation_plan import struct_id
from genarris_fw.procedures.run_fhi_aims_batch import child_id

lengths = st.floats(3, 30, allow_nan=False)


@given(lengths, lengths, lengths, st.lists(st.tuples(*[st.floats(-50, 50)] * 3), min_size=1, max_size=6))
def test_round_trip_is_exact(a: float, b: float, c: float, points: list) -> None:
    structure = Structure([[a, 0, 0], [1, b, 0], [0, 1, c]], ["C"] * len(points), points, {"spg": 2}, "geometry_x")
    stored = bson.decode(bson.encode(to_document(structure, 2)))
    back = from_document(stored)
    assert np.array_equal(back.lattice, structure.lattice)
    assert np.array_equal(back.positions, structure.positions)
    assert back.struct_id == "geometry_x" and back.properties["spg"] == 2
    assert stored["properties"]["cell_vol"] == pytest.approx(a * b * c)
    assert stored["properties"]["density"] == pytest.approx(structure.density)


def test_a_molecule_has_no_cell() -> None:
    document = to_document(Structure(None, ["H", "H"], [[0, 0, 0], [0, 0, 0.74]], struct_id="m"), 1)
    assert document["geometry"]["lattice"] is None and "cell_vol" not in document["properties"]
    assert from_document(document).lattice is None


def test_plain_values_only() -> None:
    value = {"a": np.float64(1.5), 2: (np.int32(3), float("nan")), "v": np.arange(3), "t": np.bool_(True)}
    assert plain(value) == {"a": 1.5, "2": [3, None], "v": [0, 1, 2], "t": True}
    assert type(plain(value)["t"]) is bool


def test_ids_are_stable_and_distinct() -> None:
    assert struct_id("urea", "d", 113, "2c", 7) == "geometry_b5a7670d93de9477"
    words = [
        ("urea", "d", 113, "2c", 7),
        ("urea", "d", 113, "2c", 8),
        ("urea", "d", 11, "2c", 7),
        ("u", "d", 113, "2c", 7),
    ]
    assert len({struct_id(*w) for w in words}) == 4
    assert child_id("geometry_a", "run_fhi_aims_batch", "s") != child_id("geometry_a", "run_fhi_aims_batch", "t")


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x"])
def test_a_structure_whose_name_leads_out_has_no_folder(tmp_path: Path, name: str) -> None:
    assert own_folder(tmp_path, "geometry_1/volume_1.0") == tmp_path / "geometry_1" / "volume_1.0"
    assert own_folder(tmp_path, "") == tmp_path / "molecule"
    with pytest.raises(EngineError, match="no folder of its own"):
        own_folder(tmp_path, name)
