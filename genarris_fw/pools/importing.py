"""Structures that were read from files into the catalogue, as a pool."""

from __future__ import annotations

import platform
from collections import Counter
from pathlib import Path
from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import NewStructure, RunDocument
from genarris_fw.catalogue.runs import IMPORTED
from genarris_fw.crystal.pieces import formula
from genarris_fw.errors import InputError
from genarris_fw.telling import Told, untold
from genarris_fw.version import __version__

# In place of the firework that begins a run: an imported one has none.
NO_FIREWORK = 0


# Documents are written so many at a time, and it is told how many are.
_AT_A_TIME = 1000


def import_documents(
    catalogue: Catalogue,
    run: str,
    pool: str,
    documents: list[NewStructure],
    source: Path,
    told: Told = untold,
) -> int:
    """Put structures that were read from files into a pool; again has no further effect.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run : str
        The run to put them in; a new one gets the state ``imported``.
    pool : str
        The pool to put them in, beside what it has.
    documents : list of NewStructure
        What was read (`genarris_fw.pools.reading.read_pool`). Their ids are kept.
    source : Path
        Where they come from.
    told : callable, optional
        Told how far it is.

    Returns
    -------
    int
        How many of them are new in the run.

    Raises
    ------
    InputError
        When the run has another structure under an id, or the pool is one that the run's own steps make. Nothing is
        written then.
    """
    record = catalogue.runs.find(run)
    if record is not None:
        _refuse_made_pool(record, pool)
        _refuse_other_geometry(catalogue, run, documents, source)
    else:
        catalogue.runs.create(run, _record(source), begun_by=NO_FIREWORK)
    new = 0
    for k in range(0, len(documents), _AT_A_TIME):
        told("writing structures", k, len(documents))
        new += catalogue.structures.insert_missing(run, documents[k : k + _AT_A_TIME])
    told("filling the pool", 0, 0)
    catalogue.structures.add_to_pool(run, pool, [document["struct_id"] for document in documents])
    return new


def other_molecules(record: RunDocument | None, documents: list[NewStructure]) -> dict[str, str]:
    """Return struct_id -> reason of the structures that are not made of the molecule of a run, which has one.

    Parameters
    ----------
    record : RunDocument or None
        The run, if it is there.
    documents : list of NewStructure
        What is to be imported.
    """
    molecules = {
        formula(molecule["species"]): Counter(molecule["species"])
        for molecule in ((record or {}).get("molecules") or {}).values()
        if molecule.get("species")
    }
    if not molecules:
        return {}
    found = {}
    for document in documents:
        atoms = Counter(document["geometry"]["species"])
        if not any(_is_multiple(atoms, molecule, document["Z"]) for molecule in molecules.values()):
            said = formula(document["geometry"]["species"])
            found[document["struct_id"]] = f"{said} is not made of the run's molecule {' or '.join(molecules)}"
    return found


def _is_multiple(atoms: Counter[str], molecule: Counter[str], Z: int) -> bool:
    """Whether atoms are a whole number of molecules, of Z if that is known."""
    times, rest = divmod(sum(atoms.values()), sum(molecule.values()))
    return not rest and Z in (0, times) and all(atoms[name] == times * molecule[name] for name in molecule)


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


def _refuse_made_pool(record: RunDocument, pool: str) -> None:
    for step in record.get("options", {}).get("steps", []):
        if pool in (step["options"].get("output_pool"), step["options"].get("exemplars_pool")):
            raise InputError(
                f"pool '{pool}' of run '{record['name']}' is made by its step {step['name']}: "
                "import into another pool or another run"
            )


def _refuse_other_geometry(catalogue: Catalogue, run: str, documents: list[NewStructure], folder: Path) -> None:
    there = catalogue.structures.geometries(run, [document["struct_id"] for document in documents])
    for document in documents:
        known = there.get(document["struct_id"])
        if known is not None and known != document["geometry"]:
            raise InputError(
                f"{folder}: {document['struct_id']} is another crystal in run '{run}' already: "
                "import into another run, or give the file another struct_id"
            )
