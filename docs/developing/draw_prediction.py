"""The pictures of docs/prediction.md: landscapes of three molecules, and how a search comes to its end.

python docs/developing/draw_prediction.py [--out docs/figures]

The crystals are those of tests/data/engines_tblite, the molecules as in them. A few CPU-minutes. Needs pyscf.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import StrMethodFormatter

from genarris_fw import lattice
from genarris_fw.crystal import Molecule, Structure, read, symmetrize, whole_molecules
from genarris_fw.lattice.searching.finding import Match
from genarris_fw.lattice.searching.rounds import State
from genarris_fw.pictures import save
from genarris_fw.pictures.style import INK, SETS, new_figure, style

CRYSTALS = Path(__file__).resolve().parents[2] / "tests" / "data" / "engines_tblite"
WINDOW = 10.0  # kJ/mol
NAMES = {"urea": "urea, Z = 2", "acetic_acid": "acetic acid, Z = 4", "naphthalene": "naphthalene, Z = 2"}


@dataclass(frozen=True)
class Predicted:
    """A search with its rounds, and the measured crystal among what it found."""

    name: str
    found: lattice.Search
    rounds: list[State]
    experiment: Structure
    match: Match | None


def predict(name: str) -> Predicted:
    """Search for the crystals of a molecule in its conventional cell's number, and look for the measured one."""
    experiment = whole_molecules(read(CRYSTALS / f"{name}.in")[0])
    size = int(experiment.properties["number_of_atoms_in_molecule"])
    molecule = symmetrize(Molecule(experiment.species[:size], experiment.positions[:size]), tol=0.03)
    model = lattice.Model(molecule, lattice.Potential(), lattice.electrostatics(molecule))
    rounds: list[State] = []
    found = lattice.search(molecule, len(experiment) // size, model, window=WINDOW, progress=rounds.append)
    match = lattice.find(found, experiment)
    about = "not found" if match is None else f"rank {match.rank}, RMSD_15 {match.rmsd:.2f} Å"
    near = sum(energy <= 5 for energy in above_lowest(found))
    sys.stdout.write(
        f"{name}: {len(found.structures)} minima, {near} within 5 kJ/mol, "
        f"estimated {found.completeness}, {found.draws} draws, "
        f"{found.cpu_seconds:.0f} CPU-s, {found.reason}; experiment: {about}\n"
    )
    return Predicted(name, found, rounds, experiment, match)


def above_lowest(found: lattice.Search) -> list[float]:
    """Return the energies of the minima above the lowest, kJ/mol."""
    energies = [float(structure.properties["lattice_energy"]) for structure in found.structures]
    return [energy - min(energies) for energy in energies]


def draw_landscape(axes: Axes, one: Predicted) -> None:
    """Draw energy against density, the measured crystal named."""
    above = above_lowest(one.found)
    densities = [structure.density for structure in one.found.structures]
    axes.scatter(densities, above, s=14, color=SETS[2], zorder=3)
    if one.match is not None:
        structure = one.found.structures[one.match.index]
        place = (structure.density, one.match.energy_above_lowest)
        axes.scatter(*place, s=80, facecolors="none", edgecolors=SETS[1], linewidths=1.4, zorder=4)
        on_the_right = structure.density > (min(densities) + max(densities)) / 2
        axes.annotate(
            f"the measured crystal:\nrank {one.match.rank}, RMSD$_{{15}}$ {one.match.rmsd:.2f} Å",
            place,
            xytext=(-16 if on_the_right else 10, 0),
            textcoords="offset points",
            ha="right" if on_the_right else "left",
            color=SETS[1],
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    axes.axvline(one.experiment.density, color=SETS[1], linewidth=0.7, linestyle=":", zorder=1)
    axes.set_title(f"{NAMES[one.name]}: {len(above)} minima", loc="left")
    axes.set_xlabel("density (g/cm³)")
    axes.set_ylabel("kJ/mol above the lowest")
    axes.set_ylim(-0.6, WINDOW + 0.4)
    axes.margins(x=0.15)


def draw_rounds(axes: Axes, one: Predicted) -> None:
    """Draw how many minima were seen after every round, and how many there are by the estimate."""
    draws = [state.draws for state in one.rounds]
    estimates = [state.completeness(WINDOW) for state in one.rounds]
    lows, highs = [estimate.low for estimate in estimates], [estimate.high for estimate in estimates]
    axes.fill_between(draws, lows, highs, color=SETS[0], alpha=0.6, linewidth=0, label="95 % interval")
    axes.plot(draws, [estimate.estimate for estimate in estimates], "--", color=INK, linewidth=1.0, label="estimate")
    axes.plot(draws, [estimate.seen for estimate in estimates], "o-", color=SETS[2], markersize=3, label="seen")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlim(0, None)
    axes.set_xlabel("crystals drawn, after every round")
    axes.set_ylabel(f"minima within {WINDOW:g} kJ/mol")
    axes.legend(loc="upper right")
    axes.set_title(NAMES[one.name], loc="left")


def draw_hits(axes: Axes, one: Predicted) -> None:
    """Draw how often every minimum was met, the lowest on the left."""
    hits = [structure.properties["hits"] for structure in one.found.structures]
    marked = None if one.match is None else one.match.index
    colors = [SETS[1] if k == marked else SETS[2] for k in range(len(hits))]
    axes.bar(range(1, len(hits) + 1), hits, color=colors, width=1.0)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("rank by energy")
    axes.set_ylabel("how often it was met")


def main() -> None:
    """Search, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/figures"), help="the folder of the pictures")
    out: Path = parser.parse_args().out
    searches = [predict(name) for name in NAMES]
    with style():
        figure = new_figure(10.2, 3.4)
        for axes, one in zip(figure.subplots(1, 3), searches, strict=True):
            draw_landscape(axes, one)
    save(figure, out / "prediction_landscapes", ["svg"])
    with style():
        figure = new_figure(7.4, 3.0)
        left, right = figure.subplots(1, 2)
        draw_rounds(left, searches[1])
        draw_hits(right, searches[1])
    save(figure, out / "prediction_rounds", ["svg"])


if __name__ == "__main__":
    main()
