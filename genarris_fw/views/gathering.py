"""What the catalogue holds of a pool that can be drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import StructureDocument
from genarris_fw.descriptors import distance_matrix, read_matrix
from genarris_fw.energetics.comparable import Source, comparable_energies, comparable_groups, energy_names, fields_of
from genarris_fw.pictures.of_pools import PoolData
from genarris_fw.pictures.quantities import number
from genarris_fw.pools.exporting import refuse_unknown_pool
from genarris_fw.units import KJ_PER_MOL_PER_EV

# Names that properties have where the run's steps name no others, the newest first.
CLUSTER_KEYS = (("AP_cluster", "AP_exemplar", ""),)
VECTOR_NAMES = ("RDF", "RSF")
# Properties with many numbers, which nothing here reads unless it is the descriptor that is drawn.
LONG = ("AMD", "rcd", "eos", "RDF", "RSF", "RDF_envs", "RSF_envs")
# Up to so many structures the distances are computed from the vectors where no matrix is stored.
MOST_COMPARED = 3000


def gather(catalogue: Catalogue, run: str, name: str, with_vectors: bool = True) -> PoolData:
    """Read what can be drawn of a pool.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run, name : str
        The run and its pool.
    with_vectors : bool
        Whether its descriptors are read, which are most of what there is to read.

    Raises
    ------
    InputError
        For an unknown run or pool; the message names those there are.
    """
    steps = catalogue.runs.get(run).get("options", {}).get("steps", [])
    options = [step["options"] for step in reversed(steps)]
    described = [step for step in options if "pdist_distance_type" in step]
    ids = catalogue.structures.pool_ids(run, name)
    if not ids:
        refuse_unknown_pool(catalogue, run, name)
    vectors = _names(described, "property_name", VECTOR_NAMES) if with_vectors else []
    documents: list[StructureDocument] = []
    found: dict[str, list[Any]] = {vector: [] for vector in vectors}
    unread = [f"properties.{long}" for long in LONG if long not in vectors]
    for document in catalogue.structures.load(run, ids, without=[*unread, "geometry", "fence", "pools"]):
        properties = document.get("properties") or {}
        for vector in vectors:
            found[vector].append(properties.get(vector))
        # Long ones (vectors, AMD, RCD, surroundings of atoms) are not kept: pools are large.
        document["properties"] = {k: value for k, value in properties.items() if not isinstance(value, list | dict)}
        documents.append(document)
    Z = np.array([number(document.get("Z")) for document in documents])
    pool = PoolData(run, name, ids, Z, [document["properties"] for document in documents])
    pool.modes = [str((document.get("provenance") or {}).get("mode") or "") for document in documents]
    pool.parents = [str(document.get("parent") or "") for document in documents]
    [pool.metric, *_] = _names(options, "pdist_distance_type", [pool.metric])
    pool.normalize = next((bool(o["normalize_rdf_vectors"]) for o in options if "normalize_rdf_vectors" in o), True)
    _read_clusters(pool, sorted(options, key=lambda step: name not in _pools_of(step)))
    _read_vectors(pool, found)
    _read_energies(pool, documents, energy_names(steps))
    return pool


def _names(options: Sequence[dict[str, Any]], option: str, others: Sequence[str]) -> list[str]:
    """Return the names that an option has in the steps, the last step first, then the usual ones."""
    named = [step[option] for step in options if step.get(option)]
    return list(dict.fromkeys([*named, *others]))


def _pools_of(step: dict[str, Any]) -> tuple[Any, Any]:
    return step.get("output_pool"), step.get("exemplars_pool")


def _read_clusters(pool: PoolData, options: Sequence[dict[str, Any]]) -> None:
    """Take the first clustering that all structures of the pool have, and which of them are its exemplars."""
    keys = [
        (o["property_key"], o.get("exemplar_key", ""), o.get("matrix_step") or "")
        for o in options
        if "property_key" in o
    ]
    known = {}
    for cluster, exemplar, matrix_step in [*keys, *CLUSTER_KEYS]:
        labels = pool.property(cluster)
        known[cluster] = int(np.isfinite(labels).sum())
        if known[cluster] == len(labels):
            pool.labels, pool.matrix_step = labels.astype(np.intp), matrix_step
            chosen = {properties.get(exemplar) for properties in pool.properties}
            pool.exemplars = np.array([row for row, name in enumerate(pool.ids) if name in chosen], dtype=np.intp)
            return
    most = max(known.values())
    pool.missing["labels"] = f"{most} of {len(pool.ids)} structures have a cluster" if most else "not clustered"


def _read_vectors(pool: PoolData, found: dict[str, list[Any]]) -> None:
    """Take the first descriptor that all structures have, in vectors of one length."""
    pool.missing["vectors"] = "no descriptor"
    for name, vectors in found.items():
        having = [vector for vector in vectors if isinstance(vector, list) and vector]
        if len(having) == len(vectors) and len({len(vector) for vector in having}) == 1:
            pool.vectors = np.array(having, dtype=float)
            del pool.missing["vectors"]
            return
        if having:
            pool.missing["vectors"] = f"{len(having)} of {len(vectors)} structures have a {name} vector of one length"


def _read_energies(pool: PoolData, documents: Sequence[StructureDocument], names: Sequence[str]) -> None:
    """Take the first energy that some structures have; of those not to be compared the largest group."""
    for name in names:
        energies = [document.get("energies") or {} for document in documents]
        records: list[Mapping[str, Any]] = [found.get(name) or {} for found in energies]
        values = np.array([number(record.get("per_molecule")) for record in records])
        sources = [Source.of(record) for record in records]
        groups = comparable_groups(Counter(source for source, value in zip(sources, values) if np.isfinite(value)))
        if groups:
            largest = groups[0][0]
            pool.energies, pool.energy_name = np.where([source == largest for source in sources], values, np.nan), name
            return
    pool.missing["energies"] = "no energies"


def pool_energies(catalogue: Catalogue, run: str, ids: Sequence[str]) -> list[float | None]:
    """Return energies that may be compared, of the last step that has some, kJ/mol per molecule.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run : str
        A run,
    ids : sequence of str
        and some of its structures.

    Returns
    -------
    list of float or None
        Of each structure; None for one that has none, or one of another engine or settings than most.

    Raises
    ------
    InputError
        For an unknown run.
    """
    steps = catalogue.runs.get(run).get("options", {}).get("steps", [])
    for name in energy_names(steps):
        if energies := comparable_energies(catalogue.structures.load(run, ids, fields_of(name)), name):
            return [None if energy is None else energy * KJ_PER_MOL_PER_EV for energy in energies]
    return [None] * len(ids)


@contextmanager
def distances_of(catalogue: Catalogue, pool: PoolData) -> Iterator[tuple[NDArray[np.float32], NDArray[np.intp]] | None]:
    """Open the distance matrix that was clustered, else the newest that holds all structures of a pool.

    Yields
    ------
    (m, m) memmap and (n,) ndarray of int, or None
        The matrix, and the row of every structure in it. Where no matrix is stored, or its file is gone, that of the
        vectors, for up to 3,000 structures.
    """
    steps = catalogue.runs.get(pool.run).get("options", {}).get("steps", [])
    with TemporaryDirectory() as folder:
        for step in [pool.matrix_step, *(step["name"] for step in reversed(steps))]:
            record = catalogue.artifacts.find(pool.run, f"{step}.distances")
            if record is None or not set(pool.ids) <= set(record["ids"]):
                continue
            path = catalogue.artifacts.fetch(pool.run, record["name"], Path(folder))
            if path is not None:
                # Its checksum was compared just now.
                matrix, names = read_matrix(path, ids=record["ids"], verify=False)
                place = {name: row for row, name in enumerate(names)}
                yield matrix, np.array([place[name] for name in pool.ids], dtype=np.intp)
                return
        if pool.vectors is not None and len(pool.ids) <= MOST_COMPARED:
            yield distance_matrix(pool.vectors, pool.metric, pool.normalize), np.arange(len(pool.ids))
        else:
            yield None
