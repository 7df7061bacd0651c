"""A run's folder is where its ui.conf is found: what the database says of a moved run follows it there.

The folder stands in the run's document, in the firework that makes that document, and in the paths of the artifacts.
They are rewritten in an order in which the last write is the commit: who is killed before it does all of it again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from genarris_fw.catalogue import Catalogue
from genarris_fw.database.copies import same_folder
from genarris_fw.errors import InputError
from genarris_fw.farm.fireworks import documents, workflows
from genarris_fw.farm.holders import living_holders
from genarris_fw.options import Configuration, OptionsError, difference, load, options_hash
from genarris_fw.options.engine_settings import carried

if TYPE_CHECKING:
    from fireworks import LaunchPad

# Files that a step reads and whose content, or place relative to the folder, is part of the options: they are where
# ui.conf says now, inside the folder or not.
_INPUTS = ("import_folder", "molecule_path")


def settle(launchpad: LaunchPad, configuration: Configuration, own: bool) -> str | None:
    """Bring a run to the folder of its ``ui.conf``, where it was begun in another one.

    Parameters
    ----------
    launchpad : LaunchPad
        Where the run may be.
    configuration : Configuration
        The ``ui.conf`` as it is found now. A run without ``run_name`` keeps the name of the folder in which it was
        begun: `run_name` is set to it.
    own : bool
        The database lies in the folder and moves, or is copied, with it.

    Returns
    -------
    str or None
        What was done, in one line; None where nothing was to do. A run with other options is left alone.

    Raises
    ------
    InputError
        When the run is another folder's, or rockets still work on it; both folders are named.
    """
    configuration.run_name = run = _name(launchpad, configuration, own)
    record = _record(launchpad, run)
    if record is None or same_folder(record["folder"], configuration.folder):
        return None
    old, new = record["folder"], configuration.folder
    if not own and _carries(record["options"]["path"], run):
        raise InputError(
            f"run '{run}' is carried out in {old}, not in {new}: go on there, "
            f"or give another run_name in [Genarris_master] of {configuration.path}"
        )
    if holders := living_holders(Catalogue(launchpad.db), run):
        raise InputError(
            f"run '{run}' was moved from {old} to {new}, but {len(holders)} rockets still work on it "
            f"({', '.join(holders)}): stop them, or wait for their end, and give the same command again"
        )
    if _has_other_options(record, configuration):
        return None  # said by whoever adds the run
    options = _with_inputs(_moved(record["options"], old, new), configuration)
    _rewrite(launchpad, run, record, options, options_hash(configuration))
    return f"run '{run}' was moved from {old}: it goes on in {new}{_stale_files(old, new)}"


def _stale_files(old: str, new: str) -> str:
    """Return, for the end of a line, which of FireWorks' files in the folder still name the old one."""
    names = []
    for pattern in ("FW_config.yaml", "my_*.yaml", "*.sh"):
        for path in sorted(Path(new).glob(pattern)):
            with suppress(OSError, UnicodeDecodeError):
                text = path.read_text(encoding="utf-8")
                if re.search(f"({re.escape(old)}|{re.escape(quote(old, safe=''))})(?![\\w.-])", text):
                    names.append(path.name)
    return f"; {', '.join(names)} still name the old folder: genarris-fw init --force" if names else ""


def _name(launchpad: LaunchPad, configuration: Configuration, own: bool) -> str:
    """Return the name of the run that a ``ui.conf`` goes on with, its own where there is none yet."""
    run = configuration.run_name
    if "run_name" in configuration.master_origins or _record(launchpad, run) is not None:
        return run
    names = documents.runs_named_by_folder(launchpad.db)
    records = {name: record for name in sorted(names) if (record := _record(launchpad, name))}
    here = [name for name, record in records.items() if same_folder(record["folder"], configuration.folder)]
    found = here or [name for name, record in records.items() if _may_be(record, name, configuration, own)]
    if len(found) > 1:
        raise InputError(
            f"{configuration.path}: this folder's name was another when its run was begun, and that may be any of "
            f"{', '.join(found)}: write its run_name into [Genarris_master]"
        )
    return found[0] if found else run


def _may_be(record: Mapping[str, Any], name: str, configuration: Configuration, own: bool) -> bool:
    """Tell whether a run may be that of a folder that was moved and so has another name now."""
    old = Path(record["folder"])
    if not own and (not old.parent.is_dir() or _carries(record["options"]["path"], name)):
        return False  # another's folder, perhaps on another machine
    return not _has_other_options(record, configuration)


def _has_other_options(record: Mapping[str, Any], configuration: Configuration) -> bool:
    """Tell whether a run was begun with options that give other results.

    A path outside the folder is the same when it is the same on the disk, or seen from the folder.
    """
    began, now = record["options"], configuration.to_dict()
    compared = (difference(began, now), difference(_moved(began, record["folder"], configuration.folder), now))
    others = [{line.partition(": ")[0] for line in lines} for lines in compared]
    return bool(others[0] & others[1])


def _record(launchpad: LaunchPad, run: str) -> Mapping[str, Any] | None:
    """Return ``folder`` and ``options`` of a run, from its document, else from the firework that will make it."""
    record: Mapping[str, Any] | None = Catalogue(launchpad.db).runs.find(run)
    if record is None:
        record = documents.run_record(launchpad.db, run)
    return record if record.get("folder") and record.get("options", {}).get("path") else None


def _carries(path: str, run: str) -> bool:
    """Tell whether a ui.conf is there and is that of the run, which may have its name from a former folder."""
    if not Path(path).is_file():
        return False
    try:
        found = load(path)
    except OptionsError:
        return True  # for now it carries out nothing, but it is there
    return found.run_name == run or "run_name" not in found.master_origins


def _moved(value: Any, old: str, new: str) -> Any:
    """Return plain values with every path inside the old folder in the new one; others stay."""
    if isinstance(value, dict):
        return {name: _moved(part, old, new) for name, part in value.items()}
    if isinstance(value, list):
        return [_moved(part, old, new) for part in value]
    if isinstance(value, str) and (value == old or value.startswith(old.rstrip("/") + "/")):
        return new.rstrip("/") + value[len(old.rstrip("/")) :]
    return value


def _with_inputs(options: dict[str, Any], configuration: Configuration) -> dict[str, Any]:
    """Return options whose input files are those of the ui.conf as it is found now."""
    inputs = (*_INPUTS, *carried())
    steps = [
        step | {"options": step["options"] | {name: now.options[name] for name in inputs if name in now.options}}
        for step, now in zip(options["steps"], configuration.steps)
    ]
    return options | {"steps": steps, "molecule_path": configuration.molecule_path, "path": configuration.path}


def _rewrite(launchpad: LaunchPad, run: str, record: Mapping[str, Any], options: dict[str, Any], digest: str) -> None:
    """Write the new folder down wherever the old one stands; the run's document last."""
    old, new = record["folder"], options["folder"]
    workflows.set_options_hash(launchpad.db, run, digest)

    def now_at(path: str) -> str:
        # Moved into its own subfolder, and killed in the middle of this: what is there already stays.
        there = new.startswith(old + "/") and path.startswith(new + "/")
        return path if there else str(_moved(path, old, new))

    catalogue = Catalogue(launchpad.db)
    catalogue.artifacts.relocate(run, now_at)
    fields = {"folder": new, "options": options, "options_hash": digest}
    documents.change_record(launchpad.db, run, old, fields)
    catalogue.runs.set(run, **fields)
