"""One structure: what is known of it, where it comes from, and how it is drawn."""

from __future__ import annotations

from typing import Any

from genarris_fw.catalogue import Catalogue, explored
from genarris_fw.catalogue.documents import StructureDocument
from genarris_fw.catalogue.items_seen import item_id
from genarris_fw.crystal import Molecule
from genarris_fw.crystal.pieces import formula
from genarris_fw.owner import host_of
from genarris_fw.pictures.quantities import label_of
from genarris_fw.showing import shown
from genarris_fw.web.runs import NotThere, refuse_unknown

MOST_RELATIVES = 100
LONGEST_LIST = 10  # of a property that is shown


def document_of(catalogue: Catalogue, run: str, struct_id: str) -> StructureDocument:
    """Return a structure's document, also where no pool of its finished run holds it any more.

    Raises
    ------
    NotThere
        When there is no such run, or it has no such structure.
    """
    found = explored.structure(catalogue, run, struct_id)
    if found is not None:
        return found
    refuse_unknown(catalogue, run)
    raise NotThere(f"run {shown(run)} has no structure {shown(struct_id)}")


def molecule_of(catalogue: Catalogue, run: str) -> Molecule | None:
    """Return the molecule that a run's crystals are made of, None where there are several, or none is known."""
    read = explored.molecules(catalogue, run)
    if not read or any(one["species"] != read[0]["species"] for one in read):
        return None
    return Molecule(read[0]["species"], read[0]["positions"])


def structure_view(catalogue: Catalogue, run: str, struct_id: str) -> dict[str, Any]:
    """Return what is known of a structure, as plain values.

    Returns
    -------
    dict
        ``id``, ``pools``, ``formula``, ``lattice``, ``properties`` without long lists (whose names are in ``long``),
        ``labels``, ``energies``, ``parent``, ``children``, ``duplicate_of``, ``duplicates`` (None where the database
        would take long to tell), ``provenance``, ``history``, ``experiment``.

    Raises
    ------
    NotThere
        As `document_of`.
    """
    document = document_of(catalogue, run, struct_id)
    properties = document.get("properties") or {}
    short = {name: value for name, value in properties.items() if _is_short(value)}
    children = explored.children(catalogue, run, struct_id, MOST_RELATIVES + 1)
    measured = "experiment_rank" in properties
    return {
        "run": run,
        "id": struct_id,
        "pools": document["pools"],
        "n_atoms": document["n_atoms"],
        "Z": document["Z"],
        "formula": formula(document["geometry"]["species"]),
        "lattice": document["geometry"]["lattice"],
        "properties": short,
        "labels": {name: label_of(name) for name in short},
        "long": [name for name in properties if name not in short],
        "energies": document.get("energies") or {},
        "parent": document.get("parent") or properties.get("parent"),
        "children": [
            {"id": one["struct_id"], "step": (one.get("provenance") or {}).get("step")}
            for one in (children or [])[:MOST_RELATIVES]
        ],
        "children_more": len(children or []) > MOST_RELATIVES,
        "duplicate_of": properties.get("duplicate_of"),
        "duplicates": _duplicates(catalogue, run, struct_id),
        "provenance": document.get("provenance") or {},
        "history": _history(catalogue, run, document),
        "experiment": {"rank": properties["experiment_rank"], "rmsd": properties.get("experiment_rmsd")}
        if measured
        else None,
    }


def _is_short(value: Any) -> bool:
    if isinstance(value, dict):
        return len(value) <= LONGEST_LIST and all(not isinstance(one, dict | list) for one in value.values())
    if isinstance(value, list):
        return len(value) <= LONGEST_LIST and all(not isinstance(one, dict | list) for one in value)
    return True


def _duplicates(catalogue: Catalogue, run: str, struct_id: str) -> list[dict[str, Any]] | None:
    found = explored.duplicates(catalogue, run, struct_id, MOST_RELATIVES)
    if found is None:
        return None
    return [{"id": one["struct_id"], "rmsd": (one.get("properties") or {}).get("duplicate_rmsd")} for one in found]


def _history(catalogue: Catalogue, run: str, document: StructureDocument) -> list[dict[str, Any]]:
    """Return the steps that made a structure or wrote to it, in their order, with the work items where they tell it."""
    record = explored.steps(catalogue, run)
    steps = (record.get("options") or {}).get("steps", [])
    made_by = (document.get("provenance") or {}).get("step")
    wrote = {name.partition(" ")[0] for name in document.get("fence") or {}} | {made_by}
    named = [document["struct_id"], *([document["parent"]] if document.get("parent") else [])]
    keys = [item_id(run, step["name"], name) for step in steps if step["name"] in wrote for name in named]
    items: dict[str, Any] = {found["step"]: found for found in explored.items(catalogue, keys)}
    history = []
    for step in steps:
        if step["name"] not in wrote:
            continue
        item = items.get(step["name"]) or {}
        owner = item.get("done_by") or item.get("failed_by")
        history.append(
            {
                "step": step["name"],
                "procedure": step["procedure"],
                "what": "made" if step["name"] == made_by else "written",
                "item": item.get("key"),
                "seconds": item.get("seconds"),
                "host": host_of(owner) if owner else None,
                "state": item.get("state") or (record.get("steps") or {}).get(step["name"], {}).get("state"),
                "attempts": item.get("attempts"),
                "finished": (record.get("steps") or {}).get(step["name"], {}).get("finished"),
            }
        )
    return history
