"""Reading and writing structures in every format the package knows."""

from __future__ import annotations

import csv
import io
import os
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from genarris_fw.crystal.genarris_json import format_json, parse_json, to_record
from genarris_fw.crystal.geometry_in import format_geometry_in, parse_geometry_in
from genarris_fw.crystal.geometry_out import BEGIN, format_geometry_out, parse_geometry_out
from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.crystal.properties import check_properties
from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError
from genarris_fw.files import read_ordinary, write_text
from genarris_fw.names import LONGEST, WORDS, checked_name, is_name, made_safe
from genarris_fw.showing import shown

PathLike = str | os.PathLike[str]

LARGEST_FILE = 2**30  # bytes
WRITE_FORMATS = ("json", "geometry", "geo", "both", "geometry_out", "cif", "extxyz", "csv")
# Formats read through ASE, by the ending of the name.
_ASE_FORMATS = {
    ".cif": "cif",
    ".extxyz": "extxyz",
    ".xyz": "extxyz",
    ".pdb": "proteindatabank",
    ".mol": "mol",
    ".sdf": "sdf",
    ".vasp": "vasp",
    ".poscar": "vasp",
    ".res": "res",
}
# Columns that one property of extxyz may have: ASE makes an array of as many as the file says.
_MOST_COLUMNS = 100
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of one
_ASE_NOTES = {"spacegroup", "spacegroup_kinds", "unit_cell"}
READ_FORMATS = ("json", "geometry", "geometry_out", *dict.fromkeys(_ASE_FORMATS.values()))


def read(path: PathLike, format: str | None = None) -> list[Structure]:
    """Read all structures of one file.

    Parameters
    ----------
    path : path
        The file.
    format : str, optional
        One of `READ_FORMATS`; by default told by the name (``.json``, ``.in``, ``.in.next_step``, ``.out``,
        ``.cif``, ``.extxyz``, ...) and, where that says nothing, by the content.

    Returns
    -------
    list of Structure
        At least one. A structure that does not state its struct_id is named after the file.

    Raises
    ------
    InputError
        One line with the path (and the line, where it is known) for whatever cannot be read.
    """
    file = Path(path)
    text = _text(file)
    kind = _kind(file, text) if format is None else {"geo": "geometry"}.get(format, format)
    stem = re.sub(r"(\.in)?\.next_step$|\.in$", "", file.name) if kind == "geometry" else file.stem
    stem = made_safe(stem, "structure", LONGEST - 10)  # a number may follow
    if kind == "json":
        structures = parse_json(text, str(file))
    elif kind == "geometry":
        structures = [parse_geometry_in(text.splitlines(), str(file))]
    elif kind == "geometry_out":
        structures = list(parse_geometry_out(text.splitlines(), str(file), stem))
    elif kind in READ_FORMATS:
        structures = _read_with_ase(file, text, kind)
    else:
        raise InputError(f"{file}: unknown format {kind!r}; known: {', '.join(READ_FORMATS)}")
    for number, structure in enumerate(structures, start=1):
        structure.struct_id = structure.struct_id or (stem if len(structures) == 1 else f"{stem}_{number}")
        checked_name(structure.struct_id, f"{file}: a structure")
        check_properties(structure.properties, len(structure), f"{file}: {structure.struct_id}")
    return structures


def read_folder(path: PathLike) -> list[Structure]:
    """Read a pool: every json, geometry.in and cif file of a folder, one of them per struct_id.

    Parameters
    ----------
    path : path
        The folder; its subfolders and hidden files are not read. Where a structure is there both as json and
        in another format, the json file is taken.

    Returns
    -------
    list of Structure
        Sorted by struct_id.

    Raises
    ------
    InputError
        Where the folder is missing or empty, a file cannot be read, or two files hold one struct_id.
    """
    folder = Path(path)
    try:
        files = sorted(file for file in folder.iterdir() if not file.name.startswith(".") and file.is_file())
    except OSError as error:
        raise InputError(f"{folder}: cannot read the folder ({error.strerror})") from None
    sources: dict[str, Path] = {}
    structures: dict[str, Structure] = {}
    for endings in ((".json",), (".in", ".next_step"), (".cif",)):
        before = set(structures)
        for file in (file for file in files if file.name.endswith(endings)):
            for structure in read(file):
                name = structure.struct_id
                if name in before:
                    continue
                if name in structures:
                    raise InputError(f"{folder}: {sources[name].name} and {file.name} both hold {name}; remove one")
                structures[name], sources[name] = structure, file
    if not structures:
        raise InputError(f"{folder}: no structures; expected files that end in .json, .in or .cif")
    return [structures[name] for name in sorted(structures)]


