"""The documents of the catalogue as types: every field once, with what it means and its unit.

docs/catalogue.md holds the tables of `genarris_fw.catalogue.described`, which come from here. What stands after the
meaning of a ``dict`` is what its keys are. Documents are read in part as well: a field may be missing where the class
is not ``total``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypedDict

from bson import ObjectId

from genarris_fw.energetics.record import EnergyRecord

Fence = dict[str, int]


class ItemCounts(TypedDict):
    """The work items of a step."""

    total: Annotated[int, "all"]
    done: Annotated[int, "done"]
    failed: Annotated[int, "given up"]


class StepProgress(TypedDict, total=False):
    """How far a step of a run is."""

    state: Annotated[str, "`running`, `finished`, `failed`"]
    started: Annotated[datetime, "when the step began"]
    finished: Annotated[datetime, "when it ended or failed"]
    seconds: Annotated[float, "from its beginning to its end"]
    items: Annotated[ItemCounts, "its work items, as counted when they were planned and again when it was collected"]


class MoleculeRead(TypedDict, total=False):
    """A molecule as it was read when the run was made."""

    species: Annotated[list[str], "elements"]
    positions: Annotated[list[list[float]], "Cartesian positions, Å"]
    initial_moments: Annotated[list[float | None], "by atom, where its file states them"]
    initial_charges: Annotated[list[float | None], "by atom, where its file states them"]
    fixed_atoms: Annotated[list[int], "atoms, from 0, that its file fixes in relaxations"]
    smiles: Annotated[str, "SMILES that it was made from"]
    conformer_energy: Annotated[float, "energy that its file states, kJ/mol"]
    multiplicity: Annotated[int, "spin multiplicity that its file states"]


class StepForecast(TypedDict):
    """What a step was expected to cost."""

    structures: Annotated[float | None, "how many it would evaluate; null where that could not be said"]
    bound: Annotated[str, "how that is meant: empty (exactly), `about` or `at most`"]
    seconds_each: Annotated[float | None, "that one would take; null where that could not be said"]
    cores: Annotated[float | None, "cores of an evaluation"]
    core_seconds: Annotated[float | None, "of all; null where one of these is"]


class Forecast(TypedDict):
    """What `check --keep` expected a run to cost."""

    made: Annotated[str, "when (ISO 8601)"]
    steps: Annotated[dict[str, StepForecast], "by step that calls an engine", "step"]
    assumptions: Annotated[list[str], "what was assumed, in words"]


class Notified(TypedDict, total=False):
    """Who was told that a run has ended."""

    number: Annotated[int, "how many ends were told so far"]
    state: Annotated[str, "the end that was told: `finished` or `failed`; absent once the run goes on"]
    at: Annotated[datetime, "when it was told"]
    error: Annotated[str, "why nobody was, after all tries; empty where somebody was"]


class RunDocument(TypedDict, total=False):
    """A ``ui.conf`` being carried out; its key is its name."""

    _id: Annotated[str, "name of the run"]
    name: Annotated[str, "name of the run"]
    state: Annotated[str, "`running`, `finished`, `failed`; `imported` when `genarris-fw import` made it"]
    created: Annotated[datetime, "when it began"]
    begun_by: Annotated[int, "id of the firework that began it; 0 for an imported run"]
    folder: Annotated[
        str,
        "absolute path of the run's folder; where it was moved to, once `run` or `add` was called there",
    ]
    text: Annotated[str, "`ui.conf` as it was read"]
    options: Annotated[
        dict[str, Any],
        "the options as resolved; `options.steps` is the list of steps, each with `name`, `procedure`, `occurrence`, "
        "`options` and `origins` (where each value comes from); `options.experiment` is the measured crystal of "
        "`[experimental_structure]`, a record of Genarris, `options.comparison` the options of that section",
    ]
    options_hash: Annotated[str | None, "SHA-256 over every option that can change a result"]
    versions: Annotated[dict[str, str], "versions of the package and of Python"]
    seed: Annotated[int, "seed of everything random; null in an imported run"]
    steps: Annotated[dict[str, StepProgress], "by step: how far it is; nothing before it begins", "step"]
    pools: Annotated[
        dict[str, int],
        "by pool: how many structures it has; absent in a run of an older version, whose pools are counted instead. A "
        "name with a dot in it needs `$getField` in a query",
    ]
    summaries: Annotated[dict[str, dict[str, Any]], "by step: what came out (below)"]

    finished: Annotated[datetime, "when it ended or failed"]
    carried: Annotated[
        dict[str, dict[str, str]], "by step: the settings of its engine that hold the text of a file", "step"
    ]
    control: Annotated[dict[str, str], "text of the engine's control file, by step; in runs of an older version"]
    molecules: Annotated[dict[str, MoleculeRead], "by step: the molecule that it names, as it was read", "step"]
    workers: Annotated[int, "rockets that `genarris-fw run` started"]
    failure: Annotated[str, "why the run failed; absent otherwise"]
    forecast: Annotated[Forecast, "what `genarris-fw check --keep` expected it to cost, before it was begun"]
    notified: Annotated[Notified, "whether its end was told to whom `notify` names"]
    failed_items: Annotated[int, "work items given up in all steps, once the run is finished"]
    fence: Annotated[Fence, "by step and role, where a firework was taken over: lower tokens write nothing more here"]
    published: Annotated[Fence, "by step and role: the token under which the result was prepared that is visible"]


class Geometry(TypedDict):
    """Where the atoms of a structure are."""

    lattice: Annotated[list[list[float]] | None, "rows are the lattice vectors, Å; null for a molecule"]
    species: Annotated[list[str], "elements, molecule after molecule, each in the same order"]
    positions: Annotated[list[list[float]], "Cartesian positions, Å; every molecule is whole"]


class _NewStructure(TypedDict):
    struct_id: Annotated[str, "unique within the run; a file's own id is kept when it is imported"]
    n_atoms: Annotated[int, "atoms in the cell"]
    Z: Annotated[int, "molecules in the cell; 1 for a molecule, 0 when it is not known"]
    geometry: Annotated[Geometry, "where the atoms are"]
    properties: Annotated[dict[str, Any], "what is known of it (below)"]


class NewStructure(_NewStructure, total=False):
    """A structure as a step makes it, before it belongs to a run and its pools."""

    parent: Annotated[str, "struct_id of the structure it was relaxed or pressed from; absent otherwise"]
    energies: Annotated[dict[str, EnergyRecord], "by `energy_name`: an energy, with what gave it", "energy_name"]
    provenance: Annotated[
        dict[str, Any],
        "how it came to be: `step`, `mode`, `seed`, `space_group`, `wyckoff`, `site_symmetry`, `draw` (on its site), "
        "`attempts` (of its group up to it), `pressed`; or `site` (such as 14:4e), `draw` and `hits` (by site) of a "
        "search; or `sr`, `steps`, `converged` of a press; or `parent`, `reused_from`; or `imported_from` (a folder, a "
        "file, RUN:POOL), `file` (which part of it) and `stamp` (its size, time and number of structures)",
    ]


class _Structure(TypedDict):
    _id: Annotated[str, "`<run>:<struct_id>`"]
    run: Annotated[str, "the run it belongs to"]
    pools: Annotated[list[str], "the pools it is a member of"]


class StructureDocument(_Structure, NewStructure, total=False):
    """A crystal or a molecule; its key is the run and its ``struct_id``."""

    fence: Annotated[
        Fence,
        "by step, and by step and role where the step as a whole wrote: token of the last write; an older writer's "
        "has no effect",
    ]


class ClaimedBy(TypedDict):
    """Who works on an item."""

    owner: Annotated[str, "`host:process:start:firework:random`"]
    claim: Annotated[str, "id of the claim that took it"]
    since: Annotated[datetime, "when it was claimed (the server's clock)"]
    expires: Annotated[datetime, "until when, unless renewed (the server's clock)"]


class Planned(TypedDict):
    """Under what an item was planned that counts for nothing yet."""

    round: Annotated[int, "the round of items that it belongs to"]
    token: Annotated[int, "the token of the lease whose holder planned it"]


class Following(TypedDict):
    """An item that follows from a committed one."""

    key: str
    payload: dict[str, Any]
    priority: int


class _Attempt(TypedDict):
    owner: Annotated[str, "who made it: `host:process:start:firework:random`"]
    end: Annotated[str, "`failed`, or `broken off` since the time was over"]
    seconds: Annotated[float, "the time it took"]


class Attempt(_Attempt, total=False):
    """An attempt on an item that did not succeed."""

    cpu_seconds: Annotated[float, "the processors' time that it used, where that was measured"]
    cores: Annotated[int, "cores that the replica held meanwhile"]


class _WorkItem(TypedDict):
    _id: Annotated[str, "`<run>:<step>:<key>`"]
    run: Annotated[str, "the run"]
    step: Annotated[str, "which of its steps"]
    key: Annotated[str, "which piece of the step; again the same key is the same item"]
    state: Annotated[
        str,
        "`planned` (counts for nothing yet), `waiting`, `leased` (a replica works on it), `resting` (until its next "
        "attempt), `committed` (its outcome stands, what follows is not inserted yet), `done`, `failed` (given up)",
    ]
    priority: Annotated[int, "higher is claimed first; one more each time that its replica is lost"]
    rnd: Annotated[float, "in [0, 1): spreads the replicas over the waiting items"]
    token: Annotated[int, "fencing token: raised by every claim"]
    attempts: Annotated[int, "failed attempts"]
    lost: Annotated[int, "how often its replica disappeared"]
    payload: Annotated[dict[str, Any], "what the work needs: names, ids and numbers, never structures"]


class WorkItemDocument(_WorkItem, total=False):
    """A piece of a step that a replica can claim; its key is run, step and key."""

    planned: Annotated[Planned, "while planned: under what"]
    following: Annotated[
        list[Following], "while committed: the items that follow from it (`key`, `payload`, `priority`)"
    ]
    lease: Annotated[ClaimedBy, "while leased: who works on it"]
    outcome: Annotated[dict[str, Any], "what came out, once done"]
    seconds: Annotated[float, "the time the work took"]
    cpu_seconds: Annotated[
        float, "the processors' time that it used: of the process, its children and the other ranks of its replica"
    ]
    cores: Annotated[int, "cores that the replica held meanwhile: threads times ranks"]
    spent: Annotated[list[Attempt], "the attempts that did not succeed, as far as their end was seen; absent without"]
    done_by: Annotated[str, "owner of the attempt that succeeded"]
    failed_by: Annotated[str, "owner of the last attempt that failed"]
    error: Annotated[str, "the last error, in one line"]
    failure: Annotated[
        dict[str, str],
        "how and where that was: an engine's class of failure `kind`, `host`, `folder`, the tail of the engine's "
        "`output`",
    ]
    again: Annotated[datetime, "while resting: when its next attempt may begin (the server's clock)"]
    checkpoint: Annotated[
        dict[str, Any], "what a replica had reached when it had to stop; the next one goes on from there"
    ]


class DoneAt(TypedDict):
    """What a replica had done at a moment."""

    done: Annotated[int, "items that it had committed"]
    at: Annotated[datetime, "by when (the server's clock)"]


class ReplicaDocument(TypedDict, total=False):
    """A replica that works, or worked, on a step; its key is the owner of its leases."""

    _id: Annotated[str, "owner of its leases: `host:process:start:firework:random`"]
    run: Annotated[str, "the run it works for"]
    step: Annotated[str, "the step it works on"]
    role: Annotated[str, "as what: `plan`, `gate`, `side` or `whole`"]
    host: Annotated[str, "the machine"]
    user: Annotated[str, "whose process it is"]
    cores: Annotated[int, "cores that it holds: threads times ranks"]
    fw_id: Annotated[int, "its firework"]
    started: Annotated[datetime, "when it began (the server's clock)"]
    seen: Annotated[datetime, "its last sign of life (the server's clock)"]
    done: Annotated[int, "items that it committed"]
    failed: Annotated[int, "items that it gave up"]
    seconds: Annotated[float, "time spent on items"]
    past: Annotated[DoneAt, "one to two minutes ago, while it works: its rate is what was done since"]
    mark: Annotated[DoneAt, "later than that: the next `past`"]

    ended: Annotated[
        datetime, "when it ended, or was last seen before it was lost; absent before, and until that is noticed"
    ]
    lost: Annotated[bool, "true where its process was lost, so that nobody knows when it ended"]
    quarantined: Annotated[str, "why it takes no more items; absent otherwise"]


class PlannedRound(TypedDict):
    """A round of work items that counts."""

    token: Annotated[int, "token of the holder that planned it"]
    by: Annotated[str, "who planned it"]
    items: Annotated[int, "how many items it has"]


class PreparedResult(TypedDict, total=False):
    """A result that is prepared: where its parts are."""

    parts: Annotated[list[dict[str, Any]], "the parts of the result, where they are small"]
    stored: Annotated[int, "how many parts it has in `publications`, where they are not"]


class Committed(PreparedResult, total=False):
    """A result that is decided and being made visible."""

    token: Annotated[int, "token of the holder that decided it"]


class Decisions(TypedDict, total=False):
    """What the holders of a lease on the workflow's path have decided."""

    rounds: Annotated[dict[str, PlannedRound], "by number: the rounds of work items that count", "number"]
    committed: Annotated[Committed, "the result that is decided and being made visible"]


