"""Every format that is written holds what it declares (`Holds`): our readers, or those of others, read it again."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from any_structures import every, numbers, odd_names, plain_names, structures, texts
from crystals_of_settings import crystal_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same_crystal import farthest_atom

from genarris_fw.crystal import PoolFormat, Reading, Structure, read, space_group, write
from genarris_fw.crystal.conversions import from_ase, from_pymatgen
from genarris_fw.crystal.file_format import StructureFormat
from genarris_fw.crystal.formats.cif import parse_cif
from genarris_fw.crystal.formats.registry import find_format, writable


def by_ase(file: Path) -> list[Structure]:
    import ase.db

    rows = list(ase.db.connect(str(file)).select())
    found = [from_ase(row.toatoms(), row.data["struct_id"]) for row in rows]
    for structure, row in zip(found, rows, strict=True):
        structure.properties |= row.data["properties"]
    return found


def by_pymatgen(file: Path) -> list[Structure]:
    from pymatgen.core import Molecule
    from pymatgen.core import Structure as PymatgenStructure

    kinds = {"Structure": PymatgenStructure, "Molecule": Molecule}
    return [from_pymatgen(kinds[one["@class"]].from_dict(one)) for one in json.loads(file.read_text())]


def by_chemiscope(file: Path) -> list[Structure]:
    data = json.loads(file.read_text())
    columns = {name: column["values"] for name, column in data["properties"].items()}
    names = columns.pop("struct_id")
    return [
        Structure(
            np.array(one["cell"]).reshape(3, 3) if "cell" in one else None,
            one["names"],
            np.column_stack([one[axis] for axis in "xyz"]),
            {name: values[k] for name, values in columns.items()},
            names[k],
        )
        for k, one in enumerate(data["structures"])
    ]


def by_csv(file: Path) -> list[dict[str, Any]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def by_pyarrow(file: Path) -> list[dict[str, Any]]:
    from pyarrow import parquet

    return parquet.read_table(file).to_pylist()


def by_ours(file: Path) -> list[Structure]:
    return read(file, reading=Reading())


READERS: dict[str, list[Callable[[Path], list[Structure]]]] = {
    "ase_db": [by_ours, by_ase],
    "pymatgen_json": [by_ours, by_pymatgen],
    "chemiscope": [by_chemiscope],
}
TABLES = {"csv": by_csv, "parquet": by_pyarrow}
WITH_GEOMETRY = sorted(set(writable()) - set(TABLES))
CRYSTALS_ONLY = {"cif", "cif_standard", "res"}
# extxyz has no way to write all texts; chemiscope knows numbers and texts of all structures alone.
SIMPLE = (
    st.text("abcXYZ äß._-()", max_size=12)
    .map(lambda text: " ".join(text.split()))
    .filter(lambda text: text not in ("", "-", "."))
)
VALUES = {
    "extxyz": numbers | SIMPLE,
    "chemiscope": numbers | texts,
    "geometry": numbers | texts | st.booleans(),
    "geo": numbers | texts | st.booleans(),
    "geometry_out": numbers | texts | st.booleans(),
}


def one_file(name: str, structure: Structure, folder: Path) -> Path:
    kind = find_format(name).kind
    target = folder / f"pool{kind.ending}" if isinstance(kind, PoolFormat) else folder
    return write(structure, target, name)[0]


def test_every_format_of_ours_declares_what_it_holds() -> None:
    for name in writable():
        kind = find_format(name).kind
        assert kind.holds is not None, name
        assert (kind.holds.geometry is None) == (name in TABLES)
        assert not isinstance(kind, StructureFormat | PoolFormat) or kind.molecules == (name not in CRYSTALS_ONLY)


@pytest.mark.parametrize("name", sorted(set(WITH_GEOMETRY) - CRYSTALS_ONLY))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_declared_comes_back(name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    holds = find_format(name).kind.holds
    names = odd_names if holds.properties == "all" else plain_names
    structure = data.draw(structures(VALUES.get(name, every), names))
    file = one_file(name, structure, tmp_path_factory.mktemp("x"))
    for reader in READERS.get(name, [by_ours]):
        [again] = reader(file)
        assert again.struct_id == structure.struct_id
        assert again.species == structure.species
        assert (again.lattice is None) == (structure.lattice is None)
        np.testing.assert_allclose(again.positions, structure.positions, atol=holds.geometry, rtol=1e-13)
        if structure.lattice is not None:
            np.testing.assert_allclose(again.lattice, structure.lattice, atol=holds.geometry, rtol=1e-13)
        for key, value in structure.properties.items():
            if holds.properties == "all":
                assert key in again.properties and again.properties[key] == value, key
            elif isinstance(value, str):
                assert again.properties[key] == value, key
            else:
                assert math.isclose(again.properties[key], value, rel_tol=1e-15), key


@pytest.mark.parametrize("name", ["cif", "cif_standard", "res", "json", "ase_db", "pymatgen_json", "extxyz"])
@settings(max_examples=12, deadline=None)
@given(number=st.integers(1, 530))
def test_the_group_and_the_molecules(name: str, number: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of any setting, with any number of molecules in the cell."""
    known = crystal_of(number)
    [structure] = parse_cif(known.cif(known.by_hall), "x.cif", Reading())
    structure.struct_id, group = f"setting_{number}", space_group(structure)
    structure.properties |= {"spg": group}
    file = one_file(name, structure, tmp_path_factory.mktemp("x"))
    holds = find_format(name).kind.holds
    for reader in READERS.get(name, [by_ours]):
        [again] = reader(file)
        assert again.struct_id == structure.struct_id and space_group(again) == group
        assert again.density == pytest.approx(structure.density, rel=1e-7)
        assert holds.properties not in ("all", "plain") or again.properties["spg"] == group
        if name != "cif_standard":
            assert again.properties["Z"] == structure.properties["Z"] or name == "res"
            assert farthest_atom(again, structure) < 1e-6


@pytest.mark.parametrize("name", sorted(TABLES))
@settings(max_examples=15, deadline=None)
@given(pool=st.lists(structures(every), min_size=1, max_size=4))
def test_tables(name: str, pool: list[Structure], tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("x") / f"pool.{name}"
    for k, structure in enumerate(pool):
        structure.struct_id = f"s_{k}"
    write(pool, file, name)
    rows = TABLES[name](file)
    assert [row["struct_id"] for row in rows] == [structure.struct_id for structure in pool]
    for row, structure in zip(rows, pool, strict=True):
        assert float(row["n_atoms"]) == len(structure)
        for key, value in structure.properties.items():
            # Of a column with texts all are texts; what a spreadsheet would take for a formula stands behind a '.
            found = row.get(key)
            found = found.lstrip("'") if isinstance(found, str) else found
            if value is None or isinstance(value, list | dict):
                assert not found
            elif isinstance(value, float | int) and (not isinstance(found, str) or not isinstance(value, bool)):
                assert float(found) == float(value)  # a column with numbers that are not whole has floats alone
            else:
                assert found == str(value).lstrip("'")


@pytest.mark.parametrize("name", ["json", "ase_db", "pymatgen_json"])
def test_numbers_that_are_none(name: str, tmp_path: Path) -> None:
    """Not a number and infinity are no values: strict json has none."""
    structure = Structure(None, ["He"], [[0, 0, 0]], {"x": math.nan, "y": [1.0, math.inf], "energy": -1.0}, "s_1")
    for reader in READERS.get(name, [by_ours]):
        [again] = reader(one_file(name, structure, tmp_path))
        assert again.properties == {"x": None, "y": [1.0, None], "energy": -1.0}
