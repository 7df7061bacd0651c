"""Minimisations raced against another program: occ (`pip install occpy`), same start, potential, multipoles, cutoff.

    python benchmarks/lattice_occ.py FOLDER_OF_CRYSTALS --occ PYTHON_WITH_OCCPY [--names urea,benzene]
        [--charges charges,multipoles] [--generated 1] [--methods mstmin,trust-region] [--seed 0] [--cutoff 15]
        [--json FILE]

occ runs in its own interpreter, one thread; without --occ ours runs alone. Of each crystal of the folder (cif) the
molecule is taken, made exactly symmetric where it is so to 0.03 Å; potential FIT; charges fitted to the HF/6-31G**
potential, or multipoles to rank 4 of the same wave function. Starts are the crystal swollen, sheared, and its molecules
turned and moved within their symmetry (--swell, --strain, --turn, --shift), and with --generated crystals of our
generator in common space groups.

The potential is the same to the cutoff: occ sums exp-6 between atoms to --cutoff, and what Ewald's sums do not take of
the multipoles between molecules whose centres of mass are no farther apart, ranks that sum to 4 at most. So does ours
here, except that exp-6 ends in a switch of --width Å about the cutoff in what is minimised, as a function that jumps
has no minimum; occ takes the jumps as they come. occ has all molecules of the cell as independent (it offers no
symmetry for a potential that is given), and the strains that its lattice system leaves; ours keeps the symmetry. Each
of occ's methods is tried, with the tolerances of its command line if no others are given, and the fastest that
converges within --same of the lowest energy that occ found is taken. --accuracy of occ's Ewald sums: its default of
1e-8 leaves errors to 0.013 kJ/mol; 1e-12 removes them where they lie in the sum over images (naphthalene), and makes
them larger where waves are left out (acetic acid with multipoles: 0.025). Ours do not depend on how the sum is divided
to 1e-6.

    start           kJ/mol per molecule by ours with the same cut; occ's electrostatic and exp-6 energies less ours
    minimum         kJ/mol by ours; occ's less ours; the energy by ours of the crystal where occ ended, less occ's own
    dV, RMSD15      volume of occ's minimum over ours, less 1; the deviation of 15 molecules, Å. occ's forces do not see
                    that atoms enter at the cut as the cell shrinks: its cells are larger by 0.1 % at 15 Å, by 0.02 % at
                    25 Å. The same minimum: energies within --same, RMSD15 at most 0.05 Å
    steps           ours (evaluations), occ's (evaluations) and its method
    ms of CPU       ours: the kernel's minimisation; the same with all that is done before: molecules and symmetry
                    found, the kernel set up; `Model.minimise`, which tests also that it is a minimum by all modes
                    of the cell and reduces the cell, and cuts higher multipoles by sites. occ: minimisation and its
                    setting up
    ratios          occ's time over ours with the setting up, over the kernel's, over the whole
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from genarris_fw._kernels.lattice_multipole_sum import MultipoleLatticeSum
from scipy.spatial.transform import Rotation

from genarris_fw import lattice
from genarris_fw.crystal import Molecule, Structure, read, symmetrize
from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.errors import GenarrisError
from genarris_fw.generation.finishing import Finisher
from genarris_fw.generation.freedom import shift_basis, strain_basis, turn_basis
from genarris_fw.lattice.energy.minimiser import ENDS, LONGEST, MOST_STEPS, POINT_TOLERANCE, TOLERANCE
from genarris_fw.lattice.energy.rigid import IndependentMolecules, independent_molecules, without_symmetry
from genarris_fw.lattice.multipoles import BOHR, ranks
from genarris_fw.lattice.searching.finding import overlay
from genarris_fw.lattice.sums import multipole_model
from genarris_fw.lattice.sums.arguments import lattice_sum, model_arguments, symmetry_arguments
from genarris_fw.lattice.sums.multipole_kinds import MultipoleKind

PEER = Path(__file__).with_name("lattice_occ_peer.py")
EV = 96.48533212331  # kJ/mol
NEAR = 0.05  # Å, RMSD15 of the same minimum
SHARP = 1e-3  # Å: half the width of a switch that is a cut
# occ tells types of atoms apart by these names; the parameters are ours.
NAMES = {
    "H": ("H_W1", "H_W2", "H_W3", "H_W4"),
    "C": ("C_W3", "C_W4", "C_W2"),
    "N": ("N_W1", "N_W2", "N_W3", "N_W4"),
    "O": ("O_W1", "O_W2"),
}


def pushed(model: lattice.Model, crystal: Structure, given: argparse.Namespace, rng: np.random.Generator) -> Structure:
    """The crystal, larger and distorted within its symmetry."""
    rigid = model.rigid(crystal)
    unit = independent_molecules(rigid, model.kinds)
    basis = strain_basis(unit.operations.turns, keep_volume=True)
    strain = given.swell * np.eye(3) + given.strain * np.einsum("s,sij->ij", rng.uniform(-1, 1, len(basis)), basis)
    cell = unit.lattice @ (np.eye(3) + strain)
    rotations, centres = [], []
    for centre in unit.centres:
        turns = unit.operations.turns[unit.operations.stabiliser(centre, POINT_TOLERANCE)]
        axes, ways = turn_basis(turns), shift_basis(turns)
        rotations.append(
            Rotation.from_rotvec(np.radians(given.turn) * rng.uniform(-1, 1, len(axes)) @ axes).as_matrix()
        )
        shift = given.shift * rng.uniform(-1, 1, len(ways)) @ ways
        centres.append(centre + np.linalg.solve(cell.T, shift))
    return unit.rigid(cell, np.array(rotations), np.array(centres), rigid.orders)


def generated(molecule: Molecule, Z: int, wanted: int, seed: int) -> list[Structure]:
    """Crystals of our generator, each of another group."""
    from lattice import generated as hits_of  # the benchmark beside this one

    found = [Finisher(placement).structures(hits[:1])[0] for placement, hits in hits_of(molecule, Z, 0, seed)]
    order = np.random.default_rng(seed).permutation(len(found))
    return [found[k] for k in order[:wanted]]


def site(species: str, name: str, position: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    """An atom as occ wants it: Å; multipoles in e bohr^l."""
    flat = values / BOHR ** ranks(int(np.sqrt(len(values))) - 1)
    parts: dict[str, Any] = {"charge": float(flat[0])}
    for l, part in enumerate(("dipole", "quadrupole", "octupole", "hexadecapole"), start=1):  # noqa: E741
        if len(flat) >= (l + 1) ** 2:
            parts[part] = flat[l * l : (l + 1) ** 2].tolist()
    return {"label": species, "element": species, "type": name, "position": position.tolist(), "multipoles": parts}


def as_occ(model: lattice.Model, start: Structure, cutoff: float, accuracy: float) -> dict[str, Any]:
    """The crystal, its potential and multipoles in occ's JSON (see the peer for what is left to do there)."""
    [kind], [molecule], [charges] = model.kinds, model.molecules, model.electrostatics
    numbers = model.parameters
    element = {int(t): kind.species[i] for i, t in enumerate(kind.types)}
    names: dict[int, str] = {}
    for t in sorted(element):
        used = sum(element[other] == element[t] for other in names)
        names[t] = NAMES[element[t]][used]
    pairs = [
        {
            "types": [names[i], names[j]],
            "elements": [element[i], element[j]],
            "A": numbers.A[i, j] / EV,
            "rho": 1 / numbers.B[i, j],
            "C6": numbers.C[i, j] / EV,
        }
        for i in names
        for j in names
        if j >= i
    ]
    sites = [
        site(species, names[int(t)], position, values)
        for species, t, position, values in zip(kind.species, kind.types, kind.atoms, charges.multipoles, strict=True)
    ]
    assert len(charges.sites) == len(molecule) and np.allclose(kind.sites, kind.atoms)
    rigid = model.rigid(start)
    cell = np.linalg.cholesky(rigid.lattice @ rigid.lattice.T)  # a along x, b in the plane of x and y
    turn = np.linalg.solve(rigid.lattice, cell).T
    placed = []
    for rotation, centre in zip(rigid.rotations, rigid.centres, strict=True):
        whole = turn @ rotation
        parity = 1 if np.linalg.det(whole) > 0 else -1
        orientation = Rotation.from_matrix(parity * whole).as_rotvec()
        placed.append(
            {
                "type": "molecule",
                "rotation": whole.tolist(),
                "centre": (centre @ cell).tolist(),
                "orientation": orientation.tolist(),
                "parity": parity,
            }
        )
    lengths = np.linalg.norm(cell, axis=1)
    angles = [np.degrees(np.arccos(cell[i] @ cell[j] / lengths[i] / lengths[j])) for i, j in ((1, 2), (0, 2), (0, 1))]
    crystal = {
        "title": "start",
        "basis": {
            "multipole_convention": "spherical_gdma",
            "molecule_types": [{"name": "molecule", "sites": sites}],
            "potentials": {"cutoff": cutoff, "buckingham": pairs},
            "settings": {"max_interaction_order": 4, "neighbor_radius": cutoff, "ewald_accuracy": accuracy},
        },
        "crystal": {
            "cell": dict(zip(("a", "b", "c", "alpha", "beta", "gamma"), [*lengths.tolist(), *angles], strict=True)),
            "molecules": placed,
        },
    }
    return {"crystal": crystal, "lattice": cell.tolist()}