def write(structures: Structure | Iterable[Structure], path: PathLike, format: str = "json") -> list[Path]:
    """Write structures; each file appears completely or not at all.

    Parameters
    ----------
    structures : Structure or iterable of Structure
        What to write.
    path : path
        A folder for ``json``, ``geometry`` (or ``geo``), ``both`` and ``cif``: one file per structure named
        by its struct_id. A file for ``geometry_out``, ``extxyz`` and ``csv`` (a table of the scalar
        properties).
    format : str, optional
        One of `WRITE_FORMATS`.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        For an unknown format, a struct_id that cannot name a file or stands twice, or a value that the format
        cannot hold.
    OSError
        Where the folder or the disk refuses.
    """
    pool = [structures] if isinstance(structures, Structure) else list(structures)
    target = Path(path)
    if format not in WRITE_FORMATS:
        raise InputError(f"unknown output format {format!r}; known: {', '.join(WRITE_FORMATS)}")
    if format == "geometry_out":
        write_text(target, "".join(format_geometry_out(pool)))
    elif format == "extxyz":
        write_text(target, _extxyz(pool))
    elif format == "csv":
        write_text(target, _table(pool))
    else:
        _check_names(pool, target)
        if target.exists() and not target.is_dir():
            raise InputError(f"{target}: is a file; give a folder for the format {format}")
        target.mkdir(parents=True, exist_ok=True)
        files = []
        for structure in pool:
            for ending, text_of in _FOLDER_FORMATS[format]:
                files.append(target / f"{structure.struct_id}{ending}")
                write_text(files[-1], text_of(structure))
        return files
    return [target]


def _text(file: Path) -> str:
    """Content of a text file; InputError for one that is missing, empty, huge or binary."""
    content = read_ordinary(file, LARGEST_FILE)
    if not content.strip():
        raise InputError(f"{file}: the file is empty")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(f"{file}: not a text file; expected one of the formats {', '.join(READ_FORMATS)}")
    return text


def _kind(file: Path, text: str) -> str:
    """Format by the name, else by the content."""
    name = file.name.lower()
    if name.endswith(".json"):
        return "json"
    if BEGIN.strip("# ") in text:
        return "geometry_out"
    if name.endswith((".in", ".next_step")):
        return "geometry"
    if file.suffix.lower() in _ASE_FORMATS:
        return _ASE_FORMATS[file.suffix.lower()]
    if name in ("poscar", "contcar"):
        return "vasp"
    if text.lstrip().startswith(("{", "[")):
        return "json"
    if re.search(r"^data_\S", text, re.MULTILINE) and "_cell_length_a" in text:
        return "cif"
    if re.search(r"^\s*(atom|atom_frac|lattice_vector)\s", text, re.MULTILINE):
        return "geometry"
    if re.match(r"\s*\d+\s*\n", text):
        return "extxyz"
    raise InputError(f"{file}: neither its name nor its content tells a format; known: {', '.join(READ_FORMATS)}")


