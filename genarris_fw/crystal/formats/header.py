"""Properties of a structure as comment lines ``#name = value`` in geometry.in and geometry.out files."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np

from genarris_fw.crystal.structure import Structure

# The names that geometry.out gives to properties of the json record, in the order of its header.
_NAMES = {
    "Z": "Z",
    "number_of_atoms_in_molecule": "number_of_atoms_in_molecule",
    "unit_cell_volume": "unit_cell_volume",
    "attempted_spg": "attempted_spacegroup",
    "attempted_wyckoff_position": "attempted_wyckoff_position",
    "site_symmetry_group": "site_symmetry_group",
    "spg": "SPGLIB_detected_spacegroup",
}
_PROPERTIES = {written: name for name, written in _NAMES.items()}
_TEXTS = {"struct_id", "attempted_wyckoff_position", "site_symmetry_group"}
_NAME = re.compile(r"[A-Za-z_]\w*")
_LINE = re.compile(r"#([A-Za-z_]\w*) = (\S.*?)\s*")
_NUMBER = re.compile(r"[-+]?(\d+|(\d+\.\d*|\.\d+)([eE][-+]?\d+)?|\d+[eE][-+]?\d+)")


def format_header(structure: Structure) -> list[str]:
    """Return comment lines with the struct_id and every scalar property of a structure.

    Parameters
    ----------
    structure : Structure
        Its lists and tables are left out; numbers that are not finite too.

    Returns
    -------
    list of str
    """
    lines = [f"#struct_id = {structure.struct_id}"] if structure.struct_id else []
    names = [name for name in _NAMES if name in structure.properties]
    names += sorted(name for name in structure.properties if name not in _NAMES)
    for name in names:
        text = _format(name, structure.properties[name])
        if text is not None and _NAME.fullmatch(name):
            unit = " cubic Angstrom" if name == "unit_cell_volume" else ""
            lines.append(f"#{_NAMES.get(name, name)} = {text}{unit}")
    return lines


def parse_header_line(line: str) -> tuple[str, Any] | None:
    """Read one comment line of the form ``#name = value``.

    Parameters
    ----------
    line : str
        A line of a file.

    Returns
    -------
    (str, value) or None
        The name as in the json record; None where the line has another form.
    """
    match = _LINE.fullmatch(line.strip())
    if match is None:
        return None
    written, text = match[1], match[2].removesuffix(" cubic Angstrom")
    name = _PROPERTIES.get(written, written)
    return name, text if name in _TEXTS else _parse(text)


def _format(name: str, value: Any) -> str | None:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        bare = value == value.strip() and value.isprintable() and value != ""
        readable = bare and (name in _TEXTS or _parse(value) == value)
        return value if readable else json.dumps(value)
    return None


def _parse(text: str) -> Any:
    if _NUMBER.fullmatch(text) and len(text) < 400:
        return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
    if text in ("true", "false") or text.startswith('"'):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