def ask(given: argparse.Namespace, task: dict[str, Any]) -> dict[str, Any] | None:
    """The peer's answer, or None where it takes too long or fails."""
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder) / "task.json", Path(folder) / "answer.json"
        question.write_text(json.dumps(task))
        command = [given.occ, PEER, question, answer]
        try:
            done = subprocess.run(command, timeout=given.limit, capture_output=True, text=True, check=False)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode or not answer.exists():
            print(f"  occ: {(done.stderr.strip().splitlines() or ['failed'])[-1]}", file=sys.stderr)
            return None
        return json.loads(answer.read_text())


@dataclass
class Set:
    """A crystal in the kernel: what it is told of the molecules' potential is what occ is told."""

    kernel: Any
    where: tuple[Any, ...]
    unit: IndependentMolecules
    orders: list[list[int]]

    @classmethod
    def up(cls, model: lattice.Model, start: Structure, cutoff: float, symmetric: bool = True) -> "Set":
        """Higher multipoles are cut by the distance of the molecules' centres of mass, as occ does."""
        rigid = model.rigid(start)
        unit = (independent_molecules if symmetric else without_symmetry)(rigid, model.kinds)
        forms, centres = [], []
        for form, centre in zip(unit.forms, unit.centres, strict=True):
            masses = atomic_masses[[atomic_numbers[name] for name in form.species]]
            middle = masses @ form.atoms / masses.sum()
            moved = {"atoms": form.atoms - middle, "sites": form.sites - middle, "aside": form.aside - middle}
            if isinstance(form, MultipoleKind):
                moved["multipole_sites"] = form.multipole_sites - middle
            forms.append(replace(form, **moved))
            centres.append(centre + np.linalg.solve(unit.lattice.T, middle))
        symmetry = symmetry_arguments(unit.operations, centres, POINT_TOLERANCE)
        parts = [0] * len(forms) if symmetric else list(range(len(forms)))
        if isinstance(forms[0], MultipoleKind):
            multipoles = [(form.multipole_sites, form.multipoles) for form in forms]
            own = multipole_model.model_arguments(multipoles, cutoff=cutoff, by_centres=True)
            kernel = MultipoleLatticeSum(model_arguments(model.terms, forms, parts), own, symmetry)
        else:
            kernel = lattice_sum(model.terms, forms, parts, symmetry)
        where = unit.lattice, np.tile(np.eye(3), (len(forms), 1, 1)), np.array(centres), np.arange(len(forms))
        return cls(kernel, where, replace(unit, forms=forms, centres=np.array(centres)), rigid.orders)

    def energy(self) -> np.ndarray:
        """Electrostatic, exp-6, kJ/mol per molecule."""
        exp6, electrostatic, *_ = self.kernel.energy(*self.where)
        return np.array([electrostatic, exp6]) / len(self.orders)

    def minimised(self) -> tuple[Structure, float, int, int, str]:
        """The crystal, kJ/mol per molecule, steps, evaluations, and how it ended."""
        cell, turns, centres, energy, _, steps, evaluations, status = self.kernel.minimise(
            *self.where, MOST_STEPS, TOLERANCE, LONGEST
        )
        crystal = self.unit.rigid(cell, turns, centres, self.orders)
        return crystal, energy / len(self.orders), steps, evaluations, ENDS[status]


