"""Compare_Engines: the same structures in several engines: relative energies, ranking, equations of state.

Energies of two engines have no common zero. They meet here alone, as differences of relative energies; the spread of
the engines is the error bar of their mean, and what is smaller is undecided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genarris_fw.catalogue.documents import StructureDocument
from genarris_fw.crystal import Structure
from genarris_fw.energetics.comparable import FIELDS, comparable_groups, source_of
from genarris_fw.energetics.comparison import EngineComparison, compare
from genarris_fw.energetics.elemental_solids import reference_of
from genarris_fw.energetics.equation_of_state import delta
from genarris_fw.energetics.error_bars import Ranking, ranking
from genarris_fw.errors import RunFailed
from genarris_fw.procedures.kit.base import Campaign, Procedure, explicit_serialize
from genarris_fw.procedures.kit.energies import energies_per_molecule
from genarris_fw.procedures.kit.equations import MOST_PICTURES, WIEN2K, curve_of, file_name, formula, label_of
from genarris_fw.procedures.kit.side_by_side import by_mean, lowest_side_by_side
from genarris_fw.procedures.kit.tables import write_table
from genarris_fw.procedures.options.compare_engines import CompareEnginesOptions
from genarris_fw.units import KJ_PER_MOL_PER_EV

Step = Campaign[CompareEnginesOptions]

DELTA_COLUMNS = ("struct_id", "formula", "first", "second", "Delta (meV/atom)")


@explicit_serialize
class CompareEngines(Procedure[CompareEnginesOptions]):
    """Differences of relative energies of engines, and Delta between equations of state."""

    cheap = True

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Compare, and write tables and pictures."""
        ids = campaign.pool_ids()
        summary: dict[str, Any] = {}
        if names := campaign.options.energy_names:
            summary |= _compare_energies(campaign, ids, names)
        if names := campaign.options.eos_names:
            summary |= _compare_equations(campaign, ids, names)
        return summary


def _compare_energies(campaign: Step, ids: list[str], names: list[str]) -> dict[str, Any]:
    # Within one name all energies are of one engine with the same settings, or this stops the run.
    given = [energies_per_molecule(campaign, ids, name) for name in names]
    rows = [i for i in range(len(ids)) if all(values[i] is not None for values in given)]
    if len(rows) < 2:
        every = "both" if len(names) == 2 else "all"
        listed = f"{', '.join(repr(name) for name in names[:-1])} and '{names[-1]}'"
        raise RunFailed(
            f"{campaign.step}: {len(rows)} of {len(ids)} structures have {every} energies, {listed}, and a comparison "
            "of relative energies needs two; evaluate the same structures with all engines"
        )
    chosen = [ids[i] for i in rows]
    document = _of_energies(campaign, chosen, names)
    sources = [_in_words(document, name) for name in names]
    _refuse_compositions(campaign, chosen, names)
    for group, number in comparable_groups(Counter(source_of(document, name) for name in names)):
        if number > 1:
            several = "both" if len(names) == 2 else f"{number} of the"
            words = f"{several} energies come from one engine with the same settings"
            campaign.log(words, level="WARNING", source=str(group))
    energies = [[float(values[i] or 0.0) * KJ_PER_MOL_PER_EV for i in rows] for values in given]
    against = [compare(values, energies[-1]) for values in energies[:-1]]
    ranked = ranking(energies, campaign.options.least_error)
    undecided = int(ranked.undecided.sum()) - 1
    found = against[0]
    campaign.log(
        "relative energies compared (kJ/mol per molecule)",
        structures=len(rows),
        root_mean_square=round(found.root_mean_square, 3),
        kendall_tau=None if found.kendall_tau is None else round(found.kendall_tau, 3),
        undecided=undecided,
    )
    if campaign.sees_folder():
        folder = campaign.prepared(Path(campaign.options.output_dir))
        _write_energies(folder, chosen, names, sources, against, ranked)
    more = {name: _agreement(one) for name, one in zip(names[1:-1], against[1:])}
    return {
        "structures": len(rows),
        "without_both": len(ids) - len(rows),
        "energy_names": list(names),
        "sources": sources,
        **_agreement(found),
        "lowest": [chosen[found.lowest_of_first], chosen[found.lowest_of_second]],
        "rank_of_lowest": found.rank_of_lowest,
        "lowest_of_mean": chosen[ranked.lowest],
        "side_by_side": lowest_side_by_side(chosen, energies, ranked),
        "undecided": undecided,
    } | ({"others": more} if more else {})