def _read_with_ase(file: Path, text: str, kind: str) -> list[Structure]:
    import ase.io  # only where a file needs it, here and below: it is slow to import

    if kind == "extxyz":
        _refuse_endless(file, text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            images = ase.io.read(io.StringIO(text), index=":", format=kind)
        images = images if isinstance(images, list) else [images]
        structures = [_from_image(image) for image in images]
        if kind == "cif":
            structures = [_molecule_by_molecule(structure) for structure in structures]
    except Exception as error:  # the readers of ASE raise errors of every class
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{file}: cannot be read as {kind} ({reason})") from None
    if not structures or any(len(structure) == 0 for structure in structures):
        raise InputError(f"{file}: no atoms")
    return structures


def _refuse_endless(file: Path, text: str) -> None:
    """Refuse numbers of atoms and of columns over which ASE takes for ever and all memory."""
    lines, at = text.splitlines(), 0
    while at < len(lines) and re.fullmatch(r"\s*\d+\s*", lines[at]):
        number = lines[at].strip()
        if len(number) > 20 or int(number) > len(lines) - at:
            raise InputError(f"{file}: cannot be read as extxyz ({number[:40]} atoms, but {len(lines)} lines in all)")
        at += int(number) + 2
    for properties in re.findall(r"\bProperties=[\"']?([^\s\"']+)", text, flags=re.IGNORECASE):
        for count in properties.split(":")[2::3]:
            if not re.fullmatch(r"\d{1,4}", count, flags=re.ASCII) or int(count) > _MOST_COLUMNS:
                found = f"{count[:40]!a} columns of a property; expected 1 to {_MOST_COLUMNS}"
                raise InputError(f"{file}: cannot be read as extxyz ({found})")


def _from_image(atoms: Atoms) -> Structure:
    results = atoms.calc.results if atoms.calc is not None else {}
    values = {**atoms.info, **results}
    properties = {}
    for name, given in values.items():
        value = given.item() if isinstance(given, np.generic) else given
        if isinstance(value, str | int | float | bool) and name not in _ASE_NOTES:
            properties[str(name)] = value
    struct_id = str(properties.pop("struct_id", ""))
    return Structure.from_ase(atoms, struct_id, properties)


def _molecule_by_molecule(structure: Structure) -> Structure:
    """Atoms of a cif file come site by site, wrapped into the cell: sort them, where there are molecules."""
    try:
        return whole_molecules(structure)
    except InputError:
        return structure


def _scalars(structure: Structure) -> dict[str, Any]:
    properties = to_record(structure)["properties"]
    return {name: value for name, value in properties.items() if isinstance(value, str | int | float)}


def _cif(structure: Structure) -> str:
    if structure.lattice is None:
        raise InputError(f"{structure.struct_id}: a molecule has no cell; write it as json, geometry or extxyz")
    from ase.io.cif import write_cif

    stream = io.BytesIO()
    atoms = structure.to_ase()
    if np.linalg.det(structure.lattice) < 0:
        # A cif file holds lengths and angles only: a left-handed cell would be read back as its mirror image.
        atoms.set_cell(-structure.lattice, scale_atoms=False)
    write_cif(stream, atoms, wrap=False)
    text = stream.getvalue().decode()
    return re.sub(r"^data_.*$", f"data_{structure.struct_id}", text, count=1, flags=re.MULTILINE)


def _extxyz(pool: Sequence[Structure]) -> str:
    import ase.io

    stream = io.StringIO()
    for structure in pool:
        atoms = structure.to_ase()
        atoms.info = {"struct_id": structure.struct_id, **_scalars(structure)}
        ase.io.write(stream, atoms, format="extxyz")
    return stream.getvalue()


def _table(pool: Sequence[Structure]) -> str:
    rows = [{"struct_id": structure.struct_id, **_scalars(structure)} for structure in pool]
    names = sorted({name for row in rows for name in row if name != "struct_id"})
    stream = io.StringIO()
    table = csv.DictWriter(stream, ["struct_id", *names], lineterminator="\n")
    table.writerow({name: _cell(name) for name in ("struct_id", *names)})
    table.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return stream.getvalue()


def _cell(value: Any) -> Any:
    """Return a text so that no spreadsheet takes it for a formula: after an apostrophe, as they write it themselves."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


_FOLDER_FORMATS: dict[str, list[tuple[str, Callable[[Structure], str]]]] = {
    "json": [(".json", format_json)],
    "geometry": [(".in", format_geometry_in)],
    "geo": [(".in", format_geometry_in)],
    "both": [(".json", format_json), (".in", format_geometry_in)],
    "cif": [(".cif", _cif)],
}


def _check_names(pool: Sequence[Structure], target: Path) -> None:
    seen = set()
    for structure in pool:
        name = structure.struct_id
        if not is_name(name):
            raise InputError(f"{target}: {shown(name)} cannot name a file; a struct_id is {WORDS}")
        if name in seen:
            raise InputError(f"{target}: two structures have the struct_id {name}; their files would be one")
        seen.add(name)
