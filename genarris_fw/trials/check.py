"""What a ui.conf would do on this machine: options, molecule, space groups, volume, engines, database."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from genarris_fw.crystal import Molecule, point_group, symmetrize
from genarris_fw.database.find import Database
from genarris_fw.database.launchpads import refuse_unreachable
from genarris_fw.database.mongod import find_mongod
from genarris_fw.engines import installed
from genarris_fw.errors import DatabaseError, InputError
from genarris_fw.generation import volume_estimate
from genarris_fw.generation.generator import undeformed
from genarris_fw.options import Configuration
from genarris_fw.procedures.kit.sites import wanted_sites
from genarris_fw.procedures.options.engine_procedures import CallsEngine
from genarris_fw.procedures.options.pygenarris_structure_generation import PygenarrisStructureGenerationOptions
from genarris_fw.procedures.options.relax_single_molecule import RelaxSingleMoleculeOptions
from genarris_fw.showing import shown
from genarris_fw.trials.engines import trial_lines
from genarris_fw.trials.estimates import estimate_lines
from genarris_fw.views.layout import ByWidth
from genarris_fw.webhooks import is_url

# How far (Å) an atom may lie from its symmetric place, as in Relax_Single_Molecule.
POINT_GROUP_TOLERANCE = 0.05
# The columns that an option's value may take on a narrow and on a wide terminal.
NARROW_VALUE, WIDE_VALUE = 25, 60
CONTENT = "_content"  # of a file that another option names: too long to be shown


def check(configuration: Configuration, database: Database, every_engine: bool = True) -> dict[str, Any]:
    """Return what a configuration would do here; nothing is changed.

    Parameters
    ----------
    configuration : Configuration
        The resolved ``ui.conf``.
    database : Database
        The database that the run would use.
    every_engine : bool, optional
        Whether engines that no step uses are asked, too.

    Returns
    -------
    dict
        ``file``, ``run``; ``options`` (each ``section``, ``option``, ``value``, ``origin``); ``notices``;
        ``molecule`` (``path``, ``formula``, ``atoms``, ``point_group``, ``schoenflies``); ``space_groups`` (each
        ``step``, ``space_group``, ``sites``: ``wyckoff``, ``site_symmetry``); ``volume`` (Å³: ``per_molecule``,
        ``per_cell``, ``vdw_volume``; ``fragments``, ``unknown_fragments``); ``engines`` (each ``name``,
        ``available``, ``remark``, ``used``); ``database`` (``where``, ``reachable``, ``remark``); ``problems``:
        what would stop the run, one line each.
    """
    found: dict[str, Any] = {
        "file": configuration.path,
        "run": configuration.run_name,
        "options": [dict(zip(("section", "option", "value", "origin"), row)) for row in configuration.describe()],
        "notices": list(configuration.notices),
        "molecule": None,
        "space_groups": [],
        "volume": None,
        "engines": engines(configuration, every_engine),
        "problems": [],
    }
    try:
        _look_at_molecule(configuration, found)
    except InputError as error:
        found["problems"].append(str(error))
    found["problems"] += configuration.problems_here()
    found["problems"] += [] if (absent := absent_notifier(configuration)) is None else [absent]
    folder = Path(configuration.folder)
    if not os.access(folder, os.W_OK):
        found["problems"].append(f"{folder}: cannot be written; the run's folder must be writable")
    found["database"] = look_at_database(database, found["problems"])
    return found


def absent_notifier(configuration: Configuration) -> str | None:
    """Return a line where the command of ``notify`` is no program here, None where it is one, or there is none."""
    target = configuration.master.get("notify")
    if not target or is_url(target):
        return None
    program = shlex.split(target)[0]
    named = str(Path(configuration.folder) / program) if "/" in program else program
    if shutil.which(named):
        return None
    return f"{configuration.path}: notify: {shown(program)} is no program here; give its path, or that of a script"


def engines(configuration: Configuration, every: bool = True) -> list[dict[str, Any]]:
    """Return every engine of this version, or those that steps use: whether it can be used here, and by which steps."""
    used: dict[str, list[str]] = {}
    for step in configuration.steps:
        options = step.typed()
        if isinstance(options, CallsEngine) and options.engine is not None:
            used.setdefault(options.engine, []).append(step.name)
    return [
        {"name": name, "available": available, "remark": remark, "used": used.get(name, [])}
        for name, (available, remark) in installed(None if every else used).items()
    ]


def _look_at_molecule(configuration: Configuration, found: dict[str, Any]) -> None:
    given = configuration.molecule()
    if given is None:
        return
    molecule = _start(configuration, given)
    models = [step.typed() for step in configuration.steps]
    tolerances = [model.tol for model in models if isinstance(model, PygenarrisStructureGenerationOptions)]
    group = point_group(molecule, min(tolerances, default=POINT_GROUP_TOLERANCE))
    found["molecule"] = {
        "path": configuration.molecule_path,
        "formula": molecule.formula,
        "atoms": len(molecule),
        "point_group": group.symbol,
        "schoenflies": group.schoenflies,
    }
    if configuration.Z:
        estimate = volume_estimate(molecule)
        found["volume"] = {
            "per_molecule": estimate.volume,
            "per_cell": estimate.volume * configuration.Z,
            "vdw_volume": estimate.vdw_volume,
            "by_packing_coefficient": estimate.packing_volume,
            "fragments": dict(estimate.fragments),
            "unknown_fragments": list(estimate.unknown_fragments),
        }
    for step, options in zip(configuration.steps, models, strict=True):
        if isinstance(options, PygenarrisStructureGenerationOptions):
            found["space_groups"] += _space_groups(molecule, step.name, options)
        elif options.of_rigid_molecules:
            from genarris_fw.trials.lattice import look_at_lattice  # only here: it loads what searches

            look_at_lattice(molecule, step.name, options, found)


def _start(configuration: Configuration, molecule: Molecule) -> Molecule:
    """Return the molecule with the symmetry that a relaxation would begin from."""
    for step in configuration.steps:
        options = step.typed()
        if isinstance(options, RelaxSingleMoleculeOptions) and (wish := options.molecule_symmetry) != "relax":
            return symmetrize(molecule, None if wish == "keep" else wish, tol=POINT_GROUP_TOLERANCE)
    return molecule


def _space_groups(molecule: Molecule, step: str, options: PygenarrisStructureGenerationOptions) -> list[dict[str, Any]]:
    Z, tol, wanted, limit = options.Z, options.tol, options.space_groups, options.max_deformation
    groups = wanted_sites(molecule, options)
    if not groups:
        among = "" if wanted == "all" else " among those that space_groups names"
        raise InputError(
            f"{step}: no space group{among} has a site for {Z} molecules {molecule.formula} per cell at tol = {tol} Å: "
            "raise tol, choose another Z, or widen space_groups"
        )
    found = []
    for group, sites in groups.items():
        kept = undeformed(sites, limit)
        about = [{"wyckoff": site.wyckoff, "site_symmetry": site.site_symmetry} for site in kept]
        found.append({"step": step, "space_group": group, "sites": about, "refused": len(sites) - len(kept)})
    if not any(entry["sites"] for entry in found):
        raise InputError(
            f"{step}: every site for {Z} molecules {molecule.formula} per cell would deform the molecule by more than "
            f"max_deformation = {limit:g} Å: symmetrise the molecule, raise max_deformation, or choose another Z"
        )
    return found


def look_at_database(database: Database, problems: list[str]) -> dict[str, Any]:
    """Return whether the database answers; an embedded server that does not run is left alone."""
    about: dict[str, Any] = {"where": str(database), "reachable": False, "remark": ""}
    server = database.server
    try:
        if server is None or server.running():
            refuse_unreachable(database.uri)
            about |= {"reachable": True, "remark": "answers"}
        else:
            find_mongod()
            about["remark"] = "stopped: the run starts it" if server.exists() else "none yet: the run starts it"
    except DatabaseError as error:
        about["remark"] = str(error)
        problems.append(str(error))
    return about


def render(found: dict[str, Any]) -> RenderableType:
    """Return the result of `check` for a terminal."""
    folder = Path(found["file"]).parent
    parts: list[RenderableType] = [ByWidth(lambda wide: _options(found["options"], folder, wide))]
    parts += [Text(f"note: {notice}", "yellow") for notice in found["notices"]]
    grid = Table(box=None, pad_edge=False, show_header=False)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for name, value in _findings(found):
        grid.add_row(name, value)
    return Group(*parts, grid)


def _options(rows: list[dict[str, Any]], folder: Path, wide: bool) -> Group:
    """Return a table per section, headed by its name, all with the same columns."""
    named = [row for row in rows if not row["option"].endswith(CONTENT)]
    shown = [(row["section"], row["option"], _value(row["value"], folder), str(row["origin"])) for row in named]
    names = max(len(option) for _, option, _, _ in shown)
    values = max(len(line) for _, _, value, _ in shown for line in value.splitlines() or [""])
    parts: list[RenderableType] = []
    for section in dict.fromkeys(row[0] for row in shown):
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(width=names, no_wrap=True)
        table.add_column(width=min(values, WIDE_VALUE if wide else NARROW_VALUE), overflow="fold")
        table.add_column(style="dim", overflow="fold")
        for _, option, value, origin in (row for row in shown if row[0] == section):
            table.add_row(Text(option), Text(value), Text(_origin(origin)))
        parts += [Text(f"[{section}]", "bold"), table, Text("")]
    return Group(*parts)


def _value(value: Any, folder: Path) -> str:
    """Return a value in short: paths in the run's folder as ui.conf names them, settings one a line."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return "\n".join(f"{name} = {_value(entry, folder)}" for name, entry in value.items())
    return str(value).removeprefix(f"{folder}/")


