"""``genarris-fw predict``: from a molecule to its crystals of lowest lattice energy, in this process."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.conformers import Searched, chosen, nearest_match, ranked, together
from genarris_fw.cli.examples import example
from genarris_fw.cli.interrupting import BEGINS_AGAIN, when_interrupted
from genarris_fw.cli.main import EXIT_OK
from genarris_fw.cli.numbers import Number
from genarris_fw.cli.overwriting import force_option, refuse_there
from genarris_fw.views.waiting import waiting

if TYPE_CHECKING:
    from genarris_fw.crystal import Molecule
    from genarris_fw.crystal.reading import Disorder
    from genarris_fw.lattice.energy.model import Model
    from genarris_fw.lattice.potentials.potential import Potential
    from genarris_fw.lattice.searching.finding import Match
    from genarris_fw.lattice.searching.search import Search
    from genarris_fw.telling import Told

FILE = click.Path(path_type=Path)
SHOWN = 20  # crystals of the table


@click.command(
    name="predict",
    epilog=example("predict urea.xyz --experiment urea.cif", 'predict "smiles: CC(=O)O" --z 4 --out crystals'),
)
@click.argument("molecule", type=FILE)
@click.option("--record", type=click.IntRange(1), default=None, help="Which record of the file; else all conformers.")
@click.option("--disorder", type=click.Choice(["refuse", "major"]), default="refuse", help="Of a disordered crystal.")
@click.option("--component", type=click.IntRange(1), default=None, help="Which of different molecules in the file.")
@click.option(
    "--conformers", type=click.IntRange(1), default=10, show_default=True, help="At most so many, the lowest."
)
@click.option("--z", "numbers", default=None, help="Molecules per cell: 4, or 2,4.  [default: 2,4]")
@click.option("--experiment", type=FILE, default=None, help="A crystal (CIF, ...) to find among the predicted ones.")
@click.option(
    "--space-groups", default=None, help="all, csd, chiral, racemic, or numbers: 14,2.  [default: all, or csd if large]"
)
@click.option("--potential", default=None, help="An atom-atom potential of the package, or a json file.")
@click.option("--charges", default=None, help="Wave function of the charges, or GFN2.  [default: HF/6-31G**]")
@click.option("--relax", is_flag=True, help="Relax the molecule first, by the method of the charges.")
@click.option("--as-given", is_flag=True, help="Leave short X-H bonds and near symmetry as they are.")
@click.option("--second", default="FIT", show_default=True, help="A second potential's opinion; none for none.")
@click.option("--window", type=Number(1e-3, 1000), default=None, help="kJ/mol above the lowest.  [default: 10]")
@click.option("--max-cpu-seconds", type=Number(0.1, 1e9), default=None, help="End by then; not reproducible.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--out", type=FILE, default=None, help="A folder for the crystals, as CIF files.")
@force_option
@json_option
def command(
    molecule: Path,
    record: int | None,
    disorder: Disorder,
    component: int | None,
    conformers: int,
    numbers: str | None,
    experiment: Path | None,
    space_groups: str | None,
    potential: str | None,
    charges: str | None,
    relax: bool,
    as_given: bool,
    second: str,
    window: float | None,
    max_cpu_seconds: float | None,
    seed: int,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> int:
    """Predict how MOLECULE (geometry.in, xyz, ...) packs: its crystals of lowest lattice energy, the molecule rigid.

    MOLECULE is a file of any format that is read, or "smiles: CC(=O)O". Of several conformers (an ensemble of CREST,
    an sdf file, SMILES) each is searched; their crystals are ranked together by lattice energy and that of the
    conformer.

    Charges are fitted to the molecule's electrostatic potential; crystals are drawn, minimised and compared until
    little seems to be missing. With --experiment the measured crystal is named with its rank. What is not said is
    decided from the molecule and from what is installed: a large one is searched in the 20 commonest groups, to 5
    kJ/mol. The same search on many machines: genarris-fw new writes its ui.conf.
    """
    from genarris_fw.crystal import Reading, read_molecules
    from genarris_fw.lattice.potentials.potential import Potential
    from genarris_fw.lattice.searching.finding import find
    from genarris_fw.lattice.searching.search import search
    from genarris_fw.options.starting import (
        charge_method,
        extent_for,
        numbers_for,
        numbers_in,
        potentials_for,
        prepared,
        remarks_on,
    )
    from genarris_fw.procedures.options.experiments import experiment_for

    begun, cpu = time.monotonic(), time.process_time()
    if out is not None:  # before minutes of work
        refuse_there(sorted(out.glob("*.cif")), force, "--out")
    reading = Reading(disorder, record, component)
    numbered, cut = chosen(read_molecules(molecule, reading=reading), conformers, record or 1)
    several = len(numbered) > 1
    noted = [*reading.notes, *([cut] if cut else [])]
    said, remarks, searched = list(noted), [], []
    other = None if second == "none" else Potential(second)
    used = Potential(potential) if potential is not None else None
    with when_interrupted(BEGINS_AGAIN), waiting() as told:
        for number, read in numbered:
            name = f"conformer {number}: " if several else ""
            cpu_before = time.process_time()
            method = charges or charge_method(read.species)
            told(f"{name}charges by {method}", 0, 0)
            given, done = prepared(read, method, relax, as_given)
            crystal = None if experiment is None else experiment_for(str(experiment), given)
            wanted = numbers_for(given, crystal) if numbers is None else numbers_in(numbers, "--z")
            extent = extent_for(given)
            groups = _groups(space_groups or extent.space_groups)
            if used is None:
                used = Potential(potentials_for(given)[0])
                done = [*done, *remarks_on(used.name, given)]
            kept: dict[str, Any] = {}  # the wave function is computed once for both potentials
            model = _model(given, used, method, kept)
            opinion = None if other is None else _model(given, other, method, kept)
            charged = f"{given.formula}: charges by {method}; {time.process_time() - cpu_before:.1f} CPU-s"
            said += [f"{name}{line}" for line in (*done, charged)]
            noted += [f"{name}{line}" for line in done]
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", UserWarning)
                share = None if max_cpu_seconds is None else max_cpu_seconds / len(numbered)
                found = search(
                    *(given, wanted, model, groups, window or extent.window),
                    max_cpu_seconds=share,
                    seed=seed,
                    told=_of_conformer(told, name),
                )
            remarks += [f"{name}{one.message}" for one in caught if issubclass(one.category, UserWarning)]
            again = None if opinion is None else _again(found, opinion, told)
            match = None if crystal is None else find(found, crystal)
            relative = float(read.properties.get("relative_energy", 0.0))
            searched.append(Searched(number, relative, found, again, match))
    assert used is not None
    if out is not None:
        _write(searched, out)
    seconds = {"wall": time.monotonic() - begun, "cpu": time.process_time() - cpu}
    if as_json:
        print_json(_plain(searched, used, second, noted + remarks, seconds))
        return EXIT_OK
    for line in said + [f"note: {remark}" for remark in remarks]:
        click.echo(line)
    _show(searched, used, second, experiment is not None)
    click.echo(f"{seconds['wall']:.0f} s, {seconds['cpu']:.0f} CPU-s")
    return EXIT_OK


def _of_conformer(told: Told, name: str) -> Told:
    return lambda what, done, of: told(f"{name}{what}", done, of)


def _groups(text: str) -> str | list[int]:
    words = text.split(",")
    return [int(word) for word in words] if all(word.strip().isdigit() for word in words) else text


def _model(molecule: Molecule, potential: Potential, method: str, kept: dict[str, Any]) -> Model:
    from genarris_fw.lattice.charges.by_method import electrostatics
    from genarris_fw.lattice.energy.model import Model

    charges = electrostatics(molecule, method, kept=kept)
    return Model(molecule, potential, charges)


def _again(found: Search, model: Model, told: Told) -> list[float]:
    """The energies of the minima of another model that the found ones lead to; NaN where they lead to none."""
    energies = []
    for number, structure in enumerate(found.structures):
        told("by the second potential", number, len(found.structures))
        ended = model.minimise(structure)
        energies.append(ended.energy if ended.converged else math.nan)
    return energies


def _write(searched: Sequence[Searched], folder: Path) -> None:
    from genarris_fw.crystal import write

    structures = []
    for number, row in enumerate(ranked(searched), 1):
        structures.append(row.structure.copy())
        structures[-1].struct_id = f"{number:04d}" + (f"_conformer_{row.conformer}" if len(searched) > 1 else "")
    write(structures, folder, "cif")


def _rows(searched: Sequence[Searched]) -> list[dict[str, Any]]:
    rows = []
    for rank, row in enumerate(ranked(searched), 1):
        about = row.structure.properties
        rows.append(
            {
                "rank": rank,
                "lattice_energy": about["lattice_energy"],
                "above_lowest": row.above,
                "second": row.second,
                "density": row.structure.density,
                "spg": about["spg"],
                "site_symmetry": about["site_symmetry_group"],
                "hits": about["hits"],
                **({"conformer": row.conformer} if len(searched) > 1 else {}),
            }
        )
    return rows


def _plain(
    searched: Sequence[Searched], potential: Potential, second: str, remarks: list[str], seconds: dict[str, float]
) -> dict[str, Any]:
    about = together(searched)
    plain = {
        "potential": potential.name,
        "second_potential": None if searched[0].again is None else second,
        "crystals": _rows(searched),
        "completeness": {name: about[name] for name in ("seen", "low", "estimate", "high")},
        "ended": about["ended"],
        "draws": about["draws"],
        "failures": about["failures"],
        "experiment": _of_match(searched),
        "remarks": remarks,
        "seconds": seconds,
    }
    if len(searched) > 1:
        plain["conformers"] = [
            {"conformer": one.number, "relative_energy": one.relative, "crystals": len(one.found.structures)}
            for one in searched
        ]
    return plain


def _of_match(searched: Sequence[Searched]) -> dict[str, Any] | None:
    found = nearest_match(searched)
    if found is None:
        return None
    one, match = found
    rank, above = _place(searched, one, match)
    plain = {"rank": rank, "rmsd": match.rmsd, "above_lowest": above, "shift": match.shift}
    plain |= {"conformer": one.number} if len(searched) > 1 else {}
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in plain.items()}


def _place(searched: Sequence[Searched], one: Searched, match: Match) -> tuple[int, float]:
    """Rank of a conformer's crystal among those of all, and its energy above the lowest, kJ/mol."""
    rows = ranked(searched)
    rank = next(k for k, row in enumerate(rows) if (row.conformer, row.index) == (one.number, match.index))
    return rank + 1, rows[rank].above


