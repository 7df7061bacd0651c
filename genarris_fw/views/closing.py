"""What a run gave: structures per stage, the best energies, times, what failed, where the files are."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import RunDocument, StructureDocument
from genarris_fw.catalogue.measured import COMPARED
from genarris_fw.declaring.door import OPTIONS
from genarris_fw.energetics.comparable import comparable_groups
from genarris_fw.errors import InputError
from genarris_fw.units import KJ_PER_MOL_PER_EV
from genarris_fw.views.layout import ByWidth
from genarris_fw.views.status import STYLES, status
from genarris_fw.views.wording import core_time, counted, duration

BEST = 10
FAILURES = 10
# Options of the steps that compute energies.
COMPUTES = ("engine", "potential")
# Options that name a file or folder of a step, with what is in it.
FILES = {
    "output_dir": "pool",
    "exemplars_output_dir": "exemplars",
    "geometry_out_filename": "all structures in one file",
    "dist_mat_fpath": "distance matrix",
    "diff_matrix_output": "distance matrix",
    "output_info_file": "descriptors as text",
    "report_file": "account of the descriptors",
    "affinity_matrix_path": "affinity matrix",
    "output_file": "account of the clustering",
    "aims_output_dir": "engine's files",
}


def closing(catalogue: Catalogue, run: str, best: int = BEST) -> dict[str, Any]:
    """Return what a run gave, as plain JSON values.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run : str
        Name of the run.
    best : int, optional
        How many structures a table of energies shows.

    Returns
    -------
    dict
        ``run``, ``state``, ``failure``, ``folder``, ``seconds``, ``core_seconds``;
        ``stages``: ``step``, ``pool``, ``structures`` of every pool a step makes;
        ``energies``: one table per step that gives energies (`best_energies`);
        ``comparisons``: one table per step that set several energies side by side (`side_by_side`);
        ``experiment``: where the measured crystal is in every pool that was compared with it (`of_the_experiment`);
        ``procedures``: ``step``, ``state``, ``seconds``, ``failed``, ``result``;
        ``failed``: the first items given up, each ``step``, ``key``, ``error``; ``failed_items`` counts all;
        ``files``: ``what`` and ``path`` of those that are there on this machine.

    Raises
    ------
    InputError
        When there is no such run.
    """
    record = catalogue.runs.get(run)
    state = status(catalogue, run)
    steps = record.get("options", {}).get("steps", [])
    failures = [
        {"step": step["name"], "key": item["key"], "error": item["error"]}
        for step in steps
        for item in catalogue.work_items.failures(run, step["name"])
    ]
    return {
        **{name: state[name] for name in ("run", "state", "failure", "folder", "seconds", "core_seconds")},
        "stages": stages(steps, state["pools"]),
        "energies": [table for step in steps if (table := best_energies(catalogue, record, step, best))],
        "comparisons": [table for step in steps if (table := side_by_side(record, step))],
        "experiment": of_the_experiment(record, steps),
        "procedures": [
            {"step": step["name"], **{name: step[name] for name in ("state", "seconds", "failed", "result")}}
            for step in state["steps"]
        ],
        "failed": failures[:FAILURES],
        "failed_items": len(failures),
        "files": files(record, steps),
    }


def stages(steps: list[dict[str, Any]], pools: dict[str, int]) -> list[dict[str, Any]]:
    """Return ``step``, ``pool`` and ``structures`` of every pool, in the order of the steps."""
    rows = []
    for step in steps:
        options = step["options"]
        named_here = (options.get("output_pool"), options.get("exemplars_pool"))
        rows += [
            {"step": step["name"], "pool": pool, "structures": pools[pool]} for pool in named_here if pool in pools
        ]
    named = {row["pool"] for row in rows}
    imported = [{"step": "import", "pool": p, "structures": n} for p, n in pools.items() if p not in named]
    return imported + rows


def best_energies(
    catalogue: Catalogue, record: RunDocument, step: dict[str, Any], number: int
) -> dict[str, Any] | None:
    """Return the structures of lowest energy that a step's engine found.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    record : RunDocument
        The run's document.
    step : dict
        One of its steps.
    number : int
        At most so many structures.

    Returns
    -------
    dict or None
        ``step``, ``pool``, ``structures`` (with an energy), ``engine``, ``settings_hash`` and ``rows``: each
        ``struct_id``, ``energy`` and, when the molecule's energy is known, ``lattice_energy`` (kJ/mol per
        molecule), ``relative`` (to the best, kJ/mol per molecule), ``spg``, ``spg_before_relaxation``,
        ``density`` (g/cm3), ``volume`` (Å3 per molecule), ``converged``, ``parent``, ``experiment`` (whether it is
        the measured crystal), ``file``. Only energies of
        one engine with the same settings are ranked, of several those that most structures have; ``others`` counts
        the rest. None for a step without energies of crystals.
    """
    options = step["options"]
    name, pool = options.get("energy_name"), options.get("output_pool")
    if not name or not pool or not any(map(options.get, COMPUTES)) or step["name"] not in record.get("summaries", {}):
        return None
    run, structures = record["_id"], catalogue.structures
    sources = structures.energy_sources(run, pool, name)
    groups = comparable_groups(sources)
    found = structures.lowest(run, pool, name, number, groups[0][0] if len(groups) > 1 else None)
    if not found:
        return None
    lowest = found[0]["energies"][name]["per_molecule"]
    return {
        "step": step["name"],
        "pool": pool,
        "structures": groups[0][1],
        "others": sum(others for _, others in groups[1:]),
        "engine": found[0]["energies"][name].get("engine"),
        "settings_hash": found[0]["energies"][name].get("settings_hash"),
        "rows": [_row(document, name, lowest, options.get("output_dir")) for document in found],
    }


def of_the_experiment(record: RunDocument, steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the steps of a run say of the measured crystal.

    Returns
    -------
    list of dict
        One of each pool that was compared, in the order of the steps: ``step``, ``pool`` and what the summary of the
        last step that made it says (docs/catalogue.md): ``words``, ``found``, ``structure``, ``rank``,
        ``above_lowest``, ``rmsd``, ...
    """
    summaries, by_pool = record.get("summaries", {}), {}
    for step in steps:
        for option, field in COMPARED.items():
            if said := (summaries.get(step["name"]) or {}).get(field):
                pool = step["options"].get(option)
                by_pool[pool] = {"step": step["name"], "pool": pool, **said}
    return list(by_pool.values())


