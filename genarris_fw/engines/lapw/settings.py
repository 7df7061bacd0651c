"""The concepts of the LAPW method as settings, in their own words."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import (
    Flag,
    InputFolder,
    Real,
    Said,
    Whole,
    Words,
    k_grid,
    literal,
    number,
    one_of,
    radii,
)
from genarris_fw.engines.programs.settings import LARGEST, REMEDIES, ProgramSettings

BASES = ("apw+lo", "lapw", "apw")
# Elk's numbers of the functionals it has in itself.
FUNCTIONALS = {"PBE": 20, "PBEsol": 22, "revPBE": 21, "WC06": 26, "AM05": 30, "LDA": 3, "LDA-PZ": 2}
RELATIVITY = ("scalar", "spin-orbit")
CORES = ("deep", "semicore")
SMEARING = {"fermi-dirac": 3, "gaussian": 0, "methfessel-paxton": 1}
MIXING = {"broyden": 3, "adaptive": 1, "linear": 0}
RADII = {"smallest": -3, "average": -1}
LEAST_L_MAX, MOST_L_MAX = 3, 20


def k_offset(text: Any) -> list[float]:
    """Read three numbers from 0 to below 1."""
    value = literal(text)
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        raise ValueError("not three numbers")
    offset = [float(number(None if isinstance(part, str) else part)) for part in value]
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


def _words(choices: tuple[str, ...]) -> Said:
    return Said("str", f"{', '.join(choices[:-1])} or {choices[-1]}")


KGrid = Annotated[list[int], BeforeValidator(k_grid), Said("list", "three whole numbers from 1 to 1000, [4, 4, 4]")]
KOffset = Annotated[
    list[float], BeforeValidator(k_offset), Said("list", "three numbers from 0 to below 1, [0.5, 0.5, 0.5]")
]
MuffinTin = Annotated[
    str | dict[str, float], BeforeValidator(muffin_tin), Said("str or dict", 'auto or {"Al": 1.1, ...}: radii in Å')
]
Basis = Annotated[str, BeforeValidator(one_of(*BASES)), _words(BASES)]
RKmaxRadius = Annotated[str, BeforeValidator(one_of(*RADII)), _words(tuple(RADII))]
Functional = Annotated[str, BeforeValidator(one_of(*FUNCTIONALS)), _words(tuple(FUNCTIONALS))]
Relativity = Annotated[str, BeforeValidator(one_of(*RELATIVITY)), _words(RELATIVITY)]
Core = Annotated[str, BeforeValidator(one_of(*CORES)), _words(CORES)]
Smearing = Annotated[str, BeforeValidator(one_of(*SMEARING)), _words(tuple(SMEARING))]
Mixing = Annotated[str, BeforeValidator(one_of(*MIXING)), _words(tuple(MIXING))]


class LAPWSettings(ProgramSettings):
    """Settings of the LAPW engine."""

    # apw+lo: in the channels of the valence states augmented plane waves that match in value, linearised by local
    # orbitals; in the higher channels as lapw. lapw: every channel linearised by the radial function's energy
    # derivative, matched in value and slope. apw: one radial function at a fixed energy.
    basis: Basis = option(
        "how the plane waves are augmented in the muffin tins: apw+lo and lapw converge to the same energies, "
        "apw has no linearisation and is for comparison only",
        "apw+lo",
    )
    # The basis grows as its cube.
    rkmax: Real = option(
        "R_MT K_max, the cutoff of the plane waves times a muffin-tin radius; the time grows as its ninth power",
        7.0,
        ge=1,
        le=20,
    )
    rkmax_radius: RKmaxRadius = option("which radius R_MT is, where elements differ", "smallest")
    l_max: Whole = option("largest angular momentum of the augmentation", 8, ge=LEAST_L_MAX, le=MOST_L_MAX)
    # Without them only those of the linearisation are left, and the semicore states become core states.
    local_orbitals: Flag = option("local orbitals at the energies of the semicore states", True)
    k_grid: KGrid | None = option("k points along the reciprocal vectors", default_words="from k_spacing")
    k_spacing: Real = option(
        "largest distance of neighbouring k points (2π included) where no k_grid is given",
        0.3,
        unit="1/Å",
        ge=0.001,
        le=100,
    )
    k_offset: KOffset | None = option("shift of the k grid in units of its steps", default_words="none: Γ is a point")
    # LDA is Perdew and Wang's parametrisation, LDA-PZ Perdew and Zunger's.
    functional: Functional = option("exchange and correlation", "PBE")
    # Spin-orbit coupling is a second variation.
    relativity: Relativity = option(
        "the valence states scalar-relativistic, or with spin-orbit coupling; the core is fully relativistic", "scalar"
    )
    # Solved by the Dirac equation in the crystal's spherical potential, anew in each loop: those of the species files,
    # or the shallow ones too (Al 2p, Ga 3d), which have no local orbitals then.
    core: Core = option("which states are core states: the deep ones, or the shallow ones (semicore) too", "deep")
    smearing: Smearing = option("smearing of the occupations", "fermi-dirac")
    smearing_width: Real = option("width of the smearing", 0.03, unit="eV", ge=1e-6, le=10)
    forces: Flag = option("compute forces too", False, changes_energy=False)
    muffin_tin: MuffinTin = option(
        "radii of the muffin tins; auto takes the largest that fit all the structures of the step", "auto"
    )
    # The k_grid is then that of the primitive cell.
    primitive: Flag = option(
        "compute the primitive cell where the given one is not; energies stay those of the given one", False
    )
    energy_tolerance: Real = option(
        "self-consistent when the energy of the cell changes less", 1e-4, unit="eV", ge=1e-12, le=10
    )
    potential_tolerance: Real = option(
        "... and the root mean square of the potential", 3e-5, unit="eV", ge=1e-12, le=10
    )
    max_loops: Whole = option("self-consistent loops at most", 200, changes_energy=False, ge=1, le=10**6)
    mixing: Mixing = option("mixing of the potentials of the loops", "broyden", changes_energy=False)
    lapw_command: Words = option(
        "command that starts Elk, with {cores} for the number of cores where it runs under MPI",
        "elk-lapw",
        changes_results=False,
    )
    threads: Whole | None = option(
        "OpenMP threads of the program",
        changes_results=False,
        ge=1,
        le=10**4,
        default_words="the replica's share of the cores",
    )
    # The files' content is part of what an energy is of: see `LAPWEngine.settings_hash`.
    species_dir: InputFolder | None = option(
        "folder of the species files", changes_energy=False, default_words="those of Elk"
    )
    auto_correct: Flag = option(REMEDIES, True, changes_energy=False, written_down=False)
    max_gigabytes: Real = option(LARGEST, 20.0, unit="GB", changes_results=False, written_down=False, ge=1e-6, le=10**6)

    def of_the_result(self, relax: bool) -> dict[str, Any]:
        """Return the settings that a result depends on; species files count by their content, with the energy's."""
        return {name: value for name, value in super().of_the_result(relax).items() if name != "species_dir"}