def _show(searched: Sequence[Searched], potential: Potential, second: str, asked: bool) -> None:
    from rich.table import Table

    from genarris_fw.views.layout import console

    several, opinion = len(searched) > 1, searched[0].again is not None
    found = nearest_match(searched)
    place = None if found is None else _place(searched, *found)
    table = Table(box=None, pad_edge=False)
    columns = ["rank", "kJ/mol", "above", f"above, {second}", "g/cm3", "group", "site", "hits", "conformer", ""]
    for name in columns:
        if (opinion or not name.startswith("above,")) and (several or name != "conformer"):
            table.add_column(name, justify="right")
    for row in _rows(searched)[:SHOWN]:
        cells = [str(row["rank"]), f"{row['lattice_energy']:.2f}", f"{row['above_lowest']:.2f}"]
        cells += ["-" if row["second"] is None else f"{row['second']:.2f}"] if opinion else []
        cells += [f"{row['density']:.3f}", str(row["spg"]), row["site_symmetry"], str(row["hits"])]
        cells += [str(row["conformer"])] if several else []
        table.add_row(*cells, "the experiment" if place is not None and row["rank"] == place[0] else "")
    console().print(table)
    if several:
        energies = ", ".join(f"{one.number}: {one.relative:.2f}" for one in searched)
        click.echo(f"'above' includes the energy of the conformer above the lowest one, kJ/mol: {energies}")
    about, window = together(searched), max(one.found.window for one in searched)
    click.echo(
        f"{about['seen']} minima within {window:g} kJ/mol by {potential.name} ({about['draws']} draws, ended: "
        f"{about['ended']}); estimated number {about['estimate']:.0f} ({about['low']:.0f} to {about['high']:.0f})"
    )
    if found is not None and place is not None:
        rmsd = found[1].rmsd
        words = "clusters that do not lie on each other" if math.isnan(rmsd) else f"RMSD_15 {rmsd:.2f} Å"
        of = f", of conformer {found[0].number}" if several else ""
        click.echo(
            f"the experimental crystal is number {place[0]}{of}, {place[1]:.2f} kJ/mol above the lowest, {words}"
        )
    elif asked:
        click.echo("the experimental crystal is not among them")