def side_by_side(record: RunDocument, step: dict[str, Any]) -> dict[str, Any] | None:
    """Return the lowest structures of a step that compared several engines, None for another step.

    Returns
    -------
    dict or None
        ``step``, ``energy_names``, ``sources``, ``structures`` (with all energies), ``undecided`` (how many may be the
        lowest besides the lowest of the mean) and ``rows``: each ``struct_id``, ``rank`` (a range where the engines do
        not decide), ``mean``, ``error`` and ``relative`` (by each engine; all kJ/mol per molecule).
    """
    summary = record.get("summaries", {}).get(step["name"]) or {}
    if not summary.get("side_by_side"):
        return None
    shown = ("energy_names", "sources", "structures", "undecided")
    return {"step": step["name"], **{name: summary[name] for name in shown}, "rows": summary["side_by_side"]}


def _row(document: StructureDocument, name: str, lowest: float, folder: str | None) -> dict[str, Any]:
    properties, energy = document["properties"], document["energies"][name]
    volume, Z = properties.get("cell_vol"), document.get("Z")
    file = Path(folder) / f"{document['struct_id']}.json" if folder else None
    return {
        "struct_id": document["struct_id"],
        "energy": energy["per_molecule"] * KJ_PER_MOL_PER_EV,
        "lattice_energy": properties.get("lattice_energy"),
        "relative": (energy["per_molecule"] - lowest) * KJ_PER_MOL_PER_EV,
        "spg": properties.get("spg"),
        "spg_before_relaxation": properties.get("spg_before_relaxation"),
        "density": properties.get("density"),
        "volume": volume / Z if volume and Z else None,
        "converged": energy.get("converged"),
        "parent": document.get("parent"),
        "experiment": "experiment_rank" in properties,
        "file": str(file) if file and file.is_file() else None,
    }


def _content(option: str, step: dict[str, Any]) -> str:
    """Return what a step's file or folder holds; of a step that makes no pool the folder's option says it."""
    if option != "output_dir" or "output_pool" in step["options"]:
        return FILES[option]
    said = ""
    with suppress(InputError):  # its package is not installed here
        said = OPTIONS.load(step["procedure"]).description(option)
    return said.removeprefix("Folder of ") if said.startswith("Folder of ") else "tables and pictures"


