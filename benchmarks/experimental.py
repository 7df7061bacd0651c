"""Whether the generator finds experimental crystals, whose molecules are given as they are in the crystal.

    python benchmarks/experimental.py FOLDER_OF_MOLECULES FOLDER_OF_CRYSTALS [--structures 5000] [--press 0.85]

For every crystal NAME.cif, the molecule NAME_in_crystal.in (or NAME.in) is packed in all compatible space groups, as
many structures in each, and pressed. Copies are left out, and oxtalign (https://pypi.org/project/oxtalign) compares
the rest with two crystals: the experimental one as it is, and the one that it becomes in the same press. A match has
15 of 15 molecules, each within 1 Å (hydrogen left out). The molecule is rigid, so this tests the packing alone.

    groups      space groups the molecule fits, and in brackets those with at least one structure
    pool        structures left; copies are those left out
    density     of the crystal compared with, over the experimental one; then the median of the pool
    self        RMSD_15 of the crystal compared with from the experimental one, Å, or how many of 15 molecules match
    matches     how many; then those with RMSD_15 below 0.5 Å
    RMSD_15     of the best match, without and with hydrogen, Å; or the most molecules matched by any structure
    group       that the best match was made in, and its position
    rank        its place by density, the densest first, and its density over the experimental one
    first       structures generated up to the first match, the groups taking turns, and the draws these took
"""

import argparse
import json
import math
import sys
import time
from collections import Counter
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


@dataclass(frozen=True, eq=False)
class Made:
    """A generated structure: the group it was meant for, its number there and the group's draws up to it."""

    structure: Structure
    group: int
    wyckoff: str
    number: int
    draws: int


@dataclass
class Match:
    """What the comparison of a pool with a crystal gave."""

    density: float  # of the crystal, over the experimental one
    own_matched: int = SHELL
    own_rmsd: float = 0.0
    matches: int = 0
    close_matches: int = 0
    most_matched: int = 0
    rmsd: float | None = None
    rmsd_with_hydrogen: float | None = None
    group: int = 0
    wyckoff: str = ""
    density_rank: int = 0
    density_of_match: float = 0.0
    first_structures: int = 0
    first_in_its_group: int = 0
    first_draws: int = 0
    matches_by_group: dict[int, int] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass
class Found:
    """What was made, and whether the crystals compared with are in it."""

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
    median_density: float  # over the experimental one
    generation_seconds: float
    matches: dict[str, Match]


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

    try:
        return oxtalign.from_arrays(
            structure.species, structure.fractional, cell=structure.lattice, include_hydrogens=hydrogen
        )
    except ValueError:  # a cell so flat that oxtalign cannot put its molecules together
        return None


def compared(one: Any, other: Any) -> tuple[int, float]:
    """Molecules matched, of 15, and the root mean square distance of their atoms in Å."""
    import oxtalign

    if one is None or other is None:
        return 0, math.inf
    result = oxtalign.compare(one, other, n=SHELL)
    return result.n_matched, result.rmsd_n


def with_hydrogen(crystal: Structure, hits: list[Made]) -> float | None:
    target = for_oxtalign(crystal, True)
    results = [compared(target, for_oxtalign(one.structure, True)) for one in hits]
    return min((rmsd for matched, rmsd in results if matched == SHELL), default=None)


