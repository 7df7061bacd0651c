"""What is written is read again, whatever the digits, ends of lines and encoding that it went through."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from any_structures import places, plain_names, scalars, structures
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.crystal import PoolFormat, Reading, Structure, read
from genarris_fw.crystal.formats.registry import find_format

# Å by which places may differ: of geometry.in and .out ten decimals, of extxyz eight.
DIGITS = {"json": 0.0, "geometry": 1e-10, "geometry_out": 1e-10, "extxyz": 1e-8}


@pytest.mark.parametrize("name", sorted(DIGITS))
@settings(max_examples=40, deadline=None)
@given(
    structure=structures(scalars, plain_names),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"]),
)
def test_formats(name: str, structure: Structure, end: str, encoding: str, tmp_path_factory) -> None:
    kind = find_format(name).kind
    text = kind.write([structure]) if isinstance(kind, PoolFormat) else next(iter(kind.write.values()))(structure)
    ending = kind.ending if isinstance(kind, PoolFormat) else next(iter(kind.write))
    file: Path = tmp_path_factory.mktemp("x") / f"s_1{ending}"
    file.write_bytes(_encoded(text.replace("\n", end), encoding))
    [again] = read(file, reading=Reading())
    assert again.struct_id == "s_1" and again.species == structure.species
    assert np.abs(again.positions - structure.positions).max() <= DIGITS[name]
    assert (again.lattice is None) == (structure.lattice is None)
    if structure.lattice is not None:
        assert again.lattice is not None and np.abs(again.lattice - structure.lattice).max() <= DIGITS[name]
    for key, value in structure.properties.items():
        if name == "extxyz" and isinstance(value, str):  # extxyz has no way to write all texts
            continue
        assert again.properties[key] == value and isinstance(again.properties[key], type(value)), key


def _encoded(text: str, encoding: str) -> bytes:
    """Encode a text, as UTF-8 where the encoding lacks a letter or its bytes could be those of another UTF-8 text."""
    try:
        found = text.encode(encoding)
    except UnicodeEncodeError:  # cp1252 lacks some letters of latin-1
        return text.encode()
    with suppress(UnicodeDecodeError):
        if encoding in ("latin-1", "cp1252") and found.decode() != text:
            return text.encode()
    return found


@settings(max_examples=60, deadline=None)
@given(
    decimals=st.integers(3, 12),
    point=places,
    write_exponent=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_any_number_of_digits(decimals: int, point: tuple[float, ...], write_exponent: bool, end: str) -> None:
    words = [f"{x:.{decimals}e}" if write_exponent else f"{x:.{decimals}f}" for x in point]
    from genarris_fw.crystal.formats.extxyz import parse_extxyz
    from genarris_fw.crystal.formats.geometry_in import parse_geometry_in
    from genarris_fw.encodings import decoded

    geometry = decoded(f"atom {' '.join(words)} C{end}".encode()).text
    xyz = decoded(f"1{end}comment{end}C {' '.join(words)}{end}".encode()).text
    wanted = [float(word) for word in words]
    assert parse_geometry_in(geometry.splitlines()).positions[0].tolist() == wanted
    assert parse_extxyz(xyz, "x", Reading())[0].positions[0].tolist() == pytest.approx(wanted, abs=1e-12)
