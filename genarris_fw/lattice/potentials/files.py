"""The json layout in which potentials are written down, ours and those of users; ``docs/potentials.md`` explains it."""

from __future__ import annotations

import json
import math
import os
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from genarris_fw.errors import InputError
from genarris_fw.lattice.potentials.atom_types import element_of, is_kind
from genarris_fw.showing import nearest, printable, shown
from genarris_fw.units import KJ_PER_MOL_PER_EV

PathLike = str | os.PathLike[str]

LAYOUT = "genarris-fw potential 1"
LARGEST_FILE = 10**6  # bytes
# kJ/mol; the thermochemical calorie is 4.184 J by definition.
ENERGY_UNITS = {"kJ/mol": 1.0, "kcal/mol": 4.184, "eV": KJ_PER_MOL_PER_EV}
# Lorentz-Berthelot's spirit in exp-6 terms, as FIT and W99 were made: A and C geometric means, B arithmetic.
COMBINING_RULE = "A and C geometric, B arithmetic"
_ALIASES = {"w99*": "W99star"}

Name = Annotated[str, Field(max_length=60, pattern=r"^[^\p{C}]+$")]  # what can be printed
# No atom is beyond these, and nothing overflows within them.
Repulsion = Annotated[float, Field(ge=0.0, le=1e12)]
Steepness = Annotated[float, Field(gt=0.0, le=50.0)]  # 1/Å
Dispersion = Annotated[float, Field(ge=0.0, le=1e9)]
Damping = Annotated[float, Field(ge=0.0, le=50.0)]  # 1/Å
Distance = Annotated[float, Field(gt=0.0, le=1000.0)]  # Å
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class TypeEntry(BaseModel):
    """A type of atoms: A exp(-B r) - C / r^6 between two of its own, or the same by depth, distance and steepness."""

    model_config = _STRICT

    atoms: Annotated[list[Name], Field(min_length=1)]
    meaning: str = ""
    A: Repulsion | None = None
    B: Steepness | None = None
    C: Dispersion | None = None
    D0: Annotated[float, Field(gt=0.0, le=1000.0)] | None = None
    R0: Annotated[float, Field(gt=0.5, le=10.0)] | None = None
    zeta: Annotated[float, Field(gt=6.0, le=30.0)] | None = None
    rho20: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.0
    like: Name | None = None

    @model_validator(mode="after")
    def _sound(self) -> TypeEntry:
        for kind in self.atoms:
            if not is_kind(kind):
                raise ValueError(
                    f"{shown(kind)} is no kind of atom; kinds are 'C', 'C with 3 neighbours', 'H on N', ..."
                )
        if len({element_of(kind) for kind in self.atoms}) > 1:
            raise ValueError("its atoms are of more than one element")
        exponential, by_well = (self.A, self.B, self.C), (self.D0, self.R0, self.zeta)
        given = [any(value is not None for value in one) for one in (exponential, by_well)]
        if all(given) or any(
            value is None for one, known in zip((exponential, by_well), given) if known for value in one
        ):
            raise ValueError("give all of A, B, C or all of D0, R0, zeta")
        return self

    @property
    def element(self) -> str:
        """The element of its atoms."""
        return element_of(self.atoms[0])

    def abc(self) -> tuple[float, float, float] | None:
        """Return A, B, C in the file's unit of energy and Å; None where the type stands in pairs alone.

        Of D0, R0 and zeta: D0 [6 exp(zeta (1 - r / R0)) - zeta (R0 / r)^6] / (zeta - 6), the exponential-6 form of
        Mayo, Olafson & Goddard, J. Phys. Chem. 1990, 94, 8897 (DREIDING/X6).
        """
        if self.D0 is not None and self.R0 is not None and self.zeta is not None:
            scale = self.D0 / (self.zeta - 6.0)
            return 6.0 * scale * math.exp(self.zeta), self.zeta / self.R0, self.zeta * scale * self.R0**6
        if self.A is None or self.B is None or self.C is None:
            return None
        return self.A, self.B, self.C


class PairEntry(BaseModel):
    """Two types with parameters of their own; what is not given follows from the combining rule."""

    model_config = _STRICT

    types: Annotated[list[Name], Field(min_length=2, max_length=2)]
    A: Repulsion | None = None
    B: Steepness | None = None
    C: Dispersion | None = None
    damping: Damping | None = None


