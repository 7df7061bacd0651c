"""Whether the generator finds experimental crystals, whose molecules are given as they are in the crystal.

    python benchmarks/experimental.py FOLDER_OF_MOLECULES FOLDER_OF_CRYSTALS [--structures 5000] [--press 0.85]

For every crystal NAME.cif, the molecule NAME_in_crystal.in (or NAME.in) is packed in all compatible space groups, as
many structures in each, and pressed. Copies are left out, and oxtalign (https://pypi.org/project/oxtalign) compares
the rest with the crystal: a match has 15 of 15 molecules, each within 1 Å. The molecule is rigid, so this tests the
packing alone. The columns:

    groups      space groups the molecule fits, and in brackets those with at least one structure
    pool        structures left; copies are those left out
    matches     of all; then those with RMSD_15 below 0.5 Å
    RMSD_15     of the best match, without and with hydrogen atoms, Å; or the most molecules matched by any structure
    group       of the best match, as intended
    rank        its place by density, the densest first, and its density over the experimental one
    first       the structures generated up to the first match, the groups taking turns, and their draws
    pressed     the crystal itself after the same press: RMSD_15 from itself, its density over the one before
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from genarris_fw.crystal import Molecule, Structure, read, read_molecule
from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.crystal.symmetry import space_group
from genarris_fw.descriptors.amd import amd
from genarris_fw.generation import Group, Occupation, Sampling, cutoff_matrix, estimate_volume, occupations, press
from genarris_fw.generation.duplicates import first_of_equals
from genarris_fw.generation.generator import undeformed
from genarris_fw.generation.group_choice import choose, quotas
from genarris_fw.generation.modes import pilot

SHELL = 15  # molecules compared
CLOSE = 0.5  # Å
SAME = 0.01  # Å, of average minimum distances
UNPRESSED_SR = 0.85
FIRST_ROUND = {"rejection": 1 << 13, "packing": 1 << 7}
MOST_DRAWS = {"rejection": 20_000_000, "packing": 20_000}  # of each occupation


@dataclass(frozen=True)
class Case:
    name: str
    molecule: Molecule
    crystal: Structure
    Z: int
    volume: float  # of the cell that is asked for, Å3

    @property
    def space_group(self) -> int:
        return space_group(self.crystal)


@dataclass(frozen=True)
class Made:
    """A generated structure: the group it was meant for, its number there and the group's draws up to it."""

    structure: Structure
    group: int
    wyckoff: str
    number: int
    draws: int


@dataclass
class Found:
    """A line of the table."""

    name: str
    Z: int
    space_group: int
    press: float
    sr: float
    groups: int
    groups_with_structures: int
    generated: int
    draws: int
    pool: int
    copies: int
    relabelled: int
    generation_seconds: float
    matches: int = 0
    close_matches: int = 0
    most_matched: int = 0
    rmsd: float | None = None
    rmsd_with_hydrogen: float | None = None
    match_group: int | None = None
    match_wyckoff: str | None = None
    match_volume_ratio: float | None = None
    density_rank: int | None = None
    first_structures: int | None = None
    first_draws: int | None = None
    first_in_its_group: int | None = None
    matches_by_group: dict[int, int] = field(default_factory=dict)
    pressed_crystal_rmsd: float | None = None
    pressed_crystal_matched: int = 0
    pressed_crystal_density: float | None = None
    median_density: float | None = None
    comparison_seconds: float = 0.0


def cases(molecules: Path, crystals: Path) -> Iterator[Case]:
    for path in sorted(crystals.glob("*.cif")):
        names = [molecules / f"{path.stem}{ending}" for ending in ("_in_crystal.in", ".in")]
        found = [name for name in names if name.exists()]
        if not found:
            print(f"{path.stem}: no molecule in {molecules}", file=sys.stderr)
            continue
        molecule, crystal = read_molecule(found[0]), whole_molecules(read(path)[0])
        Z = len(crystal) // len(molecule)
        yield Case(path.stem, molecule, crystal, Z, Z * estimate_volume(molecule))


def by_group(case: Case, max_deformation: float) -> dict[int, list[Occupation]]:
    found: dict[int, list[Occupation]] = {}
    for occupation in undeformed(occupations(case.molecule, case.Z), max_deformation):
        found.setdefault(occupation.space_group, []).append(occupation)
    return found