def fastest(work: Callable[[], Any]) -> tuple[Any, float]:
    """What it returns, and the CPU seconds of the fastest of three rounds."""
    seconds = []
    for _ in range(3):
        begin = time.process_time()
        found = work()
        seconds.append(time.process_time() - begin)
    return found, min(seconds)


def by_occ(given: argparse.Namespace, task: dict[str, Any]) -> dict[str, Any]:
    """The fastest of occ's methods that found its lowest minimum, under "best"; and all of them."""
    found = {}
    for method in given.methods.split(","):
        tolerances = {"gradient": given.gradient, "energy": given.energy, "steps": given.steps}
        answer = ask(given, task | tolerances | {"method": method})
        if answer is None:
            found[method] = {"ended": f"nothing within {given.limit:.0f} s"}
        else:
            found[method] = answer
    # A collapse ends far below any crystal.
    good = {m: a for m, a in found.items() if a.get("converged") and a["cif"] and a["energy"] > given.collapsed}
    if not good:
        return {"methods": found, "best": None}
    lowest = min(a["energy"] for a in good.values())
    near = [m for m, a in good.items() if a["energy"] <= lowest + given.same]
    return {"methods": found, "best": min(near, key=lambda m: good[m]["seconds"])}


def raced(
    name: str, what: str, charges: Any, molecule: Molecule, start: Structure, given: argparse.Namespace
) -> dict[str, Any]:
    """One start by both."""
    half, cut = given.width / 2, given.cutoff
    sharp = lattice.Model(molecule, lattice.Potential("FIT", taper=(cut - SHARP, cut + SHARP)), charges)
    model = lattice.Model(molecule, lattice.Potential("FIT", taper=(cut - half, cut + half)), charges)
    at = Set.up(sharp, start, cut).energy()
    (crystal, energy, steps, evaluations, ended), seconds = fastest(lambda: Set.up(model, start, cut).minimised())
    alone = fastest(Set.up(model, start, cut).minimised)[1]
    proven, whole = fastest(lambda: model.minimise(start))
    Z = len(start) // len(molecule)
    row: dict[str, Any] = {
        "crystal": name,
        "start": what,
        "charges": "multipoles" if charges.rank else "charges",
        "atoms": len(molecule),
        "Z": Z,
        "start_energy": float(at.sum()),
        "energy": energy,
        "ended": ended,
        "is_minimum": proven.is_minimum,
        "volume": crystal.cell_volume / Z,
        "steps": steps,
        "evaluations": evaluations,
        "seconds": seconds,
        "kernel_seconds": alone,
        "whole_seconds": whole,
    }
    if given.occ is None:
        return row
    task = as_occ(model, start, cut, given.accuracy)
    answer = ask(given, task)
    if answer is not None:
        row["occ_start"] = {
            "electrostatic": answer["electrostatic"] - at[0],
            "repulsion_dispersion": answer["repulsion_dispersion"] - at[1],
            "evaluation_seconds": answer["seconds"],
        }
        row["occ_version"] = answer["version"]
    row["occ"] = by_occ(given, task)
    best = row["occ"]["best"]
    if best is not None:
        answer = row["occ"]["methods"][best]
        with tempfile.NamedTemporaryFile("w", suffix=".cif") as file:
            file.write(answer["cif"])
            file.flush()
            end = whole_molecules(read(file.name)[0])
        row["occ_minimum"] = {
            "energy": answer["energy"] - energy,
            "by_ours": float(Set.up(sharp, end, cut, symmetric=False).energy().sum()) - answer["energy"],
            "volume": end.cell_volume / Z / row["volume"] - 1,
            "rmsd": float(overlay(crystal, end)),
        }
        reached = row["occ_minimum"]
        row["same"] = abs(reached["energy"]) <= given.same and reached["rmsd"] <= NEAR
        row["ratios"] = [answer["seconds"] / row[which] for which in ("seconds", "kernel_seconds", "whole_seconds")]
    for answer in row["occ"]["methods"].values():
        answer.pop("cif", None)
    return row