class PotentialFile(BaseModel):
    """A potential as its file has it; parameters in the file's unit of energy, Å and 1/Å."""

    model_config = _STRICT

    layout: Literal["genarris-fw potential 1"]
    name: Name
    title: str = ""
    papers: list[str] = []
    notes: list[str] = []
    experimental: bool = False
    energy: Literal["kJ/mol", "kcal/mol", "eV"]
    combine: Literal["A and C geometric, B arithmetic"] | None = None
    hydrogen_shift: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    damping: Damping = 0.0
    taper: Annotated[list[Distance], Field(min_length=2, max_length=2)] | None = None
    general: Literal["DREIDING"] | None = None
    types: Annotated[dict[Name, TypeEntry], Field(min_length=1, max_length=200)]
    pairs: list[PairEntry] = []

    @model_validator(mode="after")
    def _sound(self) -> PotentialFile:
        if self.taper is not None and self.taper[0] >= self.taper[1]:
            raise ValueError("taper is [start, end] in Å with start below end")
        if self.general is not None and self.combine is None:
            raise ValueError("general needs combine: parameters of two potentials meet by a combining rule alone")
        named: dict[str, str] = {}
        for name, entry in self.types.items():
            for kind in entry.atoms:
                if kind in named:
                    raise ValueError(f"{shown(kind)} are of two types, {named[kind]} and {name}")
                named[kind] = name
            if entry.like is not None and (entry.like not in self.types or self.types[entry.like].like is not None):
                raise ValueError(f"type {name} is like {shown(entry.like)}, which is no type of its own")
            if self.combine is not None and entry.like is None and entry.abc() is None:
                raise ValueError(f"type {name} has no parameters: give A, B, C or D0, R0, zeta")
            if entry.rho20 and not all(kind.endswith(" with 1 neighbour") for kind in entry.atoms):
                raise ValueError(f"type {name} has rho20, so its atoms must have 1 neighbour: that bond is the axis")
        seen: set[tuple[str, ...]] = set()
        for pair in self.pairs:
            unknown = [name for name in pair.types if name not in self.types]
            if unknown:
                raise ValueError(f"a pair names {shown(unknown[0])}, which is none of the types")
            key = tuple(sorted(pair.types))
            if key in seen:
                raise ValueError(f"the pair {key[0]}, {key[1]} stands there twice")
            seen.add(key)
            if self.combine is None and None in (pair.A, pair.B, pair.C):
                raise ValueError(f"the pair {key[0]}, {key[1]} needs A, B and C: there is no combining rule")
        return self


def shipped_names() -> list[str]:
    """Return the names of the potentials that come with the package, in alphabetical order."""
    return sorted(
        (entry.name.removesuffix(".json") for entry in files(__package__).iterdir() if entry.name.endswith(".json")),
        key=str.lower,
    )


@cache
def shipped(name: str) -> PotentialFile:
    """Return a potential that comes with the package, by its exact name."""
    return parse(files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8"), name)


def read(path: Path) -> PotentialFile:
    """Read a user's potential.

    Parameters
    ----------
    path : Path
        A json file in the layout of this module.

    Returns
    -------
    PotentialFile

    Raises
    ------
    InputError
        Where the file cannot be read or does not keep to the layout: one line that says where and why.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"{path} is too large for a potential: more than {LARGEST_FILE // 10**6} MB")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"the potential {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"the potential {path} is no text in UTF-8") from None
    return parse(text, str(path))


def parse(text: str, where: str) -> PotentialFile:
    """Parse the text of a potential's file.

    Parameters
    ----------
    text : str
        json.
    where : str
        What the text is called in messages.

    Returns
    -------
    PotentialFile

    Raises
    ------
    InputError
        As of `read`.
    """
    try:
        record = json.loads(text, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the potential {where} is no json: {error}") from None
    if not isinstance(record, dict) or record.get("layout") != LAYOUT:
        raise InputError(
            f'the potential {where} does not say "layout": "{LAYOUT}"; docs/potentials.md shows the layout'
        )
    return validated(record, where)


def validated(record: dict[str, Any], where: str) -> PotentialFile:
    """Check a potential's record.

    Parameters
    ----------
    record : dict
        As its json has it.
    where : str
        What it is called in messages.

    Returns
    -------
    PotentialFile

    Raises
    ------
    InputError
        Where it does not keep to the layout.
    """
    try:
        return PotentialFile.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))[:80]
        reason = str(first["msg"]).removeprefix("Value error, ")
        raise InputError(printable(f"the potential {where}: {f'{place}: ' if place else ''}{reason}")) from None


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shown(twice)} stands there twice")
    return record


def named_or_read(source: PathLike) -> PotentialFile:
    """Return the potential of a name that comes with the package, in any case of letters, or of a path.

    Raises
    ------
    InputError
        For a name that is none, a file that is not there, or one that cannot be used.
    """
    text = os.fspath(source)
    by_lower = {name.lower(): name for name in shipped_names()}
    name = by_lower.get(_ALIASES.get(text.lower(), text).lower())
    if name is not None:
        return shipped(name)
    path = Path(text)
    if path.is_file():
        return read(path)
    if isinstance(source, str) and not path.suffix and os.sep not in text:
        raise InputError(
            f"no potential is called {shown(text)}{nearest(text, by_lower.values())}; there are "
            f"{', '.join(shipped_names())}, or the path of a file of your own"
        )
    raise InputError(
        f"the potential's file {shown(text)} is not there; potentials with a name: {', '.join(shipped_names())}"
    )