def match(case: Case, crystal: Structure, pool: list[Made], prepared: list[Any], everything: list[Made]) -> Match:
    """Compare the structures of a pool, which `prepared` holds for oxtalign, with a crystal."""
    start, target = time.perf_counter(), for_oxtalign(crystal)
    found = Match(volume(case.crystal) / volume(crystal))
    found.own_matched, found.own_rmsd = compared(for_oxtalign(case.crystal), target)
    results = [compared(target, one) for one in prepared]
    found.seconds = time.perf_counter() - start
    found.most_matched = max(matched for matched, _ in results)
    hits = [(rmsd, one) for (matched, rmsd), one in zip(results, pool) if matched == SHELL]
    found.matches, found.close_matches = len(hits), sum(rmsd < CLOSE for rmsd, _ in hits)
    if not hits:
        return found
    found.rmsd, best = min(hits, key=lambda hit: hit[0])
    found.rmsd_with_hydrogen = with_hydrogen(crystal, [one for _, one in hits])
    found.group, found.wyckoff = best.group, best.wyckoff
    found.density_of_match = volume(case.crystal) / volume(best.structure)
    found.density_rank = 1 + sum(volume(one.structure) < volume(best.structure) for one in pool)
    found.matches_by_group = dict(Counter(one.group for _, one in hits).most_common())
    first = hits[0][1]
    before = everything[: everything.index(first) + 1]
    found.first_structures, found.first_in_its_group = len(before), first.number + 1
    found.first_draws = draws(before)
    return found


def draws(made: list[Made]) -> int:
    """The draws that these, in their order, took."""
    return sum({one.group: one.draws for one in made}.values())


def volume(structure: Structure) -> float:
    return float(structure.cell_volume)


def search(case: Case, chosen: argparse.Namespace, press_sr: float) -> Found:
    start = time.perf_counter()
    everything, groups = generate_all(case, chosen, press_sr)
    seconds = time.perf_counter() - start
    pool = without_copies(everything)
    prepared = [for_oxtalign(one.structure) for one in pool]
    targets = {"as it is": case.crystal}
    if press_sr:
        targets["pressed"] = press(case.crystal, press_sr)
    return Found(
        name=case.name,
        Z=case.Z,
        space_group=case.space_group,
        press=press_sr,
        sr=chosen.sr or press_sr or UNPRESSED_SR,
        groups=groups,
        groups_with_structures=len({one.group for one in everything}),
        generated=len(everything),
        draws=draws(everything),
        pool=len(pool),
        copies=len(everything) - len(pool),
        relabelled=sum(one.structure.properties["spg"] != one.group for one in pool),
        median_density=float(np.median([volume(case.crystal) / volume(one.structure) for one in pool])),
        generation_seconds=seconds,
        matches={name: match(case, crystal, pool, prepared, everything) for name, crystal in targets.items()},
    )


HEADER = (
    f"{'crystal':12}{'Z':>2}{'spg':>4}{'press':>6}{'groups':>9}{'pool':>6}{'copies':>7}  {'compared':9}{'density':>12}"
    f"{'self':>9}{'matches':>9}{'RMSD_15':>11}{'group':>8}{'rank':>12}{'first':>16}"
)


def lines(found: Found) -> list[str]:
    start = (
        f"{found.name:12}{found.Z:2d}{found.space_group:4d}{found.press or 'none':>6}"
        f"{f'{found.groups} ({found.groups_with_structures})':>9}{found.pool:6d}{found.copies:7d}  "
    )
    return [start + line(name, one, found.median_density) for name, one in found.matches.items()]


def line(name: str, found: Match, median: float) -> str:
    own = f"{found.own_rmsd:.2f}" if found.own_matched == SHELL else f"{found.own_matched} of {SHELL}"
    start = f"{name:9}{f'{found.density:.3f} {median:.3f}':>12}{own:>9}{f'{found.matches}; {found.close_matches}':>9}"
    if found.rmsd is None:
        return start + f"{f'{found.most_matched} of {SHELL}':>11}"
    hydrogen = "none" if found.rmsd_with_hydrogen is None else f"{found.rmsd_with_hydrogen:.2f}"
    return (
        f"{start}{f'{found.rmsd:.2f} {hydrogen}':>11}{f'{found.group} {found.wyckoff}':>8}"
        f"{f'{found.density_rank} {found.density_of_match:.3f}':>12}"
        f"{f'{found.first_structures} {found.first_draws:.1e}':>16}"
    )


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
            print(*lines(found), sep="\n", flush=True)
            rows.append(asdict(found))
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
