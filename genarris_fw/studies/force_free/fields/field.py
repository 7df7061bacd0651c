"""A magnetic field on a grid, where it came from, and its file."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.files import whole_file
from genarris_fw.studies.force_free.fields.grid import Grid

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Field:
    """A magnetic field at the nodes of a grid.

    Parameters
    ----------
    grid : Grid
        Where it is known.
    values : (3, nx, ny, nz) array_like
        Bx, By and Bz; kept as float64.
    about : mapping, optional
        What it came from; anything JSON can say.

    Raises
    ------
    InputError
        Where values do not fit the grid, or one of them is no finite number.
    """

    grid: Grid
    values: Array
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values."""
        values = np.ascontiguousarray(self.values, dtype=np.float64)
        if values.shape != (3, *self.grid.shape):
            raise InputError(f"values of shape {values.shape} do not fit the grid: {(3, *self.grid.shape)} is wanted")
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            component, *node = (int(i) for i in bad[0])
            raise InputError(
                f"{len(bad)} values are not finite, the first is B{'xyz'[component]} at node {tuple(node)}: "
                "mend or leave out what the field was made from"
            )
        object.__setattr__(self, "values", values)

    def at_nodes(self) -> Array:
        """Return the field at `grid.points()`, (nx ny nz, 3)."""
        return self.values.reshape(3, -1).T

    @cached_property
    def digest(self) -> str:
        """SHA-256 of grid and values: fields are the same where it is."""
        digest = hashlib.sha256(json.dumps([self.grid.bounds, self.grid.shape]).encode())
        digest.update(np.ascontiguousarray(self.values, dtype="<f8").tobytes())
        return digest.hexdigest()

    def to_bytes(self) -> bytes:
        """Return the content of a field's file: npz with `bounds`, `shape`, `values` and `about` (JSON)."""
        content = io.BytesIO()
        np.savez(
            content,
            bounds=np.asarray(self.grid.bounds),
            shape=np.asarray(self.grid.shape),
            values=self.values,
            about=np.asarray(json.dumps(dict(self.about), sort_keys=True)),
        )
        return content.getvalue()


def field_from_bytes(content: bytes, name: str) -> Field:
    """Read the content of a field's file.

    Parameters
    ----------
    content : bytes
        What `Field.to_bytes` gave.
    name : str
        What messages call it.

    Raises
    ------
    InputError
        Where it is no such file, or its field cannot be used.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            bounds, shape, values, about = (arrays[key] for key in ("bounds", "shape", "values", "about"))
        values = values.astype(np.float64, casting="same_kind")
        told = dict(json.loads(str(about)))
    except Exception as error:  # a broken file may be anything to numpy, zip and JSON: a dozen kinds of errors
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{name} is no field's file (npz with bounds, shape, values, about): {reason}") from None
    try:
        return Field(Grid(bounds.tolist(), shape.tolist()), values, told)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def write_field(field: Field, path: Path) -> None:
    """Write a field's file; nobody sees half of it."""
    with whole_file(path) as partial:
        partial.write_bytes(field.to_bytes())


def read_field(path: Path) -> Field:
    """Read a field's file.

    Raises
    ------
    InputError
        Naming the file, where it is not there or its field cannot be used.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    return field_from_bytes(content, str(path))
