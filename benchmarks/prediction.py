"""Whether known crystals are predicted: the search for each, its rank, and what it costs.

    python benchmarks/prediction.py FOLDER_OF_CRYSTALS [NAME ...] [--potential W99] [--method HF/6-31G**]
        [--hydrogens standard] [--relaxed] [--at-nuclei] [--space-groups all] [--window 10] [--longer 10] [--json FILE]

Of every crystal NAME.cif the molecule is taken as it is there, with --hydrogens standard its X-H bonds as neutrons see
them, or with --relaxed as the method of the charges has it by itself, and made exactly symmetric where it is so to
0.03 Å; its Z is given, its space group is not. Charges are fitted, the search runs until it says that it is complete,
and the crystal, minimised by the same model, is looked for among the minima. CPU time of one process.

    rank, above     place by energy, and kJ/mol per molecule above the lowest; - where it is not among the minima
    RMSD_15         of the minimum found from the experimental crystal as measured, Å
    hits            draws that ended in it
    minima          within 5 kJ/mol of the lowest
    of              all within the window: seen, then the estimate of all and its 95 % interval
    draws           made, and in brackets minimised; counted work is evaluations of the lattice energy, in thousands
    charges, CPU    seconds; the charges with what relaxing took
    end             why the search ended
    longer          with --longer F: minima that a search of F times as many draws finds within the window (of the
                    shorter search's lowest), and whether the interval holds them
"""

import argparse
import json
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

from genarris_fw import lattice
from genarris_fw.crystal import Molecule, Structure, read, standard_hydrogens, symmetrize
from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.errors import GenarrisError

SYMMETRIC = 0.03  # Å
NEAR = 5.0  # kJ/mol


@dataclass
class Row:
    name: str
    atoms: int
    Z: int
    rank: int | None
    above: float | None
    rmsd: float | None
    hits: int | None
    near: int
    seen: int
    completeness: tuple[float, float, float]
    lowest: float
    experiment: float | None
    draws: int
    minimised: int
    work: float
    charges_seconds: float
    cpu_seconds: float
    reason: str
    failures: dict[str, int]
    longer: int | None = None
    holds: bool | None = None


def main() -> None:
    chosen = options()
    paths = [path for path in sorted(chosen.crystals.glob("*.cif")) if not chosen.names or path.stem in chosen.names]
    if not paths:
        sys.exit(f"{chosen.crystals} holds no crystal of these names")
    rows = []
    print(HEAD, flush=True)
    for path in paths:
        try:
            rows.append(predicted(path, chosen))
        except GenarrisError as error:
            print(f"{path.stem:<16} {error}", flush=True)
            continue
        print(line(rows[-1]), flush=True)
        if chosen.json:
            chosen.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    found = [row.rank for row in rows if row.rank is not None]
    print(f"found {len(found)} of {len(paths)}; first {found.count(1)}; worst rank {max(found, default=None)}")
    if chosen.longer:
        print(f"the interval holds for {sum(bool(row.holds) for row in rows)} of {len(rows)}")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("crystals", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--potential")
    parser.add_argument("--method", default="HF/6-31G**")
    parser.add_argument("--hydrogens", choices=["measured", "standard"], default="measured")
    parser.add_argument("--relaxed", action="store_true")
    parser.add_argument("--at-nuclei", action="store_true")
    parser.add_argument("--space-groups", default="all")
    parser.add_argument("--window", type=float, default=10.0)
    parser.add_argument("--longer", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def predicted(path: Path, chosen: argparse.Namespace) -> Row:
    crystal = whole_molecules(read(path)[0])
    molecule = molecule_of(crystal, chosen.hydrogens == "standard")
    Z = crystal.properties["Z"]
    start = time.process_time()
    if chosen.relaxed:
        molecule = symmetrize(lattice.relaxed(molecule, chosen.method), tol=SYMMETRIC)
    potential = lattice.Potential(chosen.potential) if chosen.potential else lattice.Potential()
    sites = molecule.positions if chosen.at_nuclei else None  # None: where the potential has the hydrogens
    charges = lattice.electrostatics(molecule, chosen.method, hydrogen_sites=sites)
    charges_seconds = time.process_time() - start
    model = lattice.Model(molecule, potential, charges)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # rotatable bonds: this conformer is what is asked for
        found = lattice.search(molecule, Z, model, chosen.space_groups, chosen.window, seed=chosen.seed)
        match = lattice.find(found, crystal)
        row = Row(
            path.stem,
            len(molecule),
            Z,
            match.rank if match else None,
            match.energy_above_lowest if match else None,
            match.rmsd if match else None,
            found.structures[match.index].properties["hits"] if match else None,
            sum(energy(one) <= energy(found.structures[0]) + NEAR for one in found.structures),
            len(found.structures),
            found.completeness,
            energy(found.structures[0]),
            match.energy if match else None,
            found.draws,
            sum(tally.minimised for tally in found.tallies.values()),
            sum(tally.work for tally in found.tallies.values()),
            charges_seconds,
            found.cpu_seconds,
            found.reason,
            found.failures,
        )
        if chosen.longer:
            many = int(chosen.longer * found.draws)
            longer = lattice.search(
                molecule, Z, model, chosen.space_groups, chosen.window, "draws",
                seed=chosen.seed + 1, draws=many, most_work=1e12,
            )  # fmt: skip
            row.longer = sum(energy(one) <= row.lowest + chosen.window for one in longer.structures)
            row.holds = found.completeness[0] <= row.longer <= found.completeness[2]
    return row


def molecule_of(crystal: Structure, standard: bool = False) -> Molecule:
    size = crystal.properties["number_of_atoms_in_molecule"]
    molecule = Molecule(crystal.species[:size], crystal.positions[:size])
    return symmetrize(standard_hydrogens(molecule) if standard else molecule, tol=SYMMETRIC)


def energy(structure: Structure) -> float:
    return float(structure.properties["lattice_energy"])


HEAD = (
    f"{'crystal':<30} {'atoms':>5} {'Z':>2} {'rank':>4} {'above':>6} {'RMSD':>5} {'hits':>5} {'minima':>6} "
    f"{'of':<26} {'draws':>16} {'work/1e3':>8} {'charges':>7} {'CPU':>6} end"
)


def line(row: Row) -> str:
    if row.rank is None:
        place = f"{'-':>4} {'':>6} {'':>5} {'':>5}"
    else:
        place = f"{row.rank:>4} {row.above:>6.2f} {row.rmsd:>5.2f} {row.hits:>5}"
    low, estimate, high = row.completeness
    every = f"{row.seen} of {estimate:.0f} ({low:.0f}-{high:.0f})"
    draws = f"{row.draws} ({row.minimised})"
    text = (
        f"{row.name:<30} {row.atoms:>5} {row.Z:>2} {place} {row.near:>6} {every:<26} {draws:>16} "
        f"{row.work / 1e3:>8.1f} {row.charges_seconds:>7.1f} {row.cpu_seconds:>6.1f} {row.reason}"
    )
    return text if row.longer is None else f"{text}; longer: {row.longer} {'holds' if row.holds else 'fails'}"


if __name__ == "__main__":
    main()