def files(record: RunDocument, steps: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return ``what`` and ``path`` of a run's files and folders that are there on this machine."""
    if not record.get("folder"):
        return []
    folder = Path(record["folder"])
    named = [
        (f"{_content(option, step)} ({step['name']})", Path(step["options"][option]))
        for step in steps
        for option in FILES
        if step["options"].get(option)
    ]
    named += [("log", folder / "Genarris.log"), ("warnings and errors", folder / "Genarris.err")]
    seen: dict[Path, str] = {}
    for what, path in named:
        if (folder / path).exists():
            seen.setdefault(folder / path, what)
    return [{"what": what, "path": str(path)} for path, what in seen.items()]


def render(found: dict[str, Any]) -> RenderableType:
    """Return the closing table of `closing` for a terminal."""
    return ByWidth(lambda wide: _layout(found, wide))


def _layout(found: dict[str, Any], wide: bool) -> RenderableType:
    state = (found["state"], STYLES.get(found["state"], ""))
    head = Text.assemble("run ", (found["run"], "bold"), " ", state, f" in {duration(found['seconds'])}")
    if found["core_seconds"]:
        head.append(f", work of {core_time(found['core_seconds'])} (genarris-fw costs {found['run']})", "dim")
    parts: list[RenderableType] = [head]
    if found["failure"]:
        parts.append(Text(found["failure"], "red"))
    if found["procedures"] or found["stages"]:
        parts.append(_procedures(found, wide))
    if found["experiment"]:
        parts.append(_experiment(found["experiment"], wide))
    parts += [_energies(table, wide) for table in found["energies"]]
    parts += [_side_by_side(table) for table in found["comparisons"]]
    if found["failed_items"]:
        parts.append(_failures(found))
    if found["folder"]:
        parts.append(_files(found, wide))
    return Group(*parts)


def _new_table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def _procedures(found: dict[str, Any], wide: bool) -> Table:
    table = _new_table("Stages")
    table.add_column("procedure", no_wrap=wide, overflow="fold")
    table.add_column("time", justify="right", no_wrap=True)
    failed = any(step["failed"] for step in found["procedures"])
    if failed:
        table.add_column("failed", justify="right", style="red", no_wrap=True)
    with_pools = bool(found["stages"])  # of a run without structures there is nothing to say
    if with_pools:
        table.add_column("pool", overflow="fold")
        table.add_column("structures" if wide else "number", justify="right", no_wrap=True)
    with_results = wide or not with_pools
    if with_results:
        table.add_column("result")
    pools: dict[str, list[dict[str, Any]]] = {}
    for stage in found["stages"]:
        pools.setdefault(stage["step"], []).append(stage)
    for stage in pools.pop("import", []):
        table.add_row("imported", "", *([""] if failed else []), stage["pool"], str(stage["structures"]))
    for step in found["procedures"]:
        made = pools.get(step["step"], [])
        row = [
            step["step"],
            duration(step["seconds"]),
            *([str(step["failed"] or "")] if failed else []),
        ]
        if with_pools:
            row.append("\n".join(stage["pool"] for stage in made))
            row.append("\n".join(str(stage["structures"]) for stage in made))
        result = step["result"] or (step["state"] if step["state"] != "finished" else "")
        table.add_row(*row, *([result] if with_results else []))
    return table


def _energies(found: dict[str, Any], wide: bool) -> Table:
    known = any(row["lattice_energy"] is not None for row in found["rows"])
    shown, total = len(found["rows"]), found["structures"]
    best = f"the best {shown} of " if shown < total else ""
    table = _new_table(f"Energies by {found['engine']}, {found['step']}: {best}{counted(total, 'structure')}")
    table.add_column("", justify="right")
    table.add_column("structure", no_wrap=True)
    table.add_column("lattice energy\nkJ/mol" if known else "energy\nkJ/mol", justify="right")
    table.add_column("relative\nkJ/mol", justify="right")
    table.add_column("space\ngroup", justify="right")
    table.add_column("density\ng/cm³", justify="right")
    related = wide and any(row["parent"] for row in found["rows"])
    if wide:
        table.add_column("volume\nÅ³/molecule", justify="right")
    if related:
        table.add_column("relaxed from", no_wrap=True)
    measured = any(row["experiment"] for row in found["rows"])
    if measured:
        table.add_column("", no_wrap=True)
    for rank, row in enumerate(found["rows"], start=1):
        energy = row["lattice_energy"] if known else row["energy"]
        cells = [
            f"{rank}",
            row["struct_id"],
            _number(energy, 2),
            _number(row["relative"], 2),
            _space_group(row),
            _number(row["density"], 3),
        ]
        if wide:
            cells.append(_number(row["volume"], 1))
        if related:
            cells.append(row["parent"] or "")
        if measured:
            cells.append("experiment" if row["experiment"] else "")
        table.add_row(*cells)
    table.caption, table.caption_justify = "\n".join(_remarks(found)) or None, "left"
    return table


def _experiment(rows: list[dict[str, Any]], wide: bool) -> Table:
    table = _new_table("The measured crystal")
    table.add_column("pool", overflow="fold")
    table.add_column("structure", no_wrap=True)
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("relative\nkJ/mol", justify="right")
    table.add_column("RMSD\nÅ", justify="right")
    if wide:
        table.add_column("rank by\ndensity", justify="right")
        table.add_column("powder\nsimilarity", justify="right")
        table.add_column("the same,\nany cell", justify="right")
    for row in rows:
        if not row["found"]:
            table.add_row(row["pool"], Text(row["words"], "yellow"))
            continue
        numbers, total = [row.get(name) for name in ("rank", "rank_density")], row.get("structures")
        of = f" of {total}" if total and wide else ""
        rank, by_density = ("" if number is None else f"{number}{of}" for number in numbers)
        cells = [row["pool"], row["structure"], rank, _number(row.get("above_lowest"), 2), _number(row.get("rmsd"), 2)]
        if wide:
            cells += [by_density, *(_number(row.get(name), 2) for name in ("powder", "powder_variable_cell"))]
        table.add_row(*cells)
    remarks = dict.fromkeys(remark for row in rows for remark in row.get("remarks", ()))
    table.caption, table.caption_justify = "\n".join(remarks) or None, "left"
    return table


def _side_by_side(found: dict[str, Any]) -> Table:
    total, shown = found["structures"], len(found["rows"])
    best = f"the best {shown} of " if shown < total else ""
    table = _new_table(f"Energies side by side, {found['step']}: {best}{counted(total, 'structure')}, kJ/mol")
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("structure", no_wrap=True)
    table.add_column("mean ± spread", justify="right", no_wrap=True)
    for name in found["energy_names"]:
        table.add_column(name, justify="right")
    for row in found["rows"]:
        mean = f"{_number(row['mean'], 2)} ± {_number(row['error'], 2)}"
        table.add_row(row["rank"], row["struct_id"], mean, *(_number(value, 2) for value in row["relative"]))
    undecided = found["undecided"]
    if undecided:
        words = f"{counted(undecided, 'structure')} more may be the lowest: the spread is larger than the difference"
        table.caption, table.caption_justify = words, "left"
    return table


def _remarks(found: dict[str, Any]) -> list[str]:
    unconverged = [str(rank) for rank, row in enumerate(found["rows"], start=1) if row["converged"] is False]
    remarks = [f"not converged: {', '.join(unconverged)}"] if unconverged else []
    if found["others"]:
        remarks.append(f"not ranked: {counted(found['others'], 'structure')} with other settings or versions")
    return remarks


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _space_group(row: dict[str, Any]) -> str:
    before, now = row["spg_before_relaxation"], row["spg"]
    return f"{before} → {now}" if before is not None and before != now else str(now or "")


def _failures(found: dict[str, Any]) -> Table:
    total = found["failed_items"]
    table = _new_table(f"{counted(total, 'work item')} failed")
    table.add_column("procedure", no_wrap=True)
    table.add_column("item", no_wrap=True)
    table.add_column("error", style="red")
    for item in found["failed"]:
        table.add_row(item["step"], item["key"], Text(str(item["error"])))
    if total > len(found["failed"]):
        table.add_row("...", f"{total - len(found['failed'])} more", "")
    table.caption = f"Try them again with: genarris-fw retry {found['run']}"
    table.caption_justify = "left"
    return table


def _files(found: dict[str, Any], wide: bool) -> RenderableType:
    folder = found["folder"]
    grid = Table(box=None, pad_edge=False, show_header=False)
    for entry in found["files"]:
        path = Path(entry["path"])
        shown = path.relative_to(folder) if path.is_relative_to(folder) else path
        what = entry["what"] if wide else entry["what"].partition(" (")[0]
        grid.add_row(Text(f"{shown}{'/' if path.is_dir() else ''}"), Text(what, "dim"))
    return Group(Text(f"Files in {folder}", "bold"), grid)
