"""The figures of docs/generation.md.

    python benchmarks/figures.py FOLDER_OF_MOLECULES FOLDER_OF_CRYSTALS [--out docs/figures] [--only beta press]

The folders are those of experimental.py, with naphthalene and benzene among them. Needs matplotlib.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase.build import molecule as ase_molecule
from experimental import Case, by_group, cases, draw_group, volume
from numpy.typing import NDArray

from genarris_fw.crystal import Molecule
from genarris_fw.generation import Group, Occupation, Sampling, cutoff_matrix, estimate_volume, occupations
from genarris_fw.generation.draws import CALL_DRAWS
from genarris_fw.generation.finishing import Hits
from genarris_fw.generation.generator import undeformed
from genarris_fw.generation.modes import pilot
from genarris_fw.generation.placement import Placement
from genarris_fw.generation.press import press_hits

Floats = NDArray[np.float64]

# A group of each lattice system and its general position's multiplicity.
SYSTEMS = [
    ("triclinic", 2, 2),
    ("monoclinic", 14, 4),
    ("orthorhombic", 19, 4),
    ("tetragonal", 76, 4),
    ("trigonal", 144, 3),
    ("hexagonal", 169, 6),
    ("cubic", 198, 12),
]
BLUE, RED, GREEN, ORANGE, GREY = "#2b6cb0", "#c53030", "#2f855a", "#c05621", "#718096"
SPREAD = 0.075  # standard deviation of the volume over its mean
SR = 0.85


def benzene() -> Molecule:
    atoms = ase_molecule("C6H6")
    return Molecule(atoms.get_chemical_symbols(), atoms.positions)


def hits(placement: Placement, sampling: Sampling, wanted: int) -> Hits:
    """What a kernel accepts, before the cells are reduced."""
    kernel = placement.packer if sampling.mode == "packing" else placement.sampler
    rows, first, found = [], 0, 0
    while found < wanted:
        used, *some = kernel.draw(
            sampling.seed, first, CALL_DRAWS[sampling.mode], wanted - found, sampling.volume_mean, sampling.volume_std
        )
        rows.append(some[:3])
        first, found = first + used, found + len(some[0])
    return Hits.of(*[np.concatenate(columns) for columns in zip(*rows)])


def general(molecule: Molecule, Z: int, group: int) -> Placement:
    occupation = next(o for o in occupations(molecule, Z, 1e-2, [group]) if o.site_symmetry == "1")
    return Placement(molecule, occupation, cutoff_matrix(molecule, SR))


def volumes(found: Hits) -> Floats:
    return np.abs(np.linalg.det(found.lattices))


def normal(x: Floats) -> Floats:
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def orientations(axes, molecules: Path, crystals: Path) -> None:
    molecule = benzene()
    loose = 10 * 4 * estimate_volume(molecule)
    found = hits(general(molecule, 4, 14), Sampling("rejection", 0, loose, SPREAD * loose), 50_000)
    traces = np.trace(found.rotations[:, 0], axis1=1, axis2=2)
    angles = np.degrees(np.arccos(np.clip((traces - 1) / 2, -1, 1)))
    t = np.linspace(0, np.pi, 200)
    left, right = axes
    left.hist(angles, bins=36, range=(0, 180), density=True, color=BLUE, alpha=0.5, label="drawn")
    left.plot(np.degrees(t), np.pi / 180 * (1 - np.cos(t)) / np.pi, color="black", lw=1.2, label=r"$(1-\cos t)/\pi$")
    left.set(xlabel="rotation angle t (°)", ylabel="density (1/°)", xlim=(0, 180))
    left.legend()
    rising = np.sort(angles)
    expected = (np.radians(rising) - np.sin(np.radians(rising))) / np.pi
    right.plot(rising, np.arange(1, len(rising) + 1) / len(rising), color=BLUE, lw=3, alpha=0.5, label="drawn")
    right.plot(rising[::100], expected[::100], color="black", lw=1.2, label=r"$(t-\sin t)/\pi$")
    below = (angles < 60).mean()
    right.axvline(60, ymax=0.7, color=GREY, lw=0.8, ls="--")
    right.text(8, 0.55, f"below 60°: {100 * below:.1f} %\n(uniform: 5.8 %)")
    right.set(xlabel="rotation angle t (°)", ylabel="share with a smaller angle", xlim=(0, 180), ylim=(0, 1))
    right.legend()
    off = np.abs(np.arange(1, len(rising) + 1) / len(rising) - expected).max()
    print(f"orientations: {len(angles)} drawn, {below:.2%} below 60 degrees, largest gap to uniform {off:.4f}")


def cell_volumes(axes, molecules: Path, crystals: Path) -> None:
    molecule = benzene()
    left, right = axes
    bins = np.linspace(-3.6, 4.6, 42)
    for (name, group, Z), colour in zip(SYSTEMS, [BLUE, RED, GREEN, ORANGE, GREY, "#6b46c1", "#319795"]):
        mean = 10 * Z * estimate_volume(molecule)
        found = volumes(hits(general(molecule, Z, group), Sampling("rejection", 0, mean, SPREAD * mean), 20_000))
        scaled = (found - mean) / (SPREAD * mean)
        left.hist(scaled, bins=bins, density=True, histtype="step", color=colour, lw=0.9, label=f"{name} ({group})")
        print(f"volumes: {name}, group {group}: mean {found.mean() / mean:.4f}, deviation {found.std() / mean:.4f}")
    left.set(title="a loose cell, seven groups", ylim=(0, 0.62))
    left.legend(fontsize=6.5, ncols=2, loc="upper center", frameon=False)
    mean = 4 * estimate_volume(molecule)
    for mode, colour in (("rejection", RED), ("packing", GREEN)):
        found = volumes(hits(general(molecule, 4, 14), Sampling(mode, 0, mean, SPREAD * mean), 10_000))
        scaled = (found - mean) / (SPREAD * mean)
        right.hist(scaled, bins=bins, density=True, histtype="step", color=colour, lw=1.2, label=mode)
        print(f"volumes: group 14 at the estimate, {mode}: mean {found.mean() / mean:.4f}")
    right.set(title="the estimated volume, group 14", ylim=(0, 0.62))
    right.plot([], [], color="black", lw=1.2, label="asked for")
    right.legend(fontsize=7, loc="upper left", frameon=False)
    x = np.linspace(-3.5, 4.5, 200)
    for axis in axes:
        axis.plot(x, normal(x), color="black", lw=1.2)
        axis.set(xlabel="(V - mean) / deviation, accepted", ylabel="density", xlim=(-3.5, 4.5))


def space_groups(axes, molecules: Path, crystals: Path, quota: int = 20) -> None:
    molecule, Z = benzene(), 2
    mean = Z * estimate_volume(molecule)
    sites: dict[int, list[Occupation]] = {}
    for occupation in undeformed(occupations(molecule, Z), 1e-3):
        sites.setdefault(occupation.space_group, []).append(occupation)
    kept, relabelled, seen = [], [], set()
    for number, found in sites.items():
        group = Group(molecule, found, cutoff_matrix(molecule, SR), confirm=True)
        sampling = Sampling(pilot(group, 0, mean, SPREAD * mean).mode, 0, mean, SPREAD * mean)
        labels = [made.structure.properties["spg"] for made in draw_group(group, sampling, quota)]
        seen |= set(labels)
        kept.append(sum(label == number for label in labels))
        relabelled.append(len(labels) - kept[-1])
    [axis] = axes
    places = np.arange(len(sites))
    edges = np.arange(len(sites) + 1) - 0.5
    # As steps, not bars: the file stays small.
    axis.stairs(kept, edges, fill=True, color=BLUE, label="in the group intended")
    both = np.array(kept) + np.array(relabelled)
    axis.stairs(both, edges, baseline=np.array(kept), fill=True, color=ORANGE, label="in one that contains it")
    axis.set(ylabel="structures", ylim=(0, quota * 1.25), xlim=(-1, len(sites)))
    axis.set_xticks(places, [str(number) for number in sites], rotation=90, fontsize=5)
    axis.set_xlabel("space group intended")
    axis.legend(ncols=2, loc="upper left", frameon=False)
    reached = sum(a + b > 0 for a, b in zip(kept, relabelled))
    print(
        f"space groups: {len(sites)} compatible, {reached} with structures, {sum(kept) + sum(relabelled)} in all, "
        f"{sum(relabelled)} of them relabelled, in {len(seen)} groups; fewer than {quota} in "
        f"{[number for number, a, b in zip(sites, kept, relabelled) if a + b < quota]}"
    )


def one(name: str, molecules: Path, crystals: Path) -> Case:
    found = next((case for case in cases(molecules, crystals) if case.name == name), None)
    if found is None:
        sys.exit(f"{crystals} has no {name}.cif")
    return found


def obtuse(lattices: Floats) -> Floats:
    """The monoclinic angle in degrees, 90 to 180, of cells with the unique axis b."""
    a, c = lattices[:, 0], lattices[:, 2]
    cosine = (a * c).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(c, axis=1))
    return 180 - np.degrees(np.arccos(np.abs(cosine)))


def reduced(lattices: Floats) -> Floats:
    """The same cells with the two shortest vectors of the plane across b."""
    made = lattices.copy()
    for lattice in made:
        for _ in range(100):
            if lattice[0] @ lattice[0] > lattice[2] @ lattice[2]:
                lattice[[0, 2]] = lattice[[2, 0]]
            steps = np.rint(lattice[2] @ lattice[0] / (lattice[0] @ lattice[0]))
            if steps == 0:
                break
            lattice[2] -= steps * lattice[0]
    return made


def cells(axes, molecules: Path, crystals: Path) -> None:
    case = one("naphthalene", molecules, crystals)
    group = Group(case.molecule, by_group(case, 1e-3)[14], cutoff_matrix(case.molecule, SR))
    sampling = Sampling("rejection", 0, case.volume, SPREAD * case.volume)
    lattices = np.concatenate([hits(placement, sampling, 2500).lattices for placement in group.placements])
    bins = np.linspace(90, 180, 46)
    left, right = axes
    left.hist(obtuse(lattices), bins=bins, density=True, color=BLUE, alpha=0.5, label="this generator")
    x = np.linspace(90, 180, 200)
    left.plot(x, 2 / 8 * normal((x - 90) / 8), color=ORANGE, lw=1.2, label="Normal(90°, 8°)")
    left.set(title="cells as drawn, one setting", ylim=(0, 0.05))
    right.hist(obtuse(reduced(lattices)), bins=bins, density=True, color=GREEN, alpha=0.5, label="this generator")
    right.set(title="the shortest a and c", xlim=(90, 125))
    assert case.crystal.lattice is not None
    shortest = float(obtuse(reduced(case.crystal.lattice[None]))[0])
    # The published cell: the second shortest choice of a and c.
    a, _, c = reduced(case.crystal.lattice[None])[0]
    published = float(obtuse(np.array([[a + c if a @ c < 0 else a - c, np.zeros(3), c]]))[0])
    for axis, angle in ((left, published), (right, shortest)):
        axis.axvline(angle, color=RED, lw=1.2, label=f"experiment, {angle:.1f}°")
        axis.set(xlabel="β (°)", ylabel="density (1/°)")
        axis.legend(loc="upper right", frameon=False)
    for words, found, angle in (("drawn", lattices, published), ("shortest", reduced(lattices), shortest)):
        share, near = (obtuse(found) > angle).mean(), (np.abs(obtuse(found) - angle) < 2).mean()
        print(f"beta, {words}: experiment {angle:.2f}, {share:.1%} above, {near:.1%} within 2 degrees")


def pressing(axes, molecules: Path, crystals: Path, quota: int = 25) -> None:
    case = one("benzene", molecules, crystals)
    left, right = axes
    masses = 78.11 / 0.602214  # g/cm3 of a molecule in 1 Å3
    limits, bins = (70, 160), np.linspace(0.8, 1.6, 41)
    for press_sr, colour in ((0.85, BLUE), (1.0, GREEN)):
        before, after = [], []
        for found in by_group(case, 1e-3).values():
            group = Group(case.molecule, found, cutoff_matrix(case.molecule, press_sr))
            mode = pilot(group, 0, case.volume, SPREAD * case.volume).mode
            for placement in group.placements[:1]:
                some = few(placement, Sampling(mode, 0, case.volume, SPREAD * case.volume), quota)
                before.append(volumes(some) / case.Z)
                after.append(volumes(press_hits(placement, some, placement.cutoffs)) / case.Z)
        v, w = np.concatenate(before), np.concatenate(after)
        label = f"pressed at sr {press_sr:.2f}"
        left.scatter(v, w, s=2, color=colour, alpha=0.6, lw=0, label=label, rasterized=True)
        if press_sr == SR:
            right.hist(masses / v, bins=bins, histtype="step", color=GREY, lw=1.2, label="not pressed")
        right.hist(masses / w, bins=bins, histtype="step", color=colour, lw=1.2, label=label)
        print(f"press, sr {press_sr:g}: {len(v)} structures, median volume {np.median(v):.1f} -> {np.median(w):.1f}")
    measured = volume(case.crystal) / case.Z
    left.plot(limits, limits, color=GREY, lw=0.8, ls="--")
    left.axhline(measured, color=RED, lw=1.2, label="experiment")
    left.set(xlabel="before the press (Å³ per molecule)", ylabel="after it", xlim=(90, 160), ylim=limits)
    left.legend(loc="upper left", fontsize=7, markerscale=4)
    right.axvline(masses / measured, color=RED, lw=1.2, label="experiment")
    right.set(xlabel="density (g/cm³)", ylabel="structures")
    right.legend(loc="upper right", fontsize=7, frameon=False)


def few(placement: Placement, sampling: Sampling, wanted: int) -> Hits:
    """At most so many from a limited number of draws."""
    count = 1 << (20 if sampling.mode == "rejection" else 9)
    kernel = placement.packer if sampling.mode == "packing" else placement.sampler
    _, *some = kernel.draw(sampling.seed, 0, count, wanted, sampling.volume_mean, sampling.volume_std)
    return Hits.of(*some[:3])


FIGURES: dict[str, tuple[Callable[..., None], int]] = {
    "orientations": (orientations, 2),
    "volumes": (cell_volumes, 2),
    "space_groups": (space_groups, 1),
    "beta": (cells, 2),
    "press": (pressing, 2),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("molecules", type=Path, help="folder of geometry.in files")
    parser.add_argument("crystals", type=Path, help="folder of CIF files")
    parser.add_argument("--out", type=Path, default=Path("docs/figures"))
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=list(FIGURES))
    parser.add_argument("--format", default="svg", choices=["svg", "png"])
    chosen = parser.parse_args()
    try:
        import matplotlib
    except ImportError:
        sys.exit("matplotlib is missing, which draws: pip install matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    settings = {"font.size": 8, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False}
    plt.rcParams.update(settings | {"axes.titlesize": 8, "svg.hashsalt": "figures", "savefig.dpi": 150})
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name in chosen.only:
        draw, panels = FIGURES[name]
        figure, axes = plt.subplots(1, panels, figsize=(7.0, 2.7), squeeze=False, layout="constrained")
        draw(axes[0], chosen.molecules, chosen.crystals)
        metadata = {"Date": None} if chosen.format == "svg" else {}
        figure.savefig(chosen.out / f"generation_{name}.{chosen.format}", metadata=metadata)
        plt.close(figure)


if __name__ == "__main__":
    main()