class LeaseDocument(Decisions, total=False):
    """A firework that is, or was, being worked on; its key is run, step and role."""

    _id: Annotated[str, "`<run>:<step>:<role>`; a side replica's ends in its firework's id"]
    run: Annotated[str, "the run"]
    step: Annotated[str, "the step; absent on a note about a firework"]
    role: Annotated[str, "`plan`, `gate`, `side`, `whole` or `finish`"]
    state: Annotated[
        str,
        "`open`; `collected` when the work is done for good; `unheld` on a note that a firework was seen without a "
        "lease; `turn` on one that says when lost items were last looked for",
    ]
    fw_id: Annotated[int, "the firework"]
    launch_id: Annotated[int | None, "its launch"]
    since: Annotated[datetime, "of such a note: when that was first seen, or last done"]
    token: Annotated[int, "fencing token: raised whenever it is taken or recovered"]
    owner: Annotated[str, "who holds it; absent when nobody does"]
    expires: Annotated[datetime, "until when (the server's clock); absent when nobody does"]
    recoverer: Annotated[str, "who is repairing it, while that lasts"]
    all_planned: Annotated[bool, "on the gate of a step: it plans no more"]


class PublicationDocument(TypedDict):
    """A part of a result that was too large for its lease; its key is lease, token and number."""

    _id: Annotated[str, "`<lease>:<token>:<number>`"]
    run: Annotated[str, "the run"]
    lease: Annotated[str, "`_id` of the lease whose holder prepared it"]
    token: Annotated[int, "the token of that holder"]
    part: Annotated[dict[str, Any], "the part: its `kind`, and what that kind needs"]


