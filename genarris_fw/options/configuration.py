"""A ui.conf as resolved: plain data that travels with the workflow, its hash, and the difference of two."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from genarris_fw.declaring.door import OPTIONS
from genarris_fw.errors import InputError
from genarris_fw.options.base import SharedOptions
from genarris_fw.options.experimental_structure import ExperimentalStructureOptions
from genarris_fw.options.master import MasterOptions
from genarris_fw.webhooks import target_shown

if TYPE_CHECKING:
    from genarris_fw.crystal import Molecule

EXPERIMENT = ExperimentalStructureOptions.procedure
_OF_ENGINE = "engine_settings."


@dataclass
class Step:
    """One procedure of a run, with every option resolved.

    Parameters
    ----------
    name : str
        The step's key: the procedure in lower case, from the second occurrence on with ``_2``, ``_3``, ...
    procedure : str
        The procedure's name in the manual's spelling.
    occurrence : int
        1 for the first time that the procedure is named.
    options : dict
        Option -> plain JSON value; paths are absolute.
    origins : dict
        Option -> where its value comes from, in words.
    """

    name: str
    procedure: str
    occurrence: int
    options: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def typed(self) -> SharedOptions:
        """Return the options as the model of the procedure.

        Raises
        ------
        InputError
            Where the package that brings it is not installed.
        """
        model: type[SharedOptions] = OPTIONS.load(self.procedure)
        return model.resolved(self.options)


@dataclass
class Configuration:
    """What a ui.conf means.

    Parameters
    ----------
    path, folder : str
        The file and its folder, absolute.
    text : str
        The file's content.
    run_name : str
        Name of the run in the database.
    seed : int
        Seed of everything random.
    defaults : str
        'manual' or '2.0'.
    master : dict
        lease_seconds (s), max_attempts, retry_delay (s), quarantine_after, idle_limit (s), verbose,
        space_group_tolerance (Å), engine (None if not named), and what all procedures ask a queue for.
    master_origins : dict
        Option of the master section -> where its value comes from.
    molecule_path : str or None
        The run's molecule, absolute; None where no procedure needs one.
    Z : int or None
        Molecules per cell; None where no procedure needs it.
    steps : list of Step
        The procedures in their order.
    notices : list of str
        One line each, for the user to know.
    digests : dict
        'step.option' -> SHA-256 of the input file that the option names.
    experiment : dict or None
        The measured crystal of [experimental_structure] (`Structure.to_dict`), with the property ``remarks``; None
        without the section.
    comparison : dict or None
        The options of that section; None without it.
    comparison_origins : dict
        Option of that section -> where its value comes from.
    """

    path: str
    folder: str
    text: str
    run_name: str
    seed: int
    defaults: str
    master: dict[str, Any]
    molecule_path: str | None
    Z: int | None
    steps: list[Step]
    notices: list[str] = field(default_factory=list)
    master_origins: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    experiment: dict[str, Any] | None = None
    comparison: dict[str, Any] | None = None
    comparison_origins: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Configuration:
        """Return the configuration that `to_dict` wrote."""
        return cls(**(record | {"steps": [Step(**step) for step in record["steps"]]}))

    def problems_here(self) -> list[str]:
        """Return what would stop a step on this machine, one line each (`ProcedureOptions.problems_here`)."""
        return [f"{self.path}: [{step.name}] {why}" for step in self.steps for why in step.typed().problems_here()]

    def step(self, name: str) -> Step:
        """Return the step of that name; KeyError if there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def molecule(self) -> Molecule | None:
        """Return the molecule of the run, None where it has none; an InputError where it cannot be read."""
        from genarris_fw.options.molecule_files import molecule_of

        if self.molecule_path is None:
            return None
        named = (step.options for step in self.steps if step.options.get("molecule_path") == self.molecule_path)
        return molecule_of(next(named, {"molecule_path": self.molecule_path}))[0]

    def unavailable_engines(self) -> list[str]:
        """Return the engines that the steps name and that cannot be used here."""
        from genarris_fw.options.resolving.engine_choice import installed_engines

        named = {step.options["engine"] for step in self.steps if step.options.get("engine")}
        installed = installed_engines(named)
        return sorted(name for name in named if not installed.get(name, (False, ""))[0])

    def describe(self) -> list[tuple[str, str, Any, str]]:
        """Return (section, option, value, origin) of every option, in the order of the run; no secret of `notify`."""
        head = {"run_name": self.run_name, "seed": self.seed, "defaults": self.defaults} | self.master
        head |= {"notify": target_shown(str(head["notify"]))} if head.get("notify") else {}
        rows = [
            ("Genarris_master", name, value, self.master_origins.get(name, "default")) for name, value in head.items()
        ]
        section = EXPERIMENT.lower()
        rows += [
            (section, name, value, self.comparison_origins.get(name, "default"))
            for name, value in (self.comparison or {}).items()
        ]
        for step in self.steps:
            rows += [
                (step.name, name, value, step.origins.get(name, "default")) for name, value in step.options.items()
            ]
        return rows


