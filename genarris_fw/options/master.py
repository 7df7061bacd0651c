"""The section [Genarris_master]."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import REQUIRED, option
from genarris_fw.declaring.types import (
    LARGEST_INTEGER,
    DisorderName,
    Flag,
    InputFile,
    Notify,
    Real,
    RunName,
    Said,
    Verbosity,
    Whole,
    WordList,
    one_of,
)
from genarris_fw.options.base import QueueOptions
from genarris_fw.options.engine_settings import EngineOptions

_HERE = "everything is written to ui.conf's folder"
_FARM = "the task farm distributes the work"

Defaults = Annotated[str, BeforeValidator(one_of("manual", "2.0")), Said("str", "manual or 2.0")]


# What the configuration has fields of its own for.
_HEAD = ("procedures", "run_name", "seed", "defaults", "molecule_path", "record", "component", "disorder", "Z")


class MasterOptions(QueueOptions, EngineOptions):
    """What concerns the whole run."""

    procedure: ClassVar[str] = "Genarris_master"
    order: ClassVar[int] = 0
    of_one_step: ClassVar[bool] = False
    no_effect: ClassVar[dict[str, str]] = {
        "working_dir": _HERE,
        "tmp_dir": _HERE,
        "master_log_path": "the log is Genarris.log in ui.conf's folder",
        "master_err_path": "the errors are in Genarris.err in ui.conf's folder",
        "info_level": "use verbose",
        "processes_limit": _FARM,
        "group_permission": "file permissions follow the user's umask",
        "script_path": _FARM,
        "master_node": _FARM,
    }

    procedures: WordList | None = option("The procedures to carry out, in this order", REQUIRED)
    defaults: Defaults = option(
        "Which set of defaults fills what is not given: the manual's, or those of the last 2.x code "
        "(they reproduce the published tutorial)",
        "manual",
    )
    run_name: RunName | None = option(
        "Name of the run in the database; the same name continues the same run",
        default_words="the name of ui.conf's folder",
        changes_results=False,
    )
    seed: Whole = option(
        "Seed of everything random; the same seed gives the same structures", 0, ge=0, le=LARGEST_INTEGER
    )
    molecule_path: InputFile | None = option(
        "Molecule of the run, for procedures whose own section names none", category="inferred"
    )
    record: Whole | None = option(
        "Which record of molecule_path is the molecule, from 1", category="inferred", ge=1, le=10**9
    )
    component: Whole | None = option(
        "Which of the different molecules in molecule_path is the molecule, from 1", category="inferred", ge=1, le=10**6
    )
    disorder: DisorderName | None = option(
        "Of a disordered crystal in molecule_path: refuse it, or take the major part", category="inferred"
    )
    Z: Whole | None = option("Molecules per cell, for sections that give none", category="inferred", ge=1, le=192)
    allow_outputs_outside: Flag = option(
        "Let options name outputs outside ui.conf's folder, by an absolute path or one with ..",
        False,
        changes_results=False,
    )
    verbose: Verbosity = option("How much is logged: True, False or a level from 0 to 3", 1, changes_results=False)
    lease_seconds: Real = option(
        "Time after which a work item whose replica stopped giving signs of life goes to another one",
        60.0,
        unit="s",
        ge=1,
        le=86400,
        changes_results=False,
    )
    max_attempts: Whole = option(
        "How often a work item is tried before it counts as failed", 3, ge=1, le=1000, changes_results=False
    )
    retry_delay: Real = option(
        "Time before a failed work item is tried again; doubled with each attempt, up to a minute",
        1.0,
        unit="s",
        ge=0,
        le=60,
        changes_results=False,
    )
    quarantine_after: Whole = option(
        "After failing at this many different items in a row a replica claims no more, while others work",
        5,
        ge=1,
        le=10**6,
        changes_results=False,
    )
    idle_limit: Real = option(
        "Time after which a side replica that finds nothing to do ends",
        600.0,
        unit="s",
        ge=1,
        le=10**7,
        changes_results=False,
    )
    notify: Notify | None = option(
        "Whom to tell that the run has finished or failed: a command, or a URL that gets a POST",
        default_words="nobody",
        changes_results=False,
    )
    space_group_tolerance: Real = option(
        "Tolerance with which spglib determines space groups", 0.01, unit="Å", ge=1e-8, le=1
    )

    @classmethod
    def kept(cls) -> list[str]:
        """Return the options that a configuration keeps under ``master``."""
        own = [*cls.__annotations__, *QueueOptions.declared()]
        return ["engine", *(name for name in own if name in cls.model_fields and name not in _HEAD)]

    @classmethod
    def deciding(cls) -> list[str]:
        """Return the options of the master section itself that change results; the rest counts where steps use it."""
        others = ("procedures", "molecule_path", "record", "component", "disorder", "Z")
        return [name for name in cls.__annotations__ if name in cls.own() and name not in others and cls.decides(name)]
