"""Files into the catalogue: the structures of a folder become a pool."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import bson

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import NewStructure, RunDocument
from genarris_fw.catalogue.runs import IMPORTED
from genarris_fw.crystal import Structure, space_group, whole_molecules
from genarris_fw.errors import InputError
from genarris_fw.pools.documents import to_document
from genarris_fw.version import __version__

# In place of the firework that begins a run: an imported one has none.
NO_FIREWORK = 0
LARGEST_DOCUMENT = 15 * 2**20  # bytes; the server's limit is 16 MiB, and steps add properties


def import_structures(catalogue: Catalogue, run: str, pool: str, structures: list[Structure], folder: Path) -> int:
    """Put the structures of a folder into a pool; again has no further effect.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run : str
        The run to put them in; a new one gets the state ``imported``.
    pool : str
        The pool to put them in, beside what it has.
    structures : list of Structure
        What the folder holds (`genarris_fw.crystal.read_folder`). Their ids are kept.
    folder : Path
        Where they come from.

    Returns
    -------
    int
        How many of them are new in the run.

    Raises
    ------
    InputError
        When the run has another structure under an id, the pool is one that the run's own steps make, or a structure
        is larger than a document of the database may be. Nothing is written then.
    """
    source = str(Path(folder).absolute())
    documents = [_document(structure, source) for structure in structures]
    for document in documents:
        _refuse_large(document, folder)
    record = catalogue.runs.find(run)
    if record is not None:
        _refuse_made_pool(record, pool)
        _refuse_other_geometry(catalogue, run, structures, folder)
    else:
        catalogue.runs.create(run, _record(folder), begun_by=NO_FIREWORK)
    new = catalogue.structures.insert_missing(run, documents)
    catalogue.structures.add_to_pool(run, pool, [structure.struct_id for structure in structures])
    return new


def _record(folder: Path) -> dict[str, Any]:
    versions = {"genarris_fw": __version__, "python": platform.python_version()}
    return {
        "state": IMPORTED,
        "folder": str(Path(folder).absolute()),
        "options": {"steps": []},
        "options_hash": None,
        "text": "",
        "seed": None,
        "versions": versions,
    }


def _refuse_large(document: NewStructure, folder: Path) -> None:
    size = len(bson.encode(document))
    if size > LARGEST_DOCUMENT:
        raise InputError(
            f"{folder}: {document['struct_id']} takes {size} bytes, the database holds {LARGEST_DOCUMENT}: "
            "leave its large properties out"
        )


def _refuse_made_pool(record: RunDocument, pool: str) -> None:
    for step in record.get("options", {}).get("steps", []):
        if pool in (step["options"].get("output_pool"), step["options"].get("exemplars_pool")):
            raise InputError(
                f"pool '{pool}' of run '{record['name']}' is made by its step {step['name']}: "
                "import into another pool or another run"
            )


def _refuse_other_geometry(catalogue: Catalogue, run: str, structures: list[Structure], folder: Path) -> None:
    there = catalogue.structures.geometries(run, [structure.struct_id for structure in structures])
    for structure in structures:
        known = there.get(structure.struct_id)
        if known is not None and known != to_document(structure, 0)["geometry"]:
            raise InputError(
                f"{folder}: {structure.struct_id} is another crystal in run '{run}' already: "
                "import into another run, or give the file another struct_id"
            )


def _document(structure: Structure, source: str) -> NewStructure:
    """Return the document with what a file may leave out: Z and the space group."""
    Z = int(structure.properties.get("Z") or 0)
    if structure.lattice is None:
        Z = 1
    else:
        Z = Z or _count_molecules(structure)
        if structure.properties.get("spg") is None:
            structure.properties["spg"] = space_group(structure)
    return to_document(structure, Z, {"imported_from": source})


def _count_molecules(structure: Structure) -> int:
    """Return the number of molecules per cell, 0 when it is no crystal of one kind of molecule."""
    try:
        return int(whole_molecules(structure).properties.get("Z") or 0)
    except InputError:
        return 0