def _agreement(found: EngineComparison) -> dict[str, Any]:
    """Return how well an engine agrees with the reference, in numbers."""
    names = ("root_mean_square", "mean_absolute", "largest", "kendall_tau")
    return {name: getattr(found, name) for name in names}


def _of_energies(campaign: Step, ids: Sequence[str], names: Sequence[str]) -> StructureDocument:
    """Return what the first structure says of where its energies come from: all of one name come from the same."""
    fields = [f"energies.{name}.{key}" for name in names for key in FIELDS]
    fields += [f"energies.{name}.details.method" for name in names] + [f"properties.{name}" for name in names]
    [document] = campaign.catalogue.structures.load(campaign.run, ids[:1], fields)
    return document


def _in_words(document: StructureDocument, name: str) -> str:
    """Return in words where an energy comes from."""
    record = (document.get("energies") or {}).get(name)
    if record is None:
        return str(source_of(document, name) or "")
    method = (record.get("details") or {}).get("method")
    version = record.get("engine_version") or record["engine"]
    return f"{method}, {version}" if method else f"{record['engine']}, {version}"


def _refuse_compositions(campaign: Step, ids: Sequence[str], names: Sequence[str]) -> None:
    """Stop where a molecule is not the same in all structures: their energies are then of different things."""
    keys = [f"energies.{name}.{key}" for name in names for key in ("value", "per_molecule")]
    seen: dict[tuple[tuple[str, float], ...], str] = {}
    for document in campaign.catalogue.structures.load(
        campaign.run, ids, ["geometry.species", "struct_id", "Z", *keys]
    ):
        species = document["geometry"]["species"]
        record = next((r for n in names if (r := (document.get("energies") or {}).get(n))), None)
        cell = record["value"] / record["per_molecule"] if record and record["per_molecule"] else document.get("Z") or 1
        composition = tuple((element, round(species.count(element) / cell, 6)) for element in sorted(set(species)))
        seen.setdefault(composition, document["struct_id"])
    if len(seen) > 1:
        words = ", ".join(
            f"{name} ({' '.join(f'{element} {number:g}' for element, number in composition)})"
            for composition, name in list(seen.items())[:2]
        )
        raise RunFailed(
            f"{campaign.step}: relative energies need one composition per molecule, and these differ: {words}; compare "
            "them in pools of their own, and check Z"
        )


def _write_energies(
    folder: Path,
    ids: Sequence[str],
    names: Sequence[str],
    sources: Sequence[str],
    against: Sequence[EngineComparison],
    ranked: Ranking,
) -> None:
    """Write energies.csv, in the order of the mean, and a picture of each engine against the reference."""
    from genarris_fw.pictures.comparison import comparison
    from genarris_fw.pictures.saving import save

    unit = "(kJ/mol per molecule)"
    reference = against[0].second
    relative = [*(one.first for one in against), reference]
    columns = (
        "struct_id",
        "rank",
        f"mean {unit}",
        f"error bar {unit}",
        *(f"{name} relative to the lowest {unit}" for name in names),
        *(["difference " + unit] if len(names) == 2 else [f"{names[-1]} less {name} {unit}" for name in names[:-1]]),
    )
    write_table(
        folder / "energies.csv",
        columns,
        [
            (
                ids[row],
                ranked.rank(row),
                *(f"{value:.4f}" for value in (ranked.mean[row], ranked.error[row])),
                *(f"{values[row]:.4f}" for values in relative),
                *(f"{one.differences[row]:.4f}" for one in against),
            )
            for row in by_mean(ids, ranked)
        ],
    )
    labels = [f"{name} ({source})" for name, source in zip(names, sources)]
    for number, one in enumerate(against):
        file = "energies" if number == 0 else f"energies_{file_name(names[number])}"
        save(comparison(one, [labels[number], labels[-1]]), folder / file)