class _ArtifactRecord(TypedDict):
    path: Annotated[str, "where the file lies (or lay)"]
    storage: Annotated[str, "`folder`, or `gridfs` when the writer did not see the run's folder"]
    sha256: Annotated[str, "checksum of the content"]
    host: Annotated[str, "the machine that wrote it"]


class ArtifactRecord(_ArtifactRecord, total=False):
    """What is known of a file before it is made known under a name."""

    content: Annotated[ObjectId, "the file in GridFS (`artifact_files.files`), with storage `gridfs`"]
    ids: Annotated[list[str], "struct_id of every row"]
    shape: Annotated[list[int], "rows and columns"]
    about: Annotated[dict[str, Any], "what it came from, as the step that made it says"]


class _Artifact(TypedDict):
    _id: Annotated[ObjectId, "the server's"]
    run: Annotated[str, "the run"]
    name: Annotated[
        str,
        "unique within the run: `run_rdf_calc.distances`, `affinity_propagation_fixed_clusters.affinities`, ...",
    ]


class ArtifactDocument(_Artifact, ArtifactRecord, total=False):
    """A file of a run; its key is run and name."""

    fence: Annotated[Fence, "by step and role: the token under which it was made known"]


class MolecularPotentialDocument(TypedDict):
    """What a wave function says of a molecule's electrostatics; its key is the molecule's content and the method."""

    _id: Annotated[
        str, "SHA-256 of species, positions in the molecule's own frame to 1e-6 Å, method, charge and `version`"
    ]
    version: Annotated[int, "of how it is computed"]
    species: Annotated[list[str], "elements"]
    positions: Annotated[list[list[float]], "positions in the molecule's own frame, Å"]
    charge: Annotated[int, "of the molecule, e"]
    method: Annotated[str, "what computed it, such as `HF/6-31G**`"]
    potential: Annotated[list[float], "electrostatic potential on the shells that charges are fitted to, kJ/mol per e"]
    checked: Annotated[list[float], "the same on shells between and beyond, which nothing is fitted to"]
    multipoles: Annotated[list[list[float]], "multipoles at the nuclei to rank 4, in DMACRYS' order, e Å^l"]