def draw_group(group: Group, sampling: Sampling, quota: int) -> list[Made]:
    """Draw in rounds until there are enough, or the draws are spent."""
    made: list[Made] = []
    first, count = 0, FIRST_ROUND[sampling.mode]
    while len(made) < quota and first < MOST_DRAWS[sampling.mode] and not group.hopeless(sampling):
        accepted, _ = group.draw(sampling, first, count, quota - len(made))
        for hit in accepted:
            place = hit.occupation
            made.append(Made(hit.structure, place.space_group, place.wyckoff, len(made), hit.attempts))
        first, count = first + count, 2 * count
    return made


def generate_all(case: Case, chosen: argparse.Namespace, press_sr: float) -> tuple[list[Made], int]:
    """Everything generated, the groups taking turns, and the number of compatible groups."""
    sr = chosen.sr or press_sr or UNPRESSED_SR
    cutoffs = cutoff_matrix(case.molecule, sr)
    pressed = cutoff_matrix(case.molecule, press_sr) if press_sr else None
    sites = by_group(case, chosen.max_deformation)
    wanted = quotas(chosen.space_groups, choose(chosen.space_groups, sorted(sites)), chosen.structures)
    made: list[Made] = []
    for number, quota in wanted.items():
        group = Group(case.molecule, sites[number], cutoffs, press_cutoffs=pressed)
        mode = pilot(group, chosen.seed, case.volume, 0.075 * case.volume).mode
        made += draw_group(group, Sampling(mode, chosen.seed, case.volume, 0.075 * case.volume), quota)
    return sorted(made, key=lambda one: (one.number, one.group)), len(wanted)


def without_copies(made: list[Made]) -> list[Made]:
    """Leave out what equals an earlier structure of the same group."""
    kept = []
    for group in {one.group for one in made}:
        members = [one for one in made if one.group == group]
        firsts = first_of_equals(np.array([amd(one.structure) for one in members]), SAME)
        kept += [one for k, one in enumerate(members) if firsts[k] == k]
    return sorted(kept, key=lambda one: (one.number, one.group))


def for_oxtalign(structure: Structure, hydrogen: bool = False) -> Any:
    import oxtalign

    return oxtalign.from_arrays(
        structure.species, structure.fractional, cell=structure.lattice, fractional=True, include_hydrogens=hydrogen
    )


def compared(crystal: Structure, structure: Structure, hydrogen: bool = False) -> tuple[int, float]:
    """Molecules matched, of 15, and the root mean square distance of their atoms in Å."""
    import oxtalign

    try:
        result = oxtalign.compare(for_oxtalign(crystal, hydrogen), for_oxtalign(structure, hydrogen), n=SHELL)
    except ValueError:  # a cell so flat that oxtalign cannot put its molecules together
        return 0, math.inf
    return result.n_matched, result.rmsd_n


def compare_all(case: Case, pool: list[Made], everything: list[Made], found: Found) -> None:
    start = time.perf_counter()
    results = [compared(case.crystal, one.structure) for one in pool]
    found.comparison_seconds = round(time.perf_counter() - start, 1)
    found.most_matched = max(matched for matched, _ in results)
    hits = [(rmsd, one) for (matched, rmsd), one in zip(results, pool) if matched == SHELL]
    found.matches, found.close_matches = len(hits), sum(rmsd < CLOSE for rmsd, _ in hits)
    if not hits:
        return
    found.rmsd, best = min(hits, key=lambda hit: hit[0])
    found.rmsd_with_hydrogen = min(
        (
            rmsd
            for matched, rmsd in (compared(case.crystal, one.structure, True) for _, one in hits)
            if matched == SHELL
        ),
        default=None,
    )
    found.match_group, found.match_wyckoff = best.group, best.wyckoff
    found.match_volume_ratio = volume(best.structure) / volume(case.crystal)
    found.density_rank = 1 + sum(volume(one.structure) < volume(best.structure) for one in pool)
    for _, one in hits:
        found.matches_by_group[one.group] = found.matches_by_group.get(one.group, 0) + 1
    first = hits[0][1]
    before = everything[: everything.index(first) + 1]
    found.first_structures, found.first_in_its_group = len(before), first.number + 1
    found.first_draws = sum({one.group: one.draws for one in before}.values())


