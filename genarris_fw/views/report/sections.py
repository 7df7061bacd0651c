"""What stands in which section of a report."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal import Molecule, Structure, cell_properties, space_group
from genarris_fw.views.report.best import best_table
from genarris_fw.views.report.content import BEST, FAILURES, Content
from genarris_fw.views.report.figures import Shown
from genarris_fw.views.report.points import MOST_POINTS, experiment_of, symbol_of
from genarris_fw.views.report.provenance import costs_section, provenance_section
from genarris_fw.views.report.tables import Section, plain_table, without_empty
from genarris_fw.views.wording import counted, duration

# Å: measured coordinates are rounded.
SYMPREC_MEASURED = 0.05
# Pictures that stand in a section of their own; all others, those of other packages too, are distributions.
PLACES = {
    "funnel": "stages",
    "landscape": "landscape",
    "landscape_by_cluster": "landscape",
    "hits": "search",
    "energies_before_and_after": "relaxation",
    "map": "descriptors",
    "map_by_cluster": "descriptors",
    "map_by_energy": "descriptors",
    "distances_by_cluster": "descriptors",
}


def sections_of(catalogue: Catalogue, found: Content, shown: Iterable[Shown]) -> list[Section]:
    """Return the sections of a report that have something in them.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    found : Content
        What is known.
    shown : iterable of Shown
        The pictures, those left out among them.
    """
    by_place: dict[str, list[Shown]] = {}
    for one in shown:
        kind = "hits" if one.name.startswith("hits_") else one.name
        by_place.setdefault(PLACES.get(kind, "distributions"), []).append(one)
    sections = [
        _stages(found),
        Section("landscape", "Landscape", _landscape_words(found)),
        _experiment(found),
        *_best(catalogue, found),
        Section("distributions", "Distributions"),
        _search(found),
        Section("relaxation", "Before and after", _changes_words(by_place.get("relaxation", []))),
        Section("descriptors", "Descriptors"),
        costs_section(catalogue, found),
        _failures(found),
        provenance_section(found),
    ]
    for section in sections:
        section.figures = by_place.get(section.id, [])
    return [section for section in sections if section]


def molecule_of(found: Content) -> Molecule | None:
    """Return the molecule of the run's first step that has one."""
    for about in (found.record.get("molecules") or {}).values():
        return Molecule(about["species"], about["positions"])
    return None


def _stages(found: Content) -> Section:
    rows = [
        (step["name"], step["state"], duration(step["seconds"]), step["done"], step["failed"], step["result"])
        for step in found.state["steps"]
    ]
    table = plain_table("steps", ["step", "state", "time", "items", "given up", "result"], rows)
    words = [] if found.stages or found.without_structures else ["No step has left structures yet."]
    return Section("stages", "Stages", words, tables=[table] if rows else [])


def _landscape_words(found: Content) -> list[str]:
    if found.pool is None:
        return []
    pool = found.pool
    if not found.landscapes or found.landscapes[0].name != pool.name:
        why = pool.missing.get("energies", "no structure has both an energy and a density")
        return [f"Pool {pool.name}: {why}, so there is no landscape of it. What is known of it stands below."]
    own = found.landscapes[0]
    words = [
        f"Energies called “{pool.energy_name}” of pool {pool.name}, per molecule, above the lowest: "
        f"{len(own.ids):,} of {counted(own.of, 'structure')}."
    ]
    if own.of > len(own.ids) == MOST_POINTS:
        words.append(f"Shown are the {MOST_POINTS:,} lowest.")
    elif own.of > len(own.ids):
        words.append("The others have no energy of the same engine with the same settings, or no density.")
    return words


def _best(catalogue: Catalogue, found: Content) -> list[Section]:
    if found.pool is None or not found.best:
        return []
    words = {
        "energy": f"The {counted(len(found.best), 'structure')} of lowest energy in pool {found.pool.name}.",
        "density": f"There are no energies; the {counted(len(found.best), 'densest structure')} in pool "
        f"{found.pool.name}.",
        "": f"{counted(len(found.best), 'structure')} of pool {found.pool.name}; neither energies nor densities are "
        "known.",
    }
    title = "Lowest structures" if found.best_by == "energy" else "Structures"
    more = f" All {len(found.pool.ids):,} are written by genarris-fw export." if len(found.pool.ids) > BEST else ""
    table = best_table(catalogue, found, molecule_of(found))
    return [Section("best", title, [words[found.best_by] + more], tables=[table])]


