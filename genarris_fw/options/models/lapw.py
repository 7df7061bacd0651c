"""The settings of the LAPW engine as options, and the types of options that only it has."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import Flag, Real, Said, Whole, Words, literal, number, one_of, radii, whole
from genarris_fw.options.base import ProcedureOptions


def _parts(text: Any, length: int | None = None) -> list[Any]:
    value = literal(text)
    if not isinstance(value, (list, tuple)) or not value or (length is not None and len(value) != length):
        raise ValueError("not a list of this length")
    return [number(None) if isinstance(part, str) else part for part in value]


def k_grid(text: Any) -> list[int]:
    """Read three whole numbers from 1."""
    grid = [whole(part) for part in _parts(text, 3)]
    if min(grid) < 1 or max(grid) > 1000:
        raise ValueError("not a grid")
    return grid


def k_offset(text: Any) -> list[float]:
    """Read three numbers from 0 to below 1."""
    offset = [float(number(part)) for part in _parts(text, 3)]
    if not all(0 <= part < 1 for part in offset):
        raise ValueError("not a part of a step")
    return offset


def muffin_tin(text: Any) -> str | dict[str, float]:
    """Read auto, or {element: radius in Å}."""
    value = literal(text)
    if isinstance(value, dict) and value:
        return radii(value)
    if str(value).strip().lower() != "auto":
        raise ValueError("neither auto nor radii")
    return "auto"


KGrid = Annotated[list[int], BeforeValidator(k_grid), Said("list", "three whole numbers from 1 to 1000, [4, 4, 4]")]
KOffset = Annotated[
    list[float], BeforeValidator(k_offset), Said("list", "three numbers from 0 to below 1, [0.5, 0.5, 0.5]")
]
MuffinTin = Annotated[
    str | dict[str, float], BeforeValidator(muffin_tin), Said("str or dict", 'auto or {"Al": 1.1, ...}: radii in Å')
]
Basis = Annotated[str, BeforeValidator(one_of("apw+lo", "lapw", "apw")), Said("str", "apw+lo, lapw or apw")]
RKmaxRadius = Annotated[str, BeforeValidator(one_of("smallest", "average")), Said("str", "smallest or average")]
Functional = Annotated[
    str,
    BeforeValidator(one_of("PBE", "PBEsol", "revPBE", "WC06", "AM05", "LDA", "LDA-PZ")),
    Said("str", "PBE, PBEsol, revPBE, WC06, AM05, LDA or LDA-PZ"),
]
Relativity = Annotated[str, BeforeValidator(one_of("scalar", "spin-orbit")), Said("str", "scalar or spin-orbit")]
Core = Annotated[str, BeforeValidator(one_of("deep", "semicore")), Said("str", "deep or semicore")]
Smearing = Annotated[
    str,
    BeforeValidator(one_of("fermi-dirac", "gaussian", "methfessel-paxton")),
    Said("str", "fermi-dirac, gaussian or methfessel-paxton"),
]
Mixing = Annotated[
    str, BeforeValidator(one_of("broyden", "adaptive", "linear")), Said("str", "broyden, adaptive or linear")
]


class LAPWEngineOptions(ProcedureOptions):
    """The settings of the engine lapw."""

    basis: Basis = option(
        "LAPW: how the plane waves are augmented in the muffin tins: apw+lo and lapw converge to the same energies, "
        "apw has no linearisation and is for comparison only",
        "apw+lo",
        category="inferred",
    )
    rkmax: Real = option(
        "LAPW: R_MT K_max, the cutoff of the plane waves times a muffin-tin radius; the time grows as its ninth power",
        7.0,
        category="inferred",
        ge=1,
        le=20,
    )
    rkmax_radius: RKmaxRadius = option(
        "LAPW: which radius R_MT is, where elements differ", "smallest", category="inferred"
    )
    l_max: Whole = option("LAPW: largest angular momentum of the augmentation", 8, category="inferred", ge=3, le=20)
    local_orbitals: Flag = option(
        "LAPW: local orbitals at the energies of the semicore states", True, category="inferred"
    )
    k_grid: KGrid | None = option(
        "LAPW: k points along the reciprocal vectors", category="inferred", default_words="from k_spacing"
    )
    k_spacing: Real = option(
        "LAPW: largest distance of neighbouring k points (2π included) where no k_grid is given",
        0.3,
        unit="1/Å",
        category="inferred",
        ge=0.001,
        le=100,
    )
    k_offset: KOffset | None = option(
        "LAPW: shift of the k grid in units of its steps", category="inferred", default_words="none: Γ is a point"
    )
    functional: Functional = option("LAPW: exchange and correlation", "PBE", category="inferred")
    relativity: Relativity = option(
        "LAPW: the valence states scalar-relativistic, or with spin-orbit coupling; the core is fully relativistic",
        "scalar",
        category="inferred",
    )
    core: Core = option(
        "LAPW: which states are core states: the deep ones, or the shallow ones (semicore) too",
        "deep",
        category="inferred",
    )
    smearing: Smearing = option("LAPW: smearing of the occupations", "fermi-dirac", category="inferred")
    smearing_width: Real = option("LAPW: width of the smearing", 0.03, unit="eV", category="inferred", ge=1e-6, le=10)
    forces: Flag = option("LAPW: compute forces too", False, category="inferred")
    muffin_tin: MuffinTin = option(
        "LAPW: radii of the muffin tins; auto takes the largest that fit all the structures of the step",
        "auto",
        category="inferred",
    )
    primitive: Flag = option(
        "LAPW: compute the primitive cell where the given one is not; energies stay those of the given one",
        False,
        category="inferred",
    )
    energy_tolerance: Real = option(
        "LAPW: self-consistent when the energy of the cell changes less",
        1e-4,
        unit="eV",
        category="inferred",
        ge=1e-12,
        le=10,
    )
    potential_tolerance: Real = option(
        "LAPW: ... and the root mean square of the potential",
        3e-5,
        unit="eV",
        category="inferred",
        ge=1e-12,
        le=10,
    )
    max_loops: Whole = option("LAPW: self-consistent loops at most", 200, category="inferred", ge=1, le=10**6)
    mixing: Mixing = option("LAPW: mixing of the potentials of the loops", "broyden", category="inferred")
    lapw_command: Words = option(
        "LAPW: command that starts Elk, with {cores} for the number of cores where it runs under MPI",
        "elk-lapw",
        category="inferred",
    )
    threads: Whole | None = option(
        "LAPW: OpenMP threads of the program",
        category="inferred",
        ge=1,
        le=10**4,
        default_words="the replica's share of the cores",
    )
