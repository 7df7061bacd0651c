"""Tables of ASE's structures in JSON: Genarris 3's structures.json, and ASE's database in one file."""

import json
from pathlib import Path

import ase.db
import numpy as np
import pytest
from ase import Atoms
from ase.io.jsonio import encode

from genarris_fw.crystal import Reading, read
from genarris_fw.errors import InputError


def atoms(**info: object) -> Atoms:
    found = Atoms("COO", [[1, 1, 1], [2.16, 1, 1], [-0.16, 1, 1]], cell=[[5, 0, 0], [1, 6, 0], [0, 0, 7]], pbc=True)
    found.info.update(info)
    return found


def written(path: Path, pool: dict[str, Atoms]) -> Path:
    """Write a file as Genarris 3 does (gnrs/parallel/io.py): a line for each structure."""
    lines = ",\n".join(f'"{name}": {encode(one)}' for name, one in pool.items())
    path.write_text("{\n" + lines + "\n}")
    return path


def test_the_structures_json_of_genarris_3(tmp_path: Path) -> None:
    pool = {
        "1f0f30abd3": atoms(spg=14, maceoff=-12.5, acsf=np.arange(4.0), nan=float("nan")),
        "abc": atoms(odd={"a": 1}),
        "molecule": Atoms("COO", [[0, 0, 0], [1.16, 0, 0], [-1.16, 0, 0]]),
    }
    reading = Reading()
    found = read(written(tmp_path / "structures.json", pool), reading=reading)
    assert [structure.struct_id for structure in found] == list(pool)
    for structure, one in zip(found, pool.values(), strict=True):
        assert structure.species == list(one.symbols) and (structure.positions == one.positions).all()
    assert (found[0].lattice == pool["abc"].cell[:]).all() and found[2].lattice is None
    assert found[0].properties["spg"] == 14 and found[0].properties["maceoff"] == -12.5
    assert found[0].properties["acsf"] == [0, 1, 2, 3] and found[0].properties["nan"] is None
    assert any("odd" in line for line in reading.notes)


def test_ases_database_in_one_file(tmp_path: Path) -> None:
    with ase.db.connect(tmp_path / "pool.json") as database:
        database.write(atoms(), gap=2.5)
        database.write(atoms())
    first, second = read(tmp_path / "pool.json")
    assert first.properties["gap"] == 2.5 and first.struct_id == "1" and second.struct_id == "2"
    assert (first.lattice == atoms().cell[:]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"numbers": [6, 8, 400]}, "atomic number of no element"),
        ({"numbers": []}, "no atoms"),
        ({"positions": [[0, 0, 0]]}, "3 species but 1 positions"),
        ({"positions": "x"}, "rows of three numbers"),
        ({"pbc": [True, True, False]}, "in some directions only"),
        ({"cell": {"array": {"__ndarray__": [[3, 3], "float64", [1.0]]}}}, "rows of three numbers"),
    ],
)
def test_rows_that_cannot_be_used(tmp_path: Path, change: dict, message: str) -> None:
    row = json.loads(encode(atoms())) | change
    (tmp_path / "x.json").write_text(json.dumps({"a": row}))
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path / "x.json")
    assert str(tmp_path / "x.json") in str(caught.value) and "'a'" in str(caught.value)