def line(row: dict[str, Any]) -> str:
    text = f"{row['crystal']:12s} {row['start']:10s} {row['charges']:10s} {row['atoms']:3d} {row['Z']:2d}"
    text += f" {row['start_energy']:9.3f}"
    begun = row.get("occ_start")
    text += f" {begun['electrostatic']:+8.4f} {begun['repulsion_dispersion']:+8.4f}" if begun else 2 * "        -"
    text += f" {row['energy']:9.3f}"
    end = row.get("occ_minimum")
    if end:
        text += f" {end['energy']:+8.4f} {end['by_ours']:+8.4f} {100 * end['volume']:+7.3f} {end['rmsd']:6.3f}"
    else:
        text += "        -        -       -      -"
    text += f" {row['steps']:3d}({row['evaluations']:3d})"
    best = row.get("occ", {}).get("best")
    answer = row["occ"]["methods"][best] if best else {}
    text += f" {answer['steps']:3d}({answer['evaluations']:3d}) {best:12s}" if answer else "   -(  -)             "
    text += "".join(f" {1e3 * row[which]:7.1f}" for which in ("kernel_seconds", "seconds", "whole_seconds"))
    if answer:
        text += f" {1e3 * answer['seconds']:7.0f}" + "".join(f" {ratio:6.0f}" for ratio in row["ratios"])
    if row["ended"] != "converged":
        text += f"  ours: {row['ended']}"
    if "occ" in row and not best:
        reasons = sorted({answer["ended"] for answer in row["occ"]["methods"].values()})
        text += "  occ: no minimum (" + "; ".join(reasons) + ")"
    return text + ("  another minimum" if best and not row["same"] else "")


