"""Telling somebody that a run has finished or failed: the command or the webhook of ``notify``.

It is told once for each end of a run, after that end is in the run's document: a rocket that is killed in between is
followed by one that tells it, and one that is killed between telling and noting it, too. So it is told at least once,
and what is told carries an ``event`` by which a second time can be recognised. Nothing that goes wrong here touches the
run.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.energetics.comparable import comparable_groups
from genarris_fw.logs import Log
from genarris_fw.showing import printable
from genarris_fw.units import KJ_PER_MOL_PER_EV
from genarris_fw.webhooks import NotPosted, is_url, post, target_shown

COMMAND_SECONDS = 30.0
ENDS = ("finished", "failed")
LONGEST_FAILURE = 2000  # characters


class NotTold(Exception):
    """A command did not do its part."""


def target_of(record: RunDocument) -> str:
    """Return the run's option ``notify``, empty where nobody is to be told."""
    return str(record.get("options", {}).get("master", {}).get("notify") or "")


def notify(catalogue: Catalogue, run: str, log: Log) -> None:
    """Tell whom the run names that it has ended, unless that was told already; nothing is raised.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run : str
        A run that has finished or failed; the caller holds the lease of the firework by which it has.
    log : Log
        Where it is written whether somebody was told.
    """
    try:
        record = catalogue.runs.get(run)
        target = target_of(record)
        if not target or record["state"] not in ENDS or record.get("notified", {}).get("state"):
            return
        error = _told(target, message(catalogue, record), Path(record["folder"]))
        catalogue.runs.notified(run, record["state"], error)
        if error:
            log("nobody was told of the run's end", level="WARNING", notify=target_shown(target), why=error)
        else:
            log("told of the run's end", notify=target_shown(target))
    except Exception as error:  # the run has ended, whatever becomes of the message
        log("nobody was told of the run's end", level="WARNING", why=type(error).__name__)


def _told(target: str, content: Mapping[str, Any], folder: Path) -> str:
    """Run the command or post to the URL; return what went wrong, empty where nothing did."""
    try:
        if is_url(target):
            post(target, content)
        else:
            call(shlex.split(target), content, folder)
    except (NotPosted, NotTold) as error:
        return str(error)
    return ""


def call(command: list[str], content: Mapping[str, Any], folder: Path, seconds: float = COMMAND_SECONDS) -> None:
    """Run a command, without a shell, with the message in its environment and its text on standard input.

    Parameters
    ----------
    command : list of str
        The program and its arguments.
    content : mapping
        As of `message`.
    folder : Path
        Where the command runs, if the folder is there.
    seconds : float, optional
        Then the command is killed, with all that it has started.

    Raises
    ------
    NotTold
        When it cannot be run, fails, or takes too long.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | variables(content),
            cwd=folder if folder.is_dir() else "/",
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise NotTold(f"it cannot be run ({getattr(error, 'strerror', None) or type(error).__name__})") from None
    try:
        process.communicate(f"{content['text']}\n".encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        raise NotTold(f"not done within {seconds:g} s, killed") from None
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode:
        raise NotTold(f"it ended with exit code {process.returncode}")


def variables(content: Mapping[str, Any]) -> dict[str, str]:
    """Return a message as environment variables: ``GENARRIS_FW_RUN`` and so on, empty where there is nothing to say."""
    best = content["best"] or {}
    named = {name: value for name, value in content.items() if name != "best"}
    named |= {"best_structure": best.get("struct_id"), "best_energy": best.get("energy")}
    return {f"GENARRIS_FW_{name.upper()}": printable("" if v is None else str(v)) for name, v in named.items()}


def message(catalogue: Catalogue, record: RunDocument) -> dict[str, Any]:
    """Return what is told.

    Returns
    -------
    dict
        ``event`` (the same whenever the same end is told), ``run``, ``state``, ``seconds`` (since the run began),
        ``failure`` (why it failed, else None), ``failed_items`` (given up), ``best`` (`best_energy`), ``folder`` and
        ``text``: all that in a line.
    """
    begun, now = record["created"].replace(tzinfo=timezone.utc), datetime.now(timezone.utc)
    ended = record.get("finished", now).replace(tzinfo=timezone.utc)
    number = record.get("notified", {}).get("number", 0) + 1
    failure = printable(record.get("failure") or "")[:LONGEST_FAILURE] or None
    content = {
        "event": f"{record['name']} {begun:%Y%m%dT%H%M%SZ} {number}",
        "run": record["name"],
        "state": record["state"],
        "seconds": round((ended - begun).total_seconds(), 3),
        "failure": failure,
        "failed_items": record.get("failed_items"),
        "best": best_energy(catalogue, record),
        "folder": record.get("folder"),
    }
    return content | {"text": in_words(content)}


def in_words(content: Mapping[str, Any]) -> str:
    """Return a message in one line."""
    text = f"Genarris run {content['run']} {content['state']} after {content['seconds']:.0f} s"
    if content["failed_items"]:
        text += f", {content['failed_items']} work items given up"
    if best := content["best"]:
        text += f"; lowest: {best['struct_id']}, {best['energy']:.2f} kJ/mol per molecule ({best['step']})"
    return f"{text}: {content['failure']}" if content["failure"] else text


def best_energy(catalogue: Catalogue, record: RunDocument) -> dict[str, Any] | None:
    """Return the lowest structure of the last step that gave energies which can be compared.

    Returns
    -------
    dict or None
        ``step``, ``pool``, ``struct_id``, ``engine`` and ``energy``: the lattice energy where it is known, else that of
        the engine, kJ/mol per molecule. None where no step has given energies.
    """
    for step in reversed(record["options"]["steps"]):
        name, pool = step["options"].get("energy_name"), step["options"].get("output_pool")
        if not name or not pool or step["name"] not in record.get("summaries", {}):
            continue
        groups = comparable_groups(catalogue.structures.energy_sources(record["name"], pool, name))
        source = groups[0][0] if len(groups) > 1 else None
        for found in catalogue.structures.lowest(record["name"], pool, name, 1, source):
            energy = found["energies"][name]
            lattice = found["properties"].get("lattice_energy")
            of_engine = energy["per_molecule"] * KJ_PER_MOL_PER_EV
            return {
                "step": step["name"],
                "pool": pool,
                "struct_id": found["struct_id"],
                "engine": energy.get("engine"),
                "energy": round(of_engine if lattice is None else lattice, 4),
            }
    return None
