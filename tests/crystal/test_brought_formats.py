"""Formats of other packages, among ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from how_to_pages import package_of
from installed_packages import Package, installed
from pydantic import TypeAdapter, ValidationError

from genarris_fw.crystal import Reading, Structure, read, read_folder, write
from genarris_fw.crystal.formats.registry import readable, structure_endings, writable
from genarris_fw.declaring.types import Format, Said
from genarris_fw.errors import InputError

CRYSTAL = Structure(np.diag([5.0, 6, 7]), ["C", "O"], [[0, 0, 0], [0, 0, 1.2]], {"spg": 4}, "s_1")
MOLECULE = Structure(None, ["C", "O"], [[0, 0, 0], [0, 0, 1.2]], {}, "m")
TEXT = """
from genarris_fw.crystal import PoolFormat, ReadFormat, Structure, StructureFormat as Kind

def rows(structure):
    return "ROWS\\n" + "".join(f"{s} {x} {y} {z}\\n" for s, (x, y, z) in zip(structure.species, structure.positions))

def read(text, where):
    lines = [line.split() for line in text.splitlines()[1:]]
    return [Structure(None, [line[0] for line in lines], [[float(x) for x in line[1:]] for line in lines])]

ROWS = Kind(write={".rows": rows}, read=read, endings=(".rows",), likely=lambda text: text.startswith("ROWS"))
CELLS = Kind(write={".cells": rows}, molecules=False)
MANY = PoolFormat(ending=".many", write=lambda pool: "".join(map(rows, pool)))
ONLY = ReadFormat(read_by=lambda text, where, reading: reading.note("seen") or read(text, where), endings=(".only",))
FAILING = Kind(write={".failing": lambda s: s.colour}, read=lambda text, where: text.colour, endings=(".failing",))
BYTES = Kind(write={".bytes": lambda s: b"", ".more": lambda s: b""})
"""
SAID = next(mark for mark in Format.__metadata__ if isinstance(mark, Said))


def brought(name: str, *formats: str, group: str = "formats", text: str = TEXT, **more: str) -> Package:
    points = {f"genarris_fw.{group}": {one: f"{name}:{one.upper()}" for one in formats}}
    return Package(name, {f"{name}.py": text}, points, **more)


def output_format(text: str) -> str:
    value: str = TypeAdapter(Format).validate_python(text)
    return value


def test_ours() -> None:
    ours = "both geo geometry json ase_db chemiscope cif cif_standard csv extxyz geometry_out parquet pymatgen_json res"
    assert writable() == tuple(ours.split())
    assert readable()[:6] == ("geo", "geometry", "json", "cif", "extxyz", "geometry_out")
    assert structure_endings() == (".json", ".in", ".cif", ".res", ".standard.cif")
    assert SAID.words == "both, geometry (or geo) or json"
    assert [output_format(text) for text in ("json", "GEO", "Geometry", "both")] == ["json", *["geometry"] * 2, "both"]
    for text in ("cif", "csv", "gen", "1", ""):
        with pytest.raises(ValidationError):
            output_format(text)


def test_reading_a_ui_conf_loads_no_format() -> None:
    program = (
        "import sys; from pydantic import TypeAdapter; from genarris_fw.declaring.types import Format; "
        "assert TypeAdapter(Format).validate_python('geo') == 'geometry'; "
        "assert not {'numpy', 'ase', 'genarris_fw.crystal'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_the_page_on_adding_a_format(tmp_path: Path) -> None:
    with installed(tmp_path, package_of("add-a-format.md")):
        assert output_format("gen") == "gen" and SAID.words == "both, geometry (or geo), json or gen"
        assert ".gen" in structure_endings()
        files = write([CRYSTAL, MOLECULE], tmp_path / "out", "gen")
        assert [file.name for file in files] == ["s_1.gen", "m.gen"]
        molecule, crystal = read_folder(tmp_path / "out")
        assert (crystal.struct_id, molecule.struct_id, molecule.lattice) == ("s_1", "m", None)
        np.testing.assert_allclose(crystal.lattice, CRYSTAL.lattice, atol=1e-8)
        np.testing.assert_allclose(crystal.positions, CRYSTAL.positions, atol=1e-8)
        (tmp_path / "bad.gen").write_text("nonsense")
        with pytest.raises(InputError, match=f"^{tmp_path}/bad.gen: cannot be read as gen"):
            read(tmp_path / "bad.gen")
    with pytest.raises(InputError, match="unknown format 'gen'"):
        write(CRYSTAL, tmp_path / "out", "gen")
    with pytest.raises(ValidationError):
        output_format("gen")


def test_formats_of_both_groups(tmp_path: Path) -> None:
    packages = (brought("mine", "rows"), brought("further", "cells", "many", group="exports"))
    with installed(tmp_path, *packages):
        assert writable()[-2:] == ("cells", "many") and "rows" in writable()
        [file] = write(MOLECULE, tmp_path / "out", "rows")
        assert read(file)[0].struct_id == "m"
        file.rename(tmp_path / "unnamed")
        assert read(tmp_path / "unnamed")[0].species == ["C", "O"]  # its content tells
        assert write([CRYSTAL, MOLECULE], tmp_path / "all.many", "many") == [tmp_path / "all.many"]
        assert (tmp_path / "all.many").read_text().count("ROWS") == 2
        with pytest.raises(InputError, match="m: a molecule has no cell, and cells holds crystals only"):
            write(MOLECULE, tmp_path / "cells", "cells")
        with pytest.raises(InputError, match="unknown format 'cells' of a file to read"):
            read(file.parent.parent / "all.many", format="cells")
        with pytest.raises(ValidationError):
            output_format("many")


def test_a_format_that_is_only_read(tmp_path: Path) -> None:
    with installed(tmp_path, brought("mine", "only", group="readers")):
        (tmp_path / "x.only").write_text("ROWS\nC 0 0 0\n")
        reading = Reading()
        assert read(tmp_path / "x.only", reading=reading)[0].species == ["C"] and reading.notes == ["seen"]
        assert "only" in readable() and "only" not in writable() and ".only" not in structure_endings()
        assert read(tmp_path / "x.only", "only", Reading())[0].struct_id == "x"
        with pytest.raises(InputError, match="unknown format 'only'"):
            write(MOLECULE, tmp_path / "out", "only")


def test_a_folder_is_read_in_the_preferred_format(tmp_path: Path) -> None:
    with installed(tmp_path, brought("mine", "rows")):
        write(CRYSTAL, tmp_path / "out", "rows")
        write(CRYSTAL, tmp_path / "out", "json")
        [found] = read_folder(tmp_path / "out")
        assert found.lattice is not None and found.properties["spg"] == 4


def test_what_is_wrong_with_a_package_is_said_and_ours_work(tmp_path: Path) -> None:
    packages = (
        brought("mine", "failing", "bytes"),
        brought("broken", "broken", text="import no_such_module\n"),
        brought("newer", "newer", interface="7"),
        brought("one", "rows"),
        brought("two", "rows"),
        brought("three", "json", group="exports"),
        brought("wrong", "wrong", text="WRONG = print\n"),
        brought("odd_ending", "odd_ending", text=TEXT + "ODD_ENDING = Kind(write={'../x': str})\n"),
    )
    with installed(tmp_path, *packages):
        [file] = write(CRYSTAL, tmp_path / "out", "geometry")
        assert read_folder(tmp_path / "out")[0].struct_id == "s_1" and read(file)
        for name, words in {
            "failing": "format 'failing' of package 'mine' failed (AttributeError: ",
            "bytes": "format 'bytes' of package 'mine' failed (TypeError: it wrote no text but a bytes)",
            "broken": "package 'broken' cannot be loaded (ModuleNotFoundError: No module named 'no_such_module')",
            "newer": "package 'newer' was made for interface 7 of genarris_fw",
            "rows": "format 'rows' is brought by two packages, 'one' and 'two'",
            "json": "format 'json' is brought by two packages, 'genarris_fw' and 'three'",
            "wrong": "where genarris_fw.crystal.file_format.StructureFormat is expected",
            "odd_ending": "package 'odd_ending' cannot be loaded (InputError: '../x' is no ending of a file",
        }.items():
            with pytest.raises(InputError) as caught:
                write(CRYSTAL, tmp_path / "out", name)
            assert words in str(caught.value) and "\n" not in str(caught.value)
        assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["s_1.in"]
        for name in ("broken", "newer", "rows", "wrong", "odd_ending"):
            assert name not in readable()
        for name in ("broken", "newer", "rows", "odd_ending"):
            with pytest.raises(ValidationError, match="package"):
                output_format(name)
        (tmp_path / "x.failing").write_text("x")
        with pytest.raises(InputError, match=r"x.failing: format 'failing' of package 'mine' failed \(AttributeError"):
            read(tmp_path / "x.failing")
        (tmp_path / "x.rows").write_text("ROWS")
        with pytest.raises(InputError, match=r"tells a format.*format 'rows' is brought by two packages"):
            read(tmp_path / "x.rows")


def test_a_broken_package_is_tried_once_by_readers(tmp_path: Path) -> None:
    text = "with open(__file__ + '.tried', 'a') as file:\n    file.write('x')\nraise OSError('no library')\n"
    with installed(tmp_path, brought("broken", "broken", text=text)):
        write([CRYSTAL, MOLECULE], tmp_path / "out", "json")
        for _ in range(3):
            read_folder(tmp_path / "out")
    assert (tmp_path / "broken-1.0" / "broken.py.tried").read_text() == "x"