class RelaxedGeometry(TypedDict):
    """Where the atoms of a relaxed structure are; they are those of the structure that was computed."""

    lattice: Annotated[list[list[float]] | None, "rows are the lattice vectors, Å; null for a molecule"]
    positions: Annotated[list[list[float]], "Cartesian positions, Å"]


class _NewEngineResult(TypedDict):
    digest: Annotated[
        str, "SHA-256 over engine, versions, settings, kind, and the structure that was computed: what is looked for"
    ]
    struct_id: Annotated[str, "what that structure is called in its run"]
    kind: Annotated[str, "`single point` or `relaxation`"]
    engine: Annotated[str, "name of the engine"]
    engine_version: Annotated[str, "its version, as the program tells it"]
    settings_hash: Annotated[str, "that of its energy"]
    energy: Annotated[float, "eV per cell; of a molecule eV"]
    forces: Annotated[list[list[float]] | None, "by atom, eV/Å; null where the engine gave none"]
    stress: Annotated[list[list[float]] | None, "eV/Å³; null where the engine gave none"]
    converged: Annotated[bool, "whether everything that was asked for was reached"]
    seconds: Annotated[float, "wall time"]
    details: Annotated[dict[str, Any], "what the engine tells beside it"]
    computed: Annotated[datetime, "when"]


class NewEngineResult(_NewEngineResult, total=False):
    """What an engine gave of a structure, before it belongs to a work item."""

    geometry: Annotated[RelaxedGeometry, "of a relaxation: where the atoms are after it"]


class _EngineResult(TypedDict):
    _id: Annotated[str, "`_id` of the work item that computed it"]
    run: Annotated[str, "the run"]
    step: Annotated[str, "which of its steps"]
    token: Annotated[int, "fencing token of the claim that computed it: it counts once the item is done under it"]


class EngineResultDocument(_EngineResult, NewEngineResult, total=False):
    """A result of an engine, found again by what was computed; its key is the work item."""

    settled: Annotated[bool, "true where its item is gone, since its step is made anew, and had been done"]


# Collection -> what its documents are.
DOCUMENTS: dict[str, type] = {
    "runs": RunDocument,
    "structures": StructureDocument,
    "work_items": WorkItemDocument,
    "replicas": ReplicaDocument,
    "leases": LeaseDocument,
    "publications": PublicationDocument,
    "artifacts": ArtifactDocument,
    "molecular_potentials": MolecularPotentialDocument,
    "engine_results": EngineResultDocument,
}
