"""The concepts of the LAPW method as settings, in their own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from genarris_fw.engines.base import Settings
from genarris_fw.errors import InputError

BASES = ("apw+lo", "lapw", "apw")
# Elk's numbers of the functionals it has in itself.
FUNCTIONALS = {"PBE": 20, "PBEsol": 22, "revPBE": 21, "WC06": 26, "AM05": 30, "LDA": 3, "LDA-PZ": 2}
RELATIVITY = ("scalar", "spin-orbit")
CORES = ("deep", "semicore")
SMEARING = {"fermi-dirac": 3, "gaussian": 0, "methfessel-paxton": 1}
MIXING = {"broyden": 3, "adaptive": 1, "linear": 0}
RADII = {"smallest": -3, "average": -1}
LEAST_L_MAX, MOST_L_MAX = 3, 20


@dataclass(frozen=True)
class LAPWSettings(Settings):
    """Settings of the LAPW engine.

    Attributes
    ----------
    basis : str
        ``apw+lo``: in the channels of the valence states augmented plane waves that match in value, linearised by
        local orbitals; in the higher channels as ``lapw``. ``lapw``: every channel linearised by the radial function's
        energy derivative, matched in value and slope. ``apw``: one radial function at a fixed energy and no
        linearisation, which shows what the linearisation is good for and is not for results.
    rkmax : float
        R_MT K_max, without unit: the cutoff of the plane waves times a muffin-tin radius. The basis grows as its
        cube, the time as its ninth power.
    rkmax_radius : str
        Which radius that is, where elements differ: ``smallest`` or ``average``.
    l_max : int
        Largest angular momentum of the augmentation in the muffin tins.
    local_orbitals : bool
        Local orbitals at the energies of semicore and low valence states. Without them only those of the linearisation
        are left, and the semicore states become core states.
    k_grid : list of int or None
        Three numbers of k points, along the reciprocal vectors of the cell that is computed; None: `k_spacing`.
    k_spacing : float
        1/Å, 2π included; the largest distance of neighbouring k points where no `k_grid` is given.
    k_offset : list of float or None
        The grid's shift in units of its steps, three numbers from 0 to below 1; None: no shift, Γ is a point.
    functional : str
        ``PBE``, ``PBEsol``, ``revPBE``, ``WC06``, ``AM05``, ``LDA`` (Perdew-Wang) or ``LDA-PZ`` (Perdew-Zunger).
    relativity : str
        Of the valence states: ``scalar``-relativistic radial functions, or with ``spin-orbit`` coupling as a second
        variation. The core is fully relativistic in either case.
    core : str
        Which states are core states, solved by the Dirac equation in the crystal's spherical potential, anew in each
        loop: ``deep``, those of the species files; ``semicore``, the shallow ones too (Al 2p, Ga 3d), which have no
        local orbitals then.
    smearing : str
        ``fermi-dirac``, ``gaussian`` or ``methfessel-paxton`` (first order).
    smearing_width : float
        eV.
    forces : bool
        Compute forces too, with the corrections for the basis that moves with the atoms.
    muffin_tin : str or dict
        ``auto``: the radii of the species files, reduced where spheres would overlap in this structure; or
        element -> radius in Å. For a series of structures whose energies are compared, give all the same radii:
        `LAPWEngine.muffin_tins` finds some that fit.
    primitive : bool
        Compute the primitive cell where the given one is not; energy and forces are those of the given cell. The
        `k_grid` is then that of the primitive cell.
    energy_tolerance, potential_tolerance : float
        eV; self-consistent when the total energy (eV per cell) and the root mean square of the potential change less.
    max_loops : int
        Cap of the self-consistent loops.
    mixing : str
        ``broyden``, ``adaptive`` or ``linear``.
    auto_correct : bool
        Try other mixing and more loops, once each, where the loop does not converge.
    lapw_command : str
        The program, with its launcher where there is one: ``mpirun -n {cores} elk-lapw``.
    species_dir : str or None
        Folder of Elk's species files; None: the one that comes with the program.
    threads : int or None
        OpenMP threads of the program; None: the evaluation's cores, or 1 where the command has ``{cores}``.
    silence : float
        Seconds without a sign of life after which the program is ended.
    max_gigabytes : float
        What the program's files may take.
    """

    NOT_OF_THE_ENERGY: ClassVar[frozenset[str]] = frozenset(
        {"forces", "max_loops", "mixing", "auto_correct", "lapw_command", "species_dir"}
        | {"threads", "silence", "max_gigabytes"}
    )

    basis: str = "apw+lo"
    rkmax: float = 7.0
    rkmax_radius: str = "smallest"
    l_max: int = 8
    local_orbitals: bool = True
    k_grid: list[int] | None = None
    k_spacing: float = 0.3
    k_offset: list[float] | None = None
    functional: str = "PBE"
    relativity: str = "scalar"
    core: str = "deep"
    smearing: str = "fermi-dirac"
    smearing_width: float = 0.03
    forces: bool = False
    muffin_tin: str | dict[str, float] = "auto"
    primitive: bool = False
    energy_tolerance: float = 1e-4
    potential_tolerance: float = 3e-5
    max_loops: int = 200
    mixing: str = "broyden"
    auto_correct: bool = True
    lapw_command: str = "elk-lapw"
    species_dir: str | None = None
    threads: int | None = None
    silence: float = 3600.0
    max_gigabytes: float = 20.0

    def __post_init__(self) -> None:
        """Refuse unknown words and values out of their bounds, with an InputError."""
        for name, valid in (
            ("basis", BASES),
            ("rkmax_radius", tuple(RADII)),
            ("functional", tuple(FUNCTIONALS)),
            ("relativity", RELATIVITY),
            ("core", CORES),
            ("smearing", tuple(SMEARING)),
            ("mixing", tuple(MIXING)),
        ):
            if getattr(self, name) not in valid:
                _refuse(name, f"one of {', '.join(valid)}", getattr(self, name))
        positive = ["rkmax", "k_spacing", "smearing_width", "energy_tolerance", "potential_tolerance", "silence"]
        for name in [*positive, "max_gigabytes", "max_loops", "threads"]:
            value = getattr(self, name)
            if value is not None and not value > 0:
                _refuse(name, "positive", value)
        if not LEAST_L_MAX <= self.l_max <= MOST_L_MAX:
            _refuse("l_max", f"from {LEAST_L_MAX} to {MOST_L_MAX}", self.l_max)
        if self.k_grid is not None and not _three(self.k_grid, int, lambda n: n >= 1):
            _refuse("k_grid", "three whole numbers from 1", self.k_grid)
        if self.k_offset is not None and not _three(self.k_offset, (int, float), lambda x: 0 <= x < 1):
            _refuse("k_offset", "three numbers from 0 to below 1", self.k_offset)
        if isinstance(self.muffin_tin, str):
            good = self.muffin_tin == "auto"
        else:
            good = all(isinstance(radius, (int, float)) and radius > 0 for radius in self.muffin_tin.values())
        if not good:
            _refuse("muffin_tin", "'auto' or element -> radius in Å", self.muffin_tin)
        if not self.lapw_command.split():
            _refuse("lapw_command", "a program such as 'elk-lapw'", self.lapw_command)


def _three(values: list[Any], kind: Any, fits: Any) -> bool:
    plain = all(isinstance(value, kind) and not isinstance(value, bool) for value in values)
    return len(values) == 3 and plain and all(fits(value) for value in values)


def _refuse(name: str, valid: str, value: object) -> None:
    raise InputError(f"engine lapw: setting '{name}' must be {valid}, not {value!r}")