def _compare_equations(campaign: Step, ids: list[str], names: list[str]) -> dict[str, Any]:
    """Compare every structure's equations of state with each other, and with WIEN2k's where there is one."""
    records = {
        document["struct_id"]: {
            name: record for name in names if (record := (document.get("properties") or {}).get(name)) is not None
        }
        for document in campaign.catalogue.structures.load(
            campaign.run, ids, ["struct_id", *(f"properties.{name}" for name in names)]
        )
    }
    with_some = [name for name in ids if records[name]]
    if not with_some:
        raise RunFailed(
            f"{campaign.step}: no structure has an equation of state '{names[0]}'; run LAPW_Equation_Of_State before, "
            "or name another in eos_names"
        )
    structures = dict(zip(with_some, campaign.structures(with_some, [])))
    rows: list[dict[str, Any]] = []
    for name in with_some:
        rows += _deltas(structures[name], records[name])
    if campaign.sees_folder():
        _write_equations(campaign.prepared(Path(campaign.options.output_dir)), structures, records, rows)
    against = [row["delta"] for row in rows if row["second"] == WIEN2K]
    mean = {"mean_delta_wien2k": sum(against) / len(against)} if against else {}
    return {"equations_of_state": len(with_some), "deltas": rows[: 5 * MOST_PICTURES]} | mean


def _deltas(structure: Structure, records: dict[str, Any]) -> list[dict[str, Any]]:
    """Return Delta (meV per atom) of all pairs of a structure's curves, and of each with its reference."""
    curves = [(name, curve_of(record).per_atom(record["atoms"])) for name, record in records.items()]
    pairs = [(a, b) for i, a in enumerate(curves) for b in curves[i + 1 :]]
    # Whether a curve has a reference was decided when it was made, where its functional was known.
    with_reference = [pair for pair in curves if "delta_wien2k" in records[pair[0]]]
    if with_reference:
        reference = reference_of(structure)
        pairs += [(pair, (WIEN2K, reference)) for pair in with_reference]
    return [
        {"struct_id": structure.struct_id, "first": a, "second": b, "delta": delta(one, other)}
        for (a, one), (b, other) in pairs
    ]


def _write_equations(
    folder: Path, structures: dict[str, Structure], records: dict[str, dict[str, Any]], rows: list[dict[str, Any]]
) -> None:
    """Write delta.csv and a picture for each structure with something to compare."""
    from genarris_fw.pictures.equation_of_state import Curve, equation_of_state
    from genarris_fw.pictures.saving import save

    write_table(
        folder / "delta.csv",
        DELTA_COLUMNS,
        [
            (
                row["struct_id"],
                formula(structures[row["struct_id"]]),
                row["first"],
                row["second"],
                f"{row['delta']:.4f}",
            )
            for row in rows
        ],
    )
    for name in list(dict.fromkeys(row["struct_id"] for row in rows))[:MOST_PICTURES]:
        drawn = {
            f"{eos}: {label_of(record)}": Curve(
                curve_of(record), record["atoms"], record["volumes"], record["energies"]
            )
            for eos, record in records[name].items()
        }
        if any(row["struct_id"] == name and row["second"] == WIEN2K for row in rows):
            drawn[WIEN2K] = Curve(reference_of(structures[name]))
        title = f"{name} ({formula(structures[name])})"
        save(equation_of_state(drawn, title), folder / f"eos_{file_name(name)}")