def volume(structure: Structure) -> float:
    return float(structure.cell_volume)


def search(case: Case, chosen: argparse.Namespace, press_sr: float) -> Found:
    start = time.perf_counter()
    everything, groups = generate_all(case, chosen, press_sr)
    seconds = time.perf_counter() - start
    pool = without_copies(everything)
    found = Found(
        name=case.name,
        Z=case.Z,
        space_group=case.space_group,
        press=press_sr,
        sr=chosen.sr or press_sr or UNPRESSED_SR,
        groups=groups,
        groups_with_structures=len({one.group for one in everything}),
        generated=len(everything),
        draws=sum({one.group: one.draws for one in everything}.values()),
        pool=len(pool),
        copies=len(everything) - len(pool),
        relabelled=sum(one.structure.properties["spg"] != one.group for one in pool),
        generation_seconds=round(seconds, 1),
    )
    found.median_density = float(np.median([volume(case.crystal) / volume(one.structure) for one in pool]))
    compare_all(case, pool, everything, found)
    if press_sr:
        after = press(case.crystal, press_sr)
        found.pressed_crystal_matched, found.pressed_crystal_rmsd = compared(case.crystal, after)
        found.pressed_crystal_density = volume(case.crystal) / volume(after)
    return found


HEADER = (
    f"{'crystal':13}{'Z':>2}{'spg':>5}{'press':>6}{'groups':>10}{'pool':>6}{'copies':>7}{'matches':>12}"
    f"{'RMSD_15':>14}{'group':>9}{'rank':>6}{'density':>8}{'first':>7}{'draws':>10}{'pressed':>14}"
)


def line(found: Found) -> str:
    start = (
        f"{found.name:13}{found.Z:2d}{found.space_group:5d}{found.press or 'none':>6}"
        f"{f'{found.groups} ({found.groups_with_structures})':>10}{found.pool:6d}{found.copies:7d}"
        f"{f'{found.matches}; {found.close_matches}':>12}"
    )
    if found.rmsd is None or found.match_volume_ratio is None:
        middle = f"{f'{found.most_matched} of {SHELL}':>14}" + " " * 40
    else:
        with_hydrogen = f"{found.rmsd_with_hydrogen:.2f}" if found.rmsd_with_hydrogen is not None else "none"
        middle = (
            f"{f'{found.rmsd:.2f}; {with_hydrogen}':>14}{f'{found.match_group} {found.match_wyckoff}':>9}"
            f"{found.density_rank:6d}{1 / found.match_volume_ratio:8.3f}{found.first_structures:7d}"
            f"{found.first_draws:10.2g}"
        )
    if found.pressed_crystal_density is None:
        return start + middle
    stayed = found.pressed_crystal_matched == SHELL
    own = f"{found.pressed_crystal_rmsd:.2f}" if stayed else f"{found.pressed_crystal_matched} of {SHELL}"
    return start + middle + f"{f'{own}; {found.pressed_crystal_density:.3f}':>14}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("molecules", type=Path, help="folder of geometry.in files")
    parser.add_argument("crystals", type=Path, help="folder of CIF files")
    parser.add_argument("--structures", type=int, default=5000)
    parser.add_argument("--press", type=float, nargs="+", default=[0.85], help="contact fractions; 0 does not press")
    parser.add_argument("--sr", type=float, help="of the generation; by default that of the press")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--names", nargs="+", help="these crystals alone")
    parser.add_argument("--space-groups", choices=["all", "csd"], default="all", help="equal or CSD-weighted quotas")
    parser.add_argument("--max-deformation", type=float, default=1e-3, help="of the molecule on its site, Å")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    try:
        import oxtalign  # noqa: F401
    except ImportError:
        sys.exit("oxtalign is missing, which compares crystals: pip install oxtalign")
    rows = []
    print(HEADER)
    for case in cases(chosen.molecules, chosen.crystals):
        if chosen.names and case.name not in chosen.names:
            continue
        for press_sr in chosen.press:
            found = search(case, chosen, press_sr)
            print(line(found), flush=True)
            rows.append(asdict(found))
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
