"""Molecules written as other programs write them, and read: any element, any digits, either end of line."""

import numpy as np
import pytest
from ase.data import chemical_symbols
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.crystal import Reading, Structure, read
from genarris_fw.crystal.formats.geometry_in import format_geometry_in
from genarris_fw.errors import InputError

ELEMENTS = chemical_symbols[1:97]  # H to Cm


@st.composite
def molecules(draw):
    """Atoms of any elements; in some files symbols are in capitals, numbers, or labels."""
    species = draw(st.lists(st.sampled_from(ELEMENTS), min_size=1, max_size=12))
    numbers = st.floats(-99, 99, allow_nan=False).map(lambda x: round(x, 3))
    points = draw(st.lists(st.tuples(numbers, numbers, numbers), min_size=len(species), max_size=len(species)))
    return species, np.array(points)


def rows(molecule, digits, called):
    species, points = molecule
    for k, (name, point) in enumerate(zip(species, points, strict=True), 1):
        yield called(name, k), *(f"{x:.{digits}f}" for x in point)


def xyz(molecule, digits, called):
    lines = [f"{name:<4} {x:>14} {y:>14} {z:>14}" for name, x, y, z in rows(molecule, digits, called)]
    return "\n".join([str(len(lines)), "a comment", *lines, ""])


def v2000(molecule, digits, called):
    lines = [f"{float(x):10.4f}{float(y):10.4f}{float(z):10.4f} {name:<3} 0  0" for name, x, y, z in
             rows(molecule, 4, lambda name, k: name)]  # fmt: skip
    return "\n".join(["", "  program 01012400003D", "", f"{len(lines):3d}  0  0  0  0  0  0  0  0  0999 V2000", *lines,
                      "M  END", ""])  # fmt: skip


def v3000(molecule, digits, called):
    lines = [f"M  V30 {k} {name} {x} {y} {z} 0" for k, (name, x, y, z) in
             enumerate(rows(molecule, digits, lambda name, k: name), 1)]  # fmt: skip
    head = ["", "  program 01012400003D", "", "  0  0  0  0  0  0  0  0  0  0999 V3000", "M  V30 BEGIN CTAB"]
    block = [f"M  V30 COUNTS {len(lines)} 0 0 0 0", "M  V30 BEGIN ATOM", *lines, "M  V30 END ATOM", "M  V30 END CTAB"]
    return "\n".join([*head, *block, "M  END", ""])


def sdf(molecule, digits, called):
    return v2000(molecule, digits, called) + "> <name>\nany\n\n$$$$\n"


def geometry(molecule, digits, called):
    return format_geometry_in(Structure(None, *molecule))


FORMS = {
    "a.xyz": xyz, "b.mol": v2000, "c.mol": v3000, "d.sdf": sdf, "geometry.in": geometry,
}  # fmt: skip
CALLED = {
    "symbol": lambda name, k: name,
    "number": lambda name, k: str(ELEMENTS.index(name) + 1),
    "label": lambda name, k: f"{name}{k}",
}


@settings(max_examples=60, deadline=None)
@given(
    molecule=molecules(),
    name=st.sampled_from(sorted(FORMS)),
    digits=st.integers(3, 12),
    called=st.sampled_from(sorted(CALLED)),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    bom=st.booleans(),
)
def test_what_is_written_is_read(tmp_path_factory, molecule, name, digits, called, end, bom):
    file = tmp_path_factory.mktemp("written") / name
    text = FORMS[name](molecule, digits, CALLED[called])
    file.write_bytes((b"\xef\xbb\xbf" if bom else b"") + text.replace("\n", end).encode())
    [found] = read(file, reading=Reading())
    assert found.species == molecule[0]
    assert np.allclose(found.positions, molecule[1], atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(molecule=molecules(), count=st.integers(0, 20), digits=st.integers(3, 8))
def test_another_number_of_atoms_is_refused(tmp_path_factory, molecule, count, digits):
    file = tmp_path_factory.mktemp("written") / "a.xyz"
    n_atoms = len(molecule[0])
    file.write_text(xyz(molecule, digits, CALLED["symbol"]).replace(f"{n_atoms}\n", f"{count}\n", 1))
    if count == n_atoms:
        assert len(read(file)[0]) == n_atoms
        return
    with pytest.raises(InputError, match=rf"says {count} atoms?, but {n_atoms} follow|no atoms"):
        read(file)
