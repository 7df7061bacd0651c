"""ASE's databases and trajectories: what is written is read, and damaged files end in one line."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.db import connect
from ase.io.trajectory import Trajectory
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genarris_fw.crystal import Reading, read
from genarris_fw.crystal.formats.files import read_known, spans_of
from genarris_fw.errors import InputError

KEYS = st.from_regex(r"[a-z][a-z_]{2,10}x", fullmatch=True)
TEXTS = st.text(st.characters(codec="ascii", categories=["L"]), min_size=1).filter(lambda text: text != "None")
VALUES = st.floats(-1e6, 1e6) | TEXTS.map(lambda text: f"a {text}")
PLACES = arrays(float, (3, 3), elements=st.floats(-10, 10))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(PLACES, st.dictionaries(KEYS, VALUES, max_size=3)), min_size=1, max_size=4))
def test_rows_are_read_as_they_were_written(tmp_path: Path, rows: list) -> None:
    file = tmp_path / "x.db"
    file.unlink(missing_ok=True)
    cell = np.diag([11.0, 12.0, 13.0])
    with connect(file) as database:
        for places, values in rows:
            database.write(Atoms("OH2", places, cell=cell, pbc=True), key_value_pairs=values)
    found = read(file)
    assert [structure.struct_id for structure in found] == [f"x_{k + 1}" for k in range(len(rows))]
    for structure, (places, values) in zip(found, rows, strict=True):
        assert structure.species == ["O", "H", "H"] and np.array_equal(structure.positions, places)
        assert structure.properties == values and np.array_equal(structure.lattice, cell)
    spans = spans_of(file, 2)
    by_span = [one.struct_id for span in spans for one in read_known(file, None, Reading(), span).structures]
    assert by_span == [structure.struct_id for structure in found]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    atoms = Atoms("OH2", np.eye(3), cell=np.diag([5.0, 6.0, 7.0]), pbc=True)
    with connect(folder / "x.db") as database, Trajectory(folder / "x.traj", "w") as trajectory:
        for _ in range(3):
            database.write(atoms, energy_of=1.0, name_of="x")
            trajectory.write(atoms)
    return {name: (folder / name).read_bytes() for name in ("x.db", "x.traj")}


@pytest.mark.parametrize("name", ["x.db", "x.traj"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8), st.floats(0.2, 1.0))
@example([(0.0, 0)], 0.5)
def test_damaged_files(tmp_path: Path, files: dict[str, bytes], name: str, changes: list, part: float) -> None:
    """Read, or refused in one line that begins with the path."""
    content = bytearray(files[name])
    for where, value in changes:
        content[int(where * len(content))] = value
    file = tmp_path / name
    file.write_bytes(content[: int(part * len(content))])
    try:
        spans_of(file, 2)
        assert read(file)
    except InputError as error:
        assert str(error).startswith(f"{file}: ") or str(error).startswith(f"{file}, ")
        assert len(str(error).splitlines()) == 1