def _origin(origin: str) -> str:
    """Return where a value comes from in few words."""
    return origin.removeprefix("ui.conf ").removeprefix("inferred ")


def _findings(found: dict[str, Any]) -> list[tuple[str, Text]]:
    """Return what was looked at, in words."""
    lines = []
    if molecule := found["molecule"]:
        words = f"{molecule['formula']}, {molecule['atoms']} atoms, point group {molecule['point_group']}"
        lines.append(("molecule", Text(f"{words} ({molecule['schoenflies']})")))
    if volume := found["volume"]:
        words = f"{volume['per_molecule']:.2f} Å³ per molecule, {volume['per_cell']:.2f} Å³ per cell"
        unknown = volume["unknown_fragments"]
        text = Text(words)
        if unknown:
            text.append(f"; unknown fragments: {', '.join(unknown)}", "yellow")
            text.append(f" (by a packing coefficient of 0.70: {volume['by_packing_coefficient']:.2f} Å³ per molecule)")
        lines.append(("volume", text))
    for step in dict.fromkeys(entry["step"] for entry in found["space_groups"]):
        groups = [entry for entry in found["space_groups"] if entry["step"] == step]
        used, left_out = [g for g in groups if g["sites"]], [g for g in groups if g["refused"]]
        words = ", ".join(f"{entry['space_group']}: {_sites(entry['sites'])}" for entry in used)
        lines.append((f"{len(used)} space groups", Text(words)))
        if left_out:
            names = " ".join(str(entry["space_group"]) for entry in left_out)
            words = f"sites that would deform the molecule by more than max_deformation, in groups {names}"
            lines.append(("left out", Text(words, "yellow")))
    for engine in found["engines"]:
        if engine["used"]:
            style = "green" if engine["available"] else "red"
            state = "available" if engine["available"] else "not available here"
            text = Text.assemble(engine["name"], " ", (state, style))
            lines.append(("engine", text.append(f" ({engine['remark']})") if engine["remark"] else text))
    if test := found.get("engine_test"):
        lines += trial_lines(test) + estimate_lines(test["estimate"])
    lines.append(("database", Text(f"{found['database']['where']}: {found['database']['remark']}")))
    return lines


def _sites(sites: list[dict[str, str]]) -> str:
    """Return sites in short: ``2ij (2) 2m (m)`` for 2i, 2j and 2m."""
    letters: dict[tuple[str, str], str] = {}
    single = [site for site in sites if "+" not in site["wyckoff"]]
    pairs = [f"{site['wyckoff']} ({site['site_symmetry']})" for site in sites if "+" in site["wyckoff"]]
    for site in single:
        key = (site["wyckoff"][:-1], site["site_symmetry"])
        letters[key] = letters.get(key, "") + site["wyckoff"][-1]
    return " ".join([*(f"{number}{joined} ({symmetry})" for (number, symmetry), joined in letters.items()), *pairs])
