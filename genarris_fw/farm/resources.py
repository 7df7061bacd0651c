"""What a firework asks of a queueing system: ``_queueadapter`` for ``qlaunch -r``, ``_category`` for every rocket.

A firework is one replica, and a replica is one task of its job: it asks for the replica's share of ``num_cores``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genarris_fw.options.base import SharedOptions

if TYPE_CHECKING:
    from fireworks import LaunchPad


def replica_cores(options: SharedOptions, origins: Mapping[str, str]) -> int | None:
    """Return the cores that a replica of a step is laid out for; None where the user said nothing about them.

    Parameters
    ----------
    options : SharedOptions
        The step's options.
    origins : mapping
        Where each of them comes from.
    """
    threads = options.omp_num_threads if _given(origins, "omp_num_threads") else None
    cores = options.num_cores
    if cores is None:
        return threads
    if _given(origins, "num_replicas"):
        replicas = options.num_replicas
    else:
        replicas = cores // (threads or 1) if options.a_replica_a_rank else 1
    return max(threads or 1, cores // max(1, replicas))


def _given(origins: Mapping[str, str], option: str) -> bool:
    return not origins.get(option, "default").startswith("default")


def queue_spec(options: Mapping[str, Any], cores: int | None = None, queue_type: str | None = None) -> dict[str, Any]:
    """Return what overrides my_qadapter.yaml for one replica: only what the user gave.

    Parameters
    ----------
    options : mapping
        With ``walltime`` (s), ``memory`` (MB), ``queue`` and ``account``, each of them None or absent when not given.
    cores : int, optional
        Cores of the replica.
    queue_type : str, optional
        The adapter's ``_fw_q_type``. Where it is not known, the words of all three are given: FireWorks leaves out
        those that its template does not have, with a warning for each.

    Notes
    -----
    PBS and SGE count memory by the core. FireWorks' own template for SGE has neither cores nor time nor memory; the
    one that ``genarris-fw init --queue sge`` writes has.
    """
    found: dict[str, Any] = {name: options[name] for name in ("queue", "account") if options.get(name)}
    if options.get("walltime"):
        found["walltime"] = clock(options["walltime"])
    by_type: dict[str, dict[str, Any]] = {"SLURM": {}, "PBS": {}, "SGE": {}}
    # None takes a word out of my_qadapter.yaml that would contradict these.
    if cores:
        by_type["SLURM"] |= {"nodes": 1, "ntasks": 1, "ntasks_per_node": 1, "cpus_per_task": cores}
        by_type["PBS"] |= {"nnodes": 1, "ppnode": cores, "mppwidth": None}
        by_type["SGE"] |= {"cores": cores}
    if memory := options.get("memory"):
        a_core = -(-memory // (cores or 1))
        by_type["SLURM"] |= {"mem": f"{memory}M", "mem_per_cpu": None}
        by_type["PBS"] |= {"pmem": f"{a_core}mb"}
        by_type["SGE"] |= {"memory": f"{a_core}M"}
    for words in [by_type[queue_type]] if queue_type in by_type else by_type.values():
        found |= words
    return found


def clock(seconds: int) -> str:
    """Return a time as hours:minutes:seconds, which every queueing system reads alike."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def spec_of(options: Mapping[str, Any], cores: int | None = None, queue_type: str | None = None) -> dict[str, Any]:
    """Return the keys of a firework's spec that say where it runs and what it needs there.

    Parameters
    ----------
    options, cores, queue_type
        As in `queue_spec`; ``category`` too.
    """
    found = {"_queueadapter": queue_spec(options, cores, queue_type), "_category": options.get("category")}
    return {key: value for key, value in found.items() if value}


def inherited_spec(launchpad: LaunchPad, fw_id: int | None) -> dict[str, Any]:
    """Return these keys of a firework that is on the LaunchPad, for another replica of the same step."""
    from genarris_fw.farm.fireworks import documents  # only here: what a command says of resources needs no pymongo

    return {} if fw_id is None else documents.place_of(launchpad.db, fw_id)


def queue_type_of(folder: Path) -> str | None:
    """Return the kind of queue that a folder's my_qadapter.yaml is for; None where it does not tell.

    What is wrong with the file is for ``qlaunch`` to say: without the kind, all words are given.
    """
    from ruamel.yaml import YAML

    try:
        record = YAML(typ="safe").load((folder / "my_qadapter.yaml").read_text(encoding="utf-8"))
    except Exception:  # of every class: a list as a key, a date that is none, brackets in brackets in brackets
        return None
    kind = record.get("_fw_q_type") if isinstance(record, dict) else None
    return kind if isinstance(kind, str) else None