def _experiment(found: Content) -> Section:
    section = Section("experiment", "Experiment")
    if found.measured is None and not found.experiments:
        return section
    if found.measured is not None:
        section.words.append(f"The measured crystal: {_crystal_words(found.measured)}.")
    rows = [
        (
            one["pool"],
            one["step"],
            one.get("structure") if one.get("found") else "not found",
            one.get("rank"),
            one.get("rank_density"),
            _float(one.get("above_lowest")),
            _float(one.get("rmsd")),
            _matched(one),
            _float(one.get("powder")),
            _float(one.get("powder_variable_cell")),
            None if one.get("found") else one.get("words"),
        )
        for one in found.experiments
    ]
    heads = ["pool", "step", "structure", "rank by energy", "by density", "above the lowest, kJ/mol", "RMSD, Å"]
    heads += ["molecules matched", "powder similarity", "the same, any cell", "in words"]
    if rows:
        section.tables.append(without_empty(plain_table("where it was found", heads, rows)))
    else:
        section.words.append("It was not compared with the structures of a pool.")
    remarks = dict.fromkeys(str(remark) for one in found.experiments for remark in one.get("remarks") or [])
    section.words += remarks
    return section


def _matched(one: dict[str, Any]) -> str | None:
    return f"{one['molecules']} of {one['of']}" if one.get("molecules") and one.get("of") else None


def _crystal_words(crystal: Structure) -> str:
    words = [str(crystal.struct_id)] if crystal.struct_id else []
    if crystal.lattice is not None:
        group = space_group(crystal, SYMPREC_MEASURED)
        words += [f"space group {symbol_of(group)}"] if group else []
        cell = cell_properties(crystal)
        lengths = " ".join(f"{cell[name]:.3f}" for name in ("a", "b", "c"))
        angles = " ".join(f"{cell[name]:.2f}" for name in ("alpha", "beta", "gamma"))
        words += [f"cell {lengths} Å, {angles}°", f"{crystal.density:.3f} g/cm³"]
    return ", ".join(words)


def _search(found: Content) -> Section:
    section = Section("search", "Search")
    for one in found.searches:
        share = one["structures"] / one["estimate"] if one.get("estimate") else None
        section.words.append(
            f"{one['step']}: {one['structures']:,} minima within the window, of {one['estimate']:.1f} estimated "
            f"(95 % interval {one['estimate_low']:.1f} to {one['estimate_high']:.1f})"
            + (f", {100 * min(share, 1.0):.0f} % complete" if share else "")
            + f"; {one['draws']:,} draws in {counted(one['rounds'], 'round')}, {one['minimised']:,} minimised; "
            f"it ended because: {one['reason']}."
        )
        rows = sorted((one.get("failures") or {}).items(), key=lambda pair: -pair[1])
        if rows:
            section.tables.append(plain_table("Draws that gave no minimum", ["reason", "draws"], rows, headed=True))
    return section


def _changes_words(shown: list[Shown]) -> list[str]:
    if not any(one.svg for one in shown):
        return []
    return ["Each point is a structure of the pool: its energy above that of the lowest, over the same of its parent."]


def _failures(found: Content) -> Section:
    section = Section("failures", "Failures")
    total = sum(count for *_, count in found.reasons)
    if found.state["failure"]:
        section.words.append(f"The run failed: {found.state['failure']}")
    for out in found.state["quarantined"]:
        section.words.append(f"A rocket on {out['host']} took no more items of {out['step']}: {out['why']}")
    if total:
        section.words.append(f"{counted(total, 'work item')} given up; the run goes on without them.")
        heads = ["step", "reason", "items"]
        section.tables.append(plain_table("by reason", heads, found.reasons[:FAILURES]))
        rows = [(one["step"], one["key"], one["error"], one["host"], one["attempts"]) for one in found.failures]
        title = "one by one" + (f", the first {FAILURES}" if total > FAILURES else "")
        heads = ["step", "item", "error", "host", "attempts"]
        section.tables.append(plain_table(title, heads, rows, folded=True))
    elif not section.words:
        section.words.append("None: no work item was given up.")
    return section


def tiles_of(found: Content) -> list[dict[str, Any]]:
    """Return the few numbers at the top of the page."""
    tiles: list[dict[str, Any]] = []

    def tile(name: str, value: str, unit: str = "") -> None:
        tiles.append({"name": name, "value": value, "unit": unit})

    if found.stages:
        made = [row["structures"] for row in found.stages]
        tile("structures made", f"{max(made):,}")
    if found.pool is not None:
        tile(f"in pool {found.pool.name}", f"{len(found.pool.ids):,}")
        lattice = found.pool.property("lattice_energy")
        if found.best_by == "energy":
            value = float(lattice[found.best[0]])
            if math.isfinite(value):
                tile("lowest lattice energy", f"{value:.2f}".replace("-", "\N{MINUS SIGN}"), "kJ/mol")
        measured = experiment_of(found.pool)
        if measured is not None:
            rmsd = float(found.pool.property("experiment_rmsd")[measured])
            rank = int(found.pool.property("experiment_rank")[measured])
            tile("experiment's rank", f"{rank}", f"RMSD {rmsd:.2f} Å" if math.isfinite(rmsd) else "")
        elif found.experiments and found.measured is not None:
            tile("experiment", "not found")
    tile("time", duration(found.state["seconds"]))
    given_up = sum(count for *_, count in found.reasons)
    if given_up:
        tile("items given up", f"{given_up:,}")
    return tiles


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