HEAD = (
    "crystal      start      charges     at  Z     start     d el  d exp-6   minimum   by occ recheck    dV % RMSD15"
    " steps    occ                   kernel   setup   whole     occ  ratio kernel  whole"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--occ", help="a Python interpreter that has occpy")
    parser.add_argument("--names", default="urea,acetic_acid,acrolein,benzene,naphthalene")
    parser.add_argument("--charges", default="charges,multipoles")
    parser.add_argument("--generated", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--swell", type=float, default=0.04)
    parser.add_argument("--strain", type=float, default=0.02)
    parser.add_argument("--turn", type=float, default=8.0, help="degrees, at most, about each axis that is free")
    parser.add_argument("--shift", type=float, default=0.1, help="Å, at most, along each direction that is free")
    parser.add_argument("--cutoff", type=float, default=15.0, help="Å")
    parser.add_argument("--width", type=float, default=1.0, help="Å, of the switch about it in what ours minimises")
    parser.add_argument("--same", type=float, default=0.02, help="kJ/mol")
    parser.add_argument("--collapsed", type=float, default=-1000.0, help="kJ/mol: below it occ's result is none")
    parser.add_argument("--steps", type=int, default=200, help="of occ, at most")
    parser.add_argument("--gradient", type=float, default=1e-3, help="where occ stops; kJ/mol per Å or radian")
    parser.add_argument("--energy", type=float, default=1e-5, help="where occ stops; kJ/mol")
    parser.add_argument("--accuracy", type=float, default=1e-8, help="of occ's Ewald sums")
    parser.add_argument("--methods", default="mstmin,lbfgs,trust-region", help="of occ")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for each of occ's runs")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.occ is not None:
        able = subprocess.run([given.occ, "-c", "import occpy"], capture_output=True, check=False).returncode == 0
        if not able:
            print(f"{given.occ} has no occpy (pip install occpy): ours alone")
            given.occ = None
    else:
        print("no --occ, an interpreter that has occpy: ours alone")
    rows = []
    print(HEAD)
    for name in given.names.split(","):
        crystal = whole_molecules(read(given.folder / f"{name}.cif")[0])
        n, Z = crystal.properties["number_of_atoms_in_molecule"], crystal.properties["Z"]
        molecule = Molecule(crystal.species[:n], crystal.positions[:n])
        with contextlib.suppress(GenarrisError):
            molecule = symmetrize(molecule, tol=0.03)
        kept: dict[str, Any] = {}
        for kind in given.charges.split(","):
            charges = lattice.electrostatics(
                molecule, satellites=False, rank=4 if kind == "multipoles" else 0, kept=kept
            )
            model = lattice.Model(molecule, lattice.Potential("FIT"), charges)
            starts = [("experiment", pushed(model, crystal, given, np.random.default_rng(given.seed)))]
            found = generated(molecule, Z, given.generated, given.seed)
            starts += [(f"group {start.properties['spg']}", start) for start in found]
            for what, start in starts:
                row = raced(name, what, charges, molecule, start, given)
                rows.append(row)
                print(line(row), flush=True)
    for kind in given.charges.split(",") if given.occ else ():
        tried = [row for row in rows if row["charges"] == kind]
        ratios = [row["ratios"][0] for row in tried if row.get("same")]
        text = f"{kind}: the same minimum from {len(ratios)} of {len(tried)} starts"
        if ratios:
            mean = np.exp(np.mean(np.log(ratios)))
            text += f"; ratio of these {min(ratios):.0f} to {max(ratios):.0f}, geometric mean {mean:.0f}"
        print(text)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
