"""What a procedure sees of the run it works for: options, molecule, pools, summaries, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import RunDocument, StructureDocument
from genarris_fw.catalogue.measured import MARKS
from genarris_fw.crystal import Molecule, Structure, write
from genarris_fw.crystal.atom_properties import atom_properties
from genarris_fw.declaring.door import OPTIONS
from genarris_fw.errors import RunFailed
from genarris_fw.farm.assignment import Assignment
from genarris_fw.farm.resources import replica_cores
from genarris_fw.logs import Log
from genarris_fw.options.base import MakesPool, OnMolecule, OnStructures, SharedOptions
from genarris_fw.pools.documents import from_document
from genarris_fw.pools.given_pool import given_pool, pool_of_a_run
from genarris_fw.threads import default_threads

EXPORTED_AT_ONCE = 500  # structures in memory

# Covariant: what serves every step takes a `Campaign[SharedOptions]`, what needs an engine a `Campaign[CallsEngine]`.
Options_co = TypeVar("Options_co", bound=SharedOptions, covariant=True)


class Campaign(Assignment, Generic[Options_co]):
    """A run as one of its steps sees it.

    Attributes
    ----------
    options : SharedOptions
        The step's resolved options, as the model of its procedure.
    seed : int
        The run's seed.
    """

    def __init__(self, catalogue: Catalogue, record: RunDocument, step: str, log: Log) -> None:
        super().__init__(catalogue, record, step, log)
        self.configuration: dict[str, Any] = record["options"]
        self.steps: list[dict[str, Any]] = self.configuration["steps"]
        self._step = next(entry for entry in self.steps if entry["name"] == step)
        self.seed = int(record["seed"])

    @cached_property
    def options(self) -> Options_co:
        """The step's resolved options.

        Raises
        ------
        InputError
            Where the package that brings the procedure's options is not installed on this machine.
        """
        model: type[Options_co] = OPTIONS.load(self._step["procedure"])
        return model.resolved(self._step["options"])

    @property
    def replicas_asked_for(self) -> int | None:
        """The option ``num_replicas``, or None where the user did not give it."""
        return self.options.num_replicas if self.given("num_replicas") else None

    def given(self, option: str) -> bool:
        """Tell whether the user gave an option, or it was inferred from something given."""
        return not self._step.get("origins", {}).get(option, "default").startswith("default")

    @property
    def num_replicas(self) -> int:
        """How many replicas the step gets: its option, else as many as ``genarris-fw run`` has workers."""
        return self.replicas_asked_for or max(1, int(self.record.get("workers") or 1))

    @property
    def cores(self) -> int:
        """How many cores an evaluation may use: the replica's share of ``num_cores``, else ``omp_num_threads``."""
        return replica_cores(self.options, self._step.get("origins", {})) or 1

    def threads(self, replicas: int) -> int:
        """Return how many threads a replica may use: ``omp_num_threads``, else its share of this machine's cores.

        Parameters
        ----------
        replicas : int
            How many replicas work at a time.
        """
        if self.given("omp_num_threads"):
            return self.options.omp_num_threads
        return max(1, default_threads() // max(1, replicas))

    def summary(self, step: str) -> dict[str, Any]:
        """Return the summary of an earlier step.

        Raises
        ------
        RunFailed
            When that step has not finished.
        """
        summaries = self.catalogue.runs.get(self.run)["summaries"]
        if step not in summaries:
            raise RunFailed(f"{self.step} needs the result of {step}, which has not finished in run '{self.run}'")
        return dict(summaries[step])

    @property
    def relaxation_step(self) -> str | None:
        """The last step before this one that makes the molecule which later steps build on, or None."""
        names = [entry["name"] for entry in self.steps]
        before = reversed(self.steps[: names.index(self.step)])
        return next((entry["name"] for entry in before if OPTIONS.load(entry["procedure"]).makes_molecule), None)

    @cached_property
    def molecule(self) -> Molecule:
        """The molecule that the step builds on: relaxed, when its ``molecule_step`` is set, else as it was read.

        Raises
        ------
        RunFailed
            When the run has none.
        """
        relaxation = self.options.molecule_step if isinstance(self.options, OnMolecule) else None
        if relaxation is None:
            return self.input_molecule
        [structure] = self.structures([self.summary(relaxation)["structure"]])
        return Molecule(structure.species, structure.positions, atom_properties(structure.properties))

    @cached_property
    def input_molecule(self) -> Molecule:
        """The molecule of the step's ``molecule_path``, as it was read when the run was made."""
        record = (self.record.get("molecules") or {}).get(self.step)
        if not record:
            raise RunFailed(f"{self.step} needs a molecule: set molecule_path in [{self.step}]")
        about = {name: value for name, value in record.items() if name not in ("species", "positions")}
        return Molecule(record["species"], record["positions"], about)

    @cached_property
    def molecule_of_run(self) -> Molecule | None:
        """The molecule of this step, else of the last step before it that has one; None where there is none.

        Its bonds are those of the run's crystals, in steps, too, that need no molecule.
        """
        records = self.record.get("molecules") or {}
        names = [entry["name"] for entry in self.steps]
        for name in reversed(names[: names.index(self.step) + 1]):
            if records.get(name):
                return Molecule(records[name]["species"], records[name]["positions"])
        return None

    @property
    def input_pool(self) -> str:
        """The pool that the step works on."""
        if not isinstance(self.options, OnStructures):
            raise RunFailed(f"{self.step} works on no pool: its options are not those of a step on structures")
        return self.options.input_pool

    @property
    def output_pool(self) -> str:
        """The pool that the step makes."""
        if not isinstance(self.options, MakesPool):
            raise RunFailed(f"{self.step} makes no pool: its options are not those of a step that makes one")
        return self.options.output_pool

    def pool_ids(self, pool: str | None = None) -> list[str]:
        """Return the ids of a pool (by default the step's input pool), in ascending order.

        Raises
        ------
        RunFailed
            When the pool is empty.
        """
        name = pool or self.input_pool
        ids = self.publication.members(name, self.catalogue.structures.pool_ids(self.run, name))
        if not ids:
            raise RunFailed(f"{self.step} has nothing to work on: pool '{name}' of run '{self.run}' is empty")
        return ids

    def structures(self, ids: Sequence[str], fields: Sequence[str] | None = None) -> list[Structure]:
        """Return structures by id, in that order; ``fields`` limits what is read of each document."""
        return list(self.each_structure(ids, fields))

    def each_structure(self, ids: Sequence[str], fields: Sequence[str] | None = None) -> Iterator[Structure]:
        """Yield what `structures` returns, a few in memory at a time."""
        wanted = None if fields is None else ["geometry", *fields]
        return (from_document(record) for record in self.documents(ids, wanted))

    def properties(self, ids: Sequence[str], name: str) -> list[Any]:
        """Return one property of structures by id, in that order; None where a structure lacks it."""
        records = self.documents(ids, [f"properties.{name}"])
        return [(record.get("properties") or {}).get(name) for record in records]

    def documents(self, ids: Sequence[str], fields: Sequence[str] | None) -> Iterator[StructureDocument]:
        """Yield documents as they will be when what is prepared is visible."""
        prepared = self.publication.fields
        for record in self.catalogue.structures.load(self.run, ids, fields):
            for path, value in prepared.get(record["struct_id"], {}).items():
                _put(cast(dict[str, Any], record), path, value)
            yield record

    def prepare_input(self) -> None:
        """Put what the step's ``structure_dir`` names into its input pool, where it is no pool of this run."""
        if not isinstance(self.options, OnStructures):
            return
        folder, other = self.options.import_folder, self.options.import_pool
        if folder:
            given_batches = given_pool(Path(folder), lambda note: self.log("read", note=note))
        elif other:
            given_batches = pool_of_a_run(self.catalogue, other)
        else:
            return
        ids: list[str] = []
        for documents in given_batches:
            for document in documents:  # a mark is of the pool in which it was made
                given = document["properties"]
                document["properties"] = {name: value for name, value in given.items() if name not in MARKS}
            self.catalogue.structures.insert_missing(self.run, documents)
            ids += [document["struct_id"] for document in documents]
        self.publication.add_to_pool(self.input_pool, ids)

    def make_pool(self, ids: Sequence[str], pool: str | None = None) -> None:
        """Make the step's output pool (or another) hold exactly these structures, once the step is collected."""
        self.publication.make_pool(pool or self.output_pool, ids)

    def set_fields(self, fields: Mapping[str, Mapping[str, Any]]) -> None:
        """Set fields of structures, by id and dotted name, once the step is collected."""
        for name, values in fields.items():
            self.publication.fields[name] |= values

    def export(self, ids: Sequence[str], folder: str | None, output_format: str, pool: str | None = None) -> None:
        """Write structures into a folder of the run, when one is named and this node can see the run's folder.

        Parameters
        ----------
        ids : sequence of str
            The structures.
        folder : str or None
            Where; the files appear there once the step is collected.
        output_format : str
            As of `genarris_fw.crystal.write`.
        pool : str, optional
            The pool whose files these are, where the folder is its own: files of structures that have left it go.
        """
        if not folder or not self.sees_folder():
            return
        target = self.prepared(Path(folder))
        target.mkdir(parents=True, exist_ok=True)
        for start in range(0, len(ids), EXPORTED_AT_ONCE):
            write(self.structures(ids[start : start + EXPORTED_AT_ONCE]), target, output_format)
        if pool is not None:
            self.publication.export(pool, Path(folder))

    def prepared(self, path: Path) -> Path:
        """Return where to write a file, or a folder of files, that appears at a path once the step is collected."""
        return self.publication.files.path(path)

    def sees_folder(self) -> bool:
        """Tell whether the run's folder exists on this node; a warning in the log where it does not."""
        if self.folder.is_dir():
            return True
        self.log("run folder not visible here: nothing exported", level="WARNING", folder=self.folder)
        return False


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        document = document.setdefault(name, {})
    document[last] = value
