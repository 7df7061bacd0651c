"""The bench on which a configuration is put together: the steps so far, and what may be looked up."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genarris_fw.declaring.option import REQUIRED
from genarris_fw.names import is_name, is_smiles
from genarris_fw.options.base import ProcedureOptions
from genarris_fw.options.configuration import Step
from genarris_fw.options.problems import Remarks, nearest, quoted
from genarris_fw.options.sections import Given, Sections, again

if TYPE_CHECKING:
    from genarris_fw.comparing.experiment import Experiment

STRUCTURE_FILES = (".json", ".in", ".next_step", ".cif", ".res", ".xyz", ".extxyz", ".db", ".traj", ".out")


def within(path: str, place: str) -> bool:
    """Tell whether an absolute path is a place or lies in it."""
    return path == place or path.startswith(place.rstrip("/") + "/")


@dataclass
class Pool:
    """What is known of a pool from the configuration alone.

    Parameters
    ----------
    name : str
        The pool's name.
    energies : set of str or None
        Names of the energies its structures have; None where they come from outside and may have any.
    matrix : tuple or None
        (step, absolute file) of a distance matrix that covers its structures.
    vectors : tuple or None
        (step, property) of vectors that its structures have.
    """

    name: str
    energies: set[str] | None = field(default_factory=set)
    matrix: tuple[str, str] | None = None
    vectors: tuple[str, str] | None = None

    def child(self, name: str) -> Pool:
        """Return a pool of the same structures, or some of them, under another name."""
        return Pool(name, None if self.energies is None else set(self.energies), self.matrix, self.vectors)


@dataclass
class Draft:
    """One step while it is resolved.

    Parameters
    ----------
    step : Step
        What it becomes.
    model : type
        Its option model.
    given : dict
        Option -> what ui.conf gives for this occurrence.
    section, line : str, int
        Where a message about the step as a whole points.
    """

    step: Step
    model: type[ProcedureOptions]
    given: dict[str, Given]
    section: str
    line: int

    @property
    def options(self) -> dict[str, Any]:
        """The options resolved so far."""
        return self.step.options

    @property
    def origins(self) -> dict[str, str]:
        """Where they come from."""
        return self.step.origins

    def put(self, option: str, value: Any, origin: str) -> None:
        """Set an option."""
        self.options[option] = value
        self.origins[option] = origin

    def drop(self, *options: str) -> None:
        """Take options away that are only a way to write others."""
        for option in options:
            self.options.pop(option, None)
            self.origins.pop(option, None)

    def has(self, option: str) -> bool:
        """Tell whether ui.conf gives a value for an option."""
        return option in self.given and self.given[option].value is not None

    def where(self, option: str) -> tuple[int, str]:
        """Return line and section of an option, of the step where it is not given."""
        given = self.given.get(option)
        return (given.line, given.section) if given else (self.line, self.section)


@dataclass
class Bench:
    """Everything that resolving one step may look at."""

    folder: str
    defaults: str
    sections: Sections
    remarks: Remarks
    drafts: list[Draft] = field(default_factory=list)
    pools: dict[str, Pool] = field(default_factory=dict)
    matrices: dict[str, str] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    refused: set[tuple[str, str]] = field(default_factory=set)  # step and option of outputs that cannot be pools
    measured: Experiment | None = None  # the crystal of [experimental_structure]
    incomplete: bool = False  # a name in procedures means nothing, so that pools may be missing for that reason

    def missing_pool(self, line: int, message: str, section: str) -> None:
        """Note that a step has no pool or matrix to work on, unless a misspelt procedure explains it."""
        if not self.incomplete:
            self.remarks.problem(line, message, section)

    def absolute(self, path: str) -> str:
        """Return a path of ui.conf as an absolute one; SMILES in its place as they are."""
        if is_smiles(path):
            return path.strip()
        return os.path.normpath(os.path.join(self.folder, path))  # noqa: PTH118 - pathlib keeps '..'

    def holds(self, path: str) -> bool:
        """Tell whether an absolute path lies in ui.conf's folder, or is it."""
        return within(path, self.folder)

    def pool_name(self, path: str) -> str:
        """Return the pool that an absolute path names: the path relative to ui.conf's folder, with '/'."""
        return os.path.relpath(path, self.folder).replace(os.sep, "/")

    def resolved(self, model: type[ProcedureOptions], option: str, value: Any) -> Any:
        """Return a value with paths made absolute."""
        return self.absolute(value) if model.is_path(option, value) else value

    @staticmethod
    def is_folder(path: str) -> bool:
        """Tell whether a folder exists; a path that cannot exist does not."""
        return os.path.isdir(path)  # noqa: PTH112 - pathlib raises for names that are too long

    @staticmethod
    def is_file(path: str) -> bool:
        """Tell whether a file exists; a path that cannot exist does not."""
        return os.path.isfile(path)  # noqa: PTH113 - as above

    def require_file(self, draft: Draft, option: str, what: str, given: Given | None = None) -> None:
        """Note a problem if the file that an option names is missing."""
        given = given or draft.given[option]
        if not self.is_file(self.absolute(str(given.value))):
            self.remarks.problem(
                given.line, f"{option} = {quoted(given.value)}: no such file; expected {what}", given.section
            )

    def fill(self, draft: Draft) -> None:
        """Set every option of a step's model from what is given, else from the default."""
        for option in draft.model.own():
            given = draft.given.get(option)
            if given and given.value is not None:
                draft.put(option, self.resolved(draft.model, option, given.value), given.origin)
                continue
            default = draft.model.info(option).default_of(self.defaults)
            if default is REQUIRED:
                self.missing(draft, option)
                default = None
            if draft.step.occurrence > 1 and draft.model.again(option) in ("suffix", "number"):
                default = again(draft.model, option, default, draft.step.occurrence)
            draft.put(option, self.resolved(draft.model, option, default), "default")

    def missing(self, draft: Draft, option: str, hint: str = "") -> None:
        """Note that a required option is missing."""
        if option in self.sections.invalid or (hint and option in self.told):
            return  # that problem is told already
        if hint:  # an option that one section gives for all
            self.told.add(option)
        why = f"missing required option {option}; expected {draft.model.expected(option)}{hint}"
        self.remarks.problem(draft.line, why, draft.section)

    def earlier(self, procedure: str) -> Draft | None:
        """Return the last step so far that carries out a procedure."""
        return next((draft for draft in reversed(self.drafts) if draft.step.procedure == procedure), None)

    def last(self, is_wanted: Callable[[type[ProcedureOptions]], bool]) -> Draft | None:
        """Return the last step so far whose model is one that is wanted."""
        return next((draft for draft in reversed(self.drafts) if is_wanted(draft.model)), None)

    def inherit(self, draft: Draft, option: str) -> Given | None:
        """Return what the step's own section says of an option, else the section that lends it first."""
        if draft.has(option):
            return draft.given[option]
        others = [model for model in self.sections.models() if option in model.names().values()]
        others.sort(key=lambda model: -model.info(option).lends)
        return self.sections.find(option, [model.procedure for model in others])

    def refuse(self, draft: Draft, option: str, reason: str) -> None:
        """Note, once, that an output cannot be where its option says."""
        if (draft.step.name, option) not in self.refused:
            self.refused.add((draft.step.name, option))
            line, section = draft.where(option)
            self.remarks.problem(line, f"{option}: {reason}", section)

    def add_output(self, draft: Draft, option: str, pool: Pool, in_place: bool = False) -> None:
        """Register the pool a step makes under an option; a name that is taken is a problem."""
        source = draft.options.get("input_pool")
        if pool.name in self.pools and not (in_place and pool.name == source):
            self.refuse(draft, option, f"the pool {quoted(pool.name)} is there already; expected a folder of its own")
        self.pools[pool.name] = pool

    def output_pool(self, draft: Draft, option: str = "output_dir", default: str = "") -> str:
        """Set a step's export folder (default: the step's name) and return the pool's name."""
        if draft.options.get(option) is None:
            draft.put(option, self.absolute(default or draft.step.name), "default")
        name = self.pool_name(draft.options[option])
        if name == ".":
            self.refuse(draft, option, "ui.conf's own folder cannot be a pool; expected a folder in it")
        return name

    def pool_of(self, draft: Draft) -> Pool:
        """Return the pool that a step works on, as far as it is known."""
        return self.pools.get(draft.options["input_pool"] or "", Pool("", energies=None))

    def input_pool(self, draft: Draft) -> Pool:
        """Find the pool that a step works on and set `input_pool` and `import_folder`.

        It is the one that ui.conf names, else that of the step before, else a folder of a procedure that is not carried
        out in this run and holds what the model takes.

        Returns
        -------
        Pool
            An empty one where there is none; that is noted as a problem.
        """
        draft.drop("structure_dir")
        if draft.has("structure_dir"):
            return self._named_pool(draft, "structure_dir", draft.given["structure_dir"])
        for before in reversed(self.drafts):
            if before.model.makes_molecule:
                continue
            exemplars = before.options.get("exemplars_pool") if draft.model.prefers_exemplars else None
            name = exemplars or before.options.get("output_pool")
            if name:
                return self._use(draft, self.pools[name], None, f"inferred from step {before.step.name}")
        for option, given in self._folders_that_hold(draft.model.info("structure_dir").takes):
            return self._named_pool(draft, option, given)
        self.missing_pool(
            draft.line,
            "missing structure_dir, and no earlier procedure makes structures; expected the path of a folder "
            "that holds structures, or of a file",
            draft.section,
        )
        return self._use(draft, Pool("", energies=None), None, "")

    def _folders_that_hold(self, kinds: Iterable[str]) -> Iterator[tuple[str, Given]]:
        """Yield the folders that sections of procedures not carried out here name, the best first."""
        for kind in kinds:
            for model in self.sections.models():
                if model.procedure in self.listed:
                    continue
                for option in model.declared():
                    if model.info(option).holds != kind:
                        continue
                    for name, given in self.sections.of(model.procedure).all_of(option):
                        if given.value is not None and model.is_path(option, given.value):
                            yield name, given

    def _named_pool(self, draft: Draft, option: str, given: Given) -> Pool:
        if other := self._pool_of_a_run(str(given.value)):
            return self._use_of_a_run(draft, other, given.origin)
        folder = self.absolute(str(given.value))
        name = self.pool_name(folder)
        if self.is_file(folder):  # a pool is called as a folder is
            name = name.removesuffix(Path(folder).suffix) + Path(folder).suffix.replace(".", "_")
        own = given is draft.given.get("structure_dir")
        origin = given.origin if own else f"inferred from [{given.section}] {option} (line {given.line})"
        if name in self.pools:
            return self._use(draft, self.pools[name], None, origin)
        if not self._holds_structures(folder):
            self.missing_pool(
                given.line,
                f"{option} = {quoted(given.value)}: expected a pool of an earlier procedure, or a folder or file that "
                f"holds structures (*{', *'.join(STRUCTURE_FILES)}){nearest(name, self.pools)}",
                given.section,
            )
        elif not own:
            self.remarks.notice(
                given.line,
                f"the structures in {quoted(given.value)} are imported for {draft.step.name}",
                given.section,
            )
        pool = Pool(name, energies=None)
        self.pools[name] = pool
        return self._use(draft, pool, folder, origin)

    def _pool_of_a_run(self, value: str) -> tuple[str, str] | None:
        """Return run and pool of ``RUN:POOL``; None where the value is not of this form, or a path that is there."""
        run, colon, pool = value.partition(":")
        named = bool(colon) and is_name(run) and all(map(is_name, pool.split("/")))
        return (run, pool) if named and not os.path.lexists(self.absolute(value)) else None

    def _use_of_a_run(self, draft: Draft, other: tuple[str, str], origin: str) -> Pool:
        pool = self.pools.setdefault("/".join(other), Pool("/".join(other), energies=None))
        draft.put("import_pool", ":".join(other), origin)
        return self._use(draft, pool, None, origin)

    def _use(self, draft: Draft, pool: Pool, folder: str | None, origin: str) -> Pool:
        draft.put("input_pool", pool.name or None, origin)
        draft.put("import_folder", folder, origin if folder else "default")
        return pool

    @staticmethod
    def _holds_structures(folder: str) -> bool:
        """Tell whether a folder, or a file, holds structures by its name."""
        if not Bench.is_folder(folder):
            return Bench.is_file(folder) and folder.lower().endswith(STRUCTURE_FILES)
        try:
            return any(path.name.endswith(STRUCTURE_FILES) for path in Path(folder).iterdir())
        except OSError:
            return False