def effective(record: dict[str, Any]) -> dict[str, Any]:
    """Return 'section.option' -> value of everything that changes results.

    Parameters
    ----------
    record : dict
        A configuration as `Configuration.to_dict` gives it.

    Notes
    -----
    Input files count by content (`digests`), pools by the step that makes them, so that moving the folder or
    renaming an output changes nothing.
    """
    found: dict[str, Any] = {"Genarris_master.procedures": [step["procedure"] for step in record["steps"]]}
    everything = record["master"] | {"seed": record["seed"], "defaults": record["defaults"]}
    found |= {f"Genarris_master.{name}": everything.get(name) for name in MasterOptions.deciding()}
    makers: dict[str, str] = {}
    for step in record["steps"]:
        options = step["options"]
        for name, given in _flat(options):
            if not _decides(step["procedure"], options, name):
                continue
            value = given
            if name == "input_pool":
                value = makers.get(given, given) if not _imports(options) else "imported"
            elif name == "import_folder" and given:
                value = _relative(given, record["folder"])
            elif name == "dist_mat_input_file":
                value = None if options.get("matrix_step") or not given else _relative(given, record["folder"])
            found[f"{step['name']}.{name}"] = value
        if _imports(options):
            makers.setdefault(options["input_pool"], f"imported by {step['name']}")
        if options.get("output_pool") and options["output_pool"] != options.get("input_pool"):
            makers[options["output_pool"]] = f"made by {step['name']}"
        if options.get("exemplars_pool"):
            makers[options["exemplars_pool"]] = f"exemplars of {step['name']}"
    found |= {
        f"{EXPERIMENT}.{name}": value for name, value in (record.get("comparison") or {}).items() if name != "path"
    }
    found |= {name: f"content {digest[:16]}" for name, digest in record.get("digests", {}).items()}
    return found


def _imports(options: dict[str, Any]) -> bool:
    """Whether a step's input pool is not made by the run."""
    return bool(options.get("import_folder") or options.get("import_pool"))


def _decides(procedure: str, options: dict[str, Any], name: str) -> bool:
    """Tell whether another value of a step's option gives another result; what is not known here counts."""
    from genarris_fw.options.engine_settings import carried, changes_results

    if name.startswith(_OF_ENGINE):
        return changes_results(options.get("engine"), name.removeprefix(_OF_ENGINE))
    if name in carried():
        return False
    try:
        model: type[SharedOptions] = OPTIONS.load(procedure)
    except InputError:
        return True
    return name not in model.model_fields or model.decides(name)


def _flat(options: dict[str, Any]) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in options.items():
        if isinstance(value, dict):
            rows += [(f"{name}.{inner}", part) for inner, part in value.items()]
        else:
            rows.append((name, value))
    return rows


def _relative(path: str, folder: str) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")


def options_hash(configuration: Configuration) -> str:
    """Return a SHA-256 over everything in a configuration that changes results, as 64 hex digits."""
    text = json.dumps(effective(configuration.to_dict()), sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def difference(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return one line 'section.option: old -> new' for every difference that changes results.

    Parameters
    ----------
    old, new : dict
        Two configurations as `Configuration.to_dict` gives them.
    """
    before, after = effective(old), effective(new)
    return [
        f"{name}: {_shown(before, name)} -> {_shown(after, name)}"
        for name in [*after, *(name for name in before if name not in after)]
        if _shown(before, name) != _shown(after, name)
    ]


def _shown(values: dict[str, Any], name: str) -> str:
    return json.dumps(values[name], ensure_ascii=False, sort_keys=True) if name in values else "(absent)"
