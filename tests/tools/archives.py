"""Archives of ``genarris-fw db backup``, opened by hand: what is in them, what contradicts itself, another content."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bson import decode_all, encode, json_util

# What FireWorks writes first into a firework and then, under a lock, into its workflow.
ORDER = ("WAITING", "READY", "RESERVED", "RUNNING", "COMPLETED", "ARCHIVED")
Content = dict[str, list[dict[str, Any]]]


def manifest(file: Path) -> dict[str, Any]:
    with tarfile.open(file) as archive:
        found: dict[str, Any] = json_util.loads(archive.extractfile("manifest.json").read())
    return found


def documents(file: Path) -> Content:
    """Collection -> documents."""
    with tarfile.open(file) as archive:
        return {
            about["name"]: decode_all(archive.extractfile(about["file"]).read())
            for about in manifest(file)["collections"]
        }


def rewritten(file: Path, target: Path, change: Callable[[dict[str, Any], Content], None]) -> Path:
    """Write an archive with another content, valid in itself."""
    about, content = manifest(file), documents(file)
    change(about, content)
    members = {}
    for entry in about["collections"]:
        data = b"".join(encode(document) for document in content[entry["name"]])
        entry |= {"count": len(content[entry["name"]]), "sha256": hashlib.sha256(data).hexdigest()}
        members[entry["file"]] = data
    with tarfile.open(target, "w:gz") as archive:
        for name, data in {"manifest.json": json_util.dumps(about).encode(), **members}.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            archive.addfile(header, io.BytesIO(data))
    return target


def struct_ids(value: Any) -> Iterator[str]:
    """Yield the ids of structures that an outcome names."""
    if isinstance(value, str) and value.startswith("geometry_") and "." not in value:
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from struct_ids(part)


def missing(content: Content) -> set[str]:
    """The structures that done items name and that are not there."""
    known = {document["struct_id"] for document in content.get("structures", [])}
    items = content.get("work_items", [])
    return {name for item in items if item["state"] == "done" for name in struct_ids(item["outcome"])} - known


def contradictions(content: Content) -> list[str]:
    """What cannot have been so at any one moment, in sentences."""
    said = [f"structure {name} of a done item is missing" for name in sorted(missing(content))]
    states = {firework["fw_id"]: firework["state"] for firework in content.get("fireworks", [])}
    launches = {launch["launch_id"] for launch in content.get("launches", [])}
    for firework in content.get("fireworks", []):
        lost = {*firework["launches"], *firework["archived_launches"]} - launches
        said += [f"launches {lost} of firework {firework['fw_id']} are missing"] if lost else []
    for workflow in content.get("workflows", []):
        for node, noted in workflow["fw_states"].items():
            ahead = int(node) in states and ORDER.index(noted) > ORDER.index(states[int(node)])
            if ahead and not workflow.get("locked"):
                said.append(f"workflow '{workflow['name']}' says {noted} of firework {node}, {states[int(node)]}")
    highest = max(states, default=0)
    if content.get("fw_id_assigner") and content["fw_id_assigner"][0]["next_fw_id"] <= highest:
        said.append(f"firework {highest} has a number that was not yet given")
    collected = {(lease["run"], lease["step"]) for lease in content.get("leases", []) if lease["state"] == "collected"
                 and lease["role"] in ("gate", "whole")}  # fmt: skip
    unfinished = {(item["run"], item["step"]) for item in content.get("work_items", [])
                  if item["state"] in ("waiting", "leased", "resting")}  # fmt: skip
    said += [f"{step} of {run} is collected and has unfinished items" for run, step in collected & unfinished]
    return said
