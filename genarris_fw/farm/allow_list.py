"""What our rockets may execute: the registered procedures, a run's first and last Firetask, and nothing else.

A FireWorks document names code: the Firetasks of a spec, background tasks, trackers, objects at any depth that are
made when the document is read. Whoever can write the database could so have a rocket run any importable function.
Here a firework is checked out only if its document, as it is stored, names allowed Firetasks and holds plain data
besides (`allowed_query`, `AllowedOnly`), and FireWorks makes objects of no other class in this process (`enforce`).

This is a second fence. The first is the password of the database: options in it name the commands and calculators
of engines, and plain ``rlaunch`` and ``qlaunch`` execute whatever they find.
"""

from __future__ import annotations

import os
import re
from functools import wraps
from typing import TYPE_CHECKING, Any

from fireworks import FWorker

from genarris_fw.declaring.door import PROCEDURES, remembered
from genarris_fw.errors import InputError, RunFailed
from genarris_fw.farm.fireworks import documents, workflows

if TYPE_CHECKING:
    from fireworks import LaunchPad

# Further Firetasks that rockets may execute, such as "mypackage.tasks.MyTask, mypackage.tasks.Other": the
# environment of the rocket says so, never the database.
VARIABLE = "GENARRIS_FW_ALLOW"
OWN = ("genarris_fw.procedures.begin_run.BeginRun", "genarris_fw.procedures.finish_run.FinishRun")

# Keys of a spec that FireWorks reads and that name neither code nor files, with their types.
_SPEC = {
    "_priority": ["int", "long", "double"],
    "_category": ["string"],
    "_fworker": ["string", "null"],
    "_add_launchpad_and_fw_id": ["bool"],
    "_add_fworker": ["bool"],
    "_allow_fizzled_parents": ["bool"],
    "_preserve_fworker": ["bool"],
}
# Keys that make FireWorks (or monty) make an object of a class that the document names.
_NAMES_CODE = ("_fw_name", "@module", "@class")
_NEVER: dict[str, Any] = {"not": {}}
_SCALAR: dict[str, Any] = {"not": {"bsonType": ["object", "array"]}}


@remembered
def allowed_tasks() -> frozenset[str]:
    """Return the names of the Firetasks that our rockets may execute, as a document has them: ``{{module.Class}}``.

    Raises
    ------
    InputError
        When GENARRIS_FW_ALLOW holds something else than dotted names.
    """
    more = [word for word in re.split(r"[,\s]+", os.environ.get(VARIABLE, "")) if word]
    for word in more:
        if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", word):
            raise InputError(f"{VARIABLE}: '{word}' is no module.Class: write names as in mypackage.tasks.MyTask")
    registered = [name for procedure in PROCEDURES.names() if (name := _class_name(procedure))]
    return frozenset("{{" + name + "}}" for name in (*OWN, *registered, *more))


def _class_name(procedure: str) -> str | None:
    """Return ``module.Class`` of a procedure; another package may register one under a shorter path."""
    try:
        if PROCEDURES.package(procedure) == "genarris_fw":
            return PROCEDURES.path(procedure)
        loaded = PROCEDURES.load(procedure)
    except InputError:  # what cannot be imported cannot be executed here either
        return None
    return f"{loaded.__module__}.{loaded.__qualname__}"


def allowed_query() -> dict[str, Any]:
    """Return the query that matches the documents of fireworks which our rockets may execute, and no others.

    For ``FWorker(query=...)``, together with other conditions: a hostile firework is then never checked out, so
    that nothing in it is read, made or executed.
    """
    task = {
        "bsonType": "object",
        "required": ["_fw_name"],
        "properties": _no_code() | {"_fw_name": {"enum": sorted(allowed_tasks())}, "record": _record()},
        "additionalProperties": _plain(2),
    }
    tasks = {"bsonType": "array", "minItems": 1, "items": task}
    known = {key: {"bsonType": types} for key, types in _SPEC.items()}
    spec = {
        "bsonType": "object",
        "required": ["run", "_tasks"],
        "properties": {"run": {"bsonType": "string"}, "_tasks": tasks, "_queueadapter": _plain(2), **known},
        # Anything else that a user has put there is plain; FireWorks' own keys begin with an underscore.
        "patternProperties": {"^[^_@]": _SCALAR},
        "additionalProperties": False,
    }
    numbers = {"bsonType": "array", "items": {"bsonType": ["int", "long"]}}
    firework = {
        "required": ["fw_id", "spec"],
        "properties": {"spec": spec, "launches": numbers, "archived_launches": numbers} | _no_code(),
        "additionalProperties": _SCALAR,
    }
    return {"$jsonSchema": _Schema(firework)}


class _Schema(dict[str, Any]):
    """A schema that does not fill a log: FireWorks writes a worker's query there whenever nothing is ready."""

    def __repr__(self) -> str:
        return "<documents that name allowed Firetasks only>"


class AllowedOnly(FWorker):
    """An FWorker that checks out allowed fireworks only; what it stores with each launch is as short as usual."""

    @property
    def query(self) -> dict[str, Any]:
        """The conditions of an FWorker, and `allowed_query`."""
        asked: dict[str, Any] = super().query
        return asked | allowed_query()


def _no_code() -> dict[str, Any]:
    return dict.fromkeys(_NAMES_CODE, _NEVER)


def _plain(depth: int) -> dict[str, Any]:
    """Return the schema of a value that names no code: nested at most so deep, its lists without objects in them."""
    if depth == 0:
        return _SCALAR
    rows = {"not": {"bsonType": "object"}, "items": {"not": {"bsonType": "object"}, "items": _SCALAR}}
    return {"properties": _no_code(), "additionalProperties": _plain(depth - 1), "items": rows}


def _record() -> dict[str, Any]:
    """Return the schema of a run's record: plain, but for the list of its steps."""
    # A step's options hold the engine's settings, these a calculator's, and these what they like.
    steps = {"bsonType": "array", "items": _plain(6)}
    options = {"properties": {"steps": steps} | _no_code(), "additionalProperties": _plain(3)}
    return {"properties": {"options": options} | _no_code(), "additionalProperties": _plain(3)}


def refuse_unknown_steps(launchpad: LaunchPad, run: str) -> None:
    """Refuse a run with steps that rockets here cannot execute, before the first of them is launched.

    FireWorks makes the Firetasks of a whole chain whenever one of its fireworks ends: a rocket would stop there.

    Raises
    ------
    InputError
        Naming the Firetasks, and what to do.
    """
    found = workflows.chain(launchpad.db, run)
    absent = documents.task_names(launchpad.db, found.nodes if found else []) - allowed_tasks()
    if absent:
        names = ", ".join(sorted(name.strip("{}")[:100] for name in absent)[:5])
        raise InputError(
            f"run '{run}' has steps that no package installed here brings ({names}): install that package on this "
            f"machine, or start rockets where it is; a Firetask of your own is allowed with {VARIABLE}=module.Class"
        )


def refused(launchpad: LaunchPad, run: str) -> list[str]:
    """Return one line for each firework of a run that is READY and that our rockets do not execute.

    Parameters
    ----------
    launchpad : LaunchPad
        Where the run's fireworks are.
    run : str
        Name of the run.
    """
    return [
        f"firework {document.get('fw_id')} ({str(document.get('name'))[:60]}) of run '{run}' is not executed: "
        f"{_why(document)}; remove it, or allow its Firetask with {VARIABLE}=module.Class"
        for document in documents.ready_besides(launchpad.db, run, allowed_query())
    ]


def _why(document: dict[str, Any]) -> str:
    """Return what in a firework's document is not allowed."""
    spec = document.get("spec") or {}
    tasks = spec.get("_tasks")
    if not isinstance(tasks, list) or not tasks:
        return "it has no Firetasks"
    for task in tasks:
        name = task.get("_fw_name") if isinstance(task, dict) else task
        if name not in allowed_tasks():
            return f"its Firetask {str(name)[:100]} is not a registered procedure"
    fields = {"run", "_tasks", "_queueadapter", *_SPEC}
    for key in spec:
        if key[:1] in "_@" and key not in fields:
            return f"its spec has {key[:60]}"
    rest = document | {"spec": spec | {"_tasks": [dict(task, _fw_name=None) for task in tasks]}}
    if found := _named_code(rest, ""):
        return f"it names code in {found[:200]}"
    return "a value in it is not of the type that a run's fireworks have"


def _named_code(value: Any, place: str) -> str | None:
    """Return where, in a value that was read from the database, a class is named."""
    if isinstance(value, dict):
        for key in _NAMES_CODE:
            if value.get(key) is not None:
                return f"{place}.{key}".lstrip(".")
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    else:
        return None
    return next((found for key, item in inner if (found := _named_code(item, f"{place}.{key}"))), None)


def enforce() -> None:
    """Have FireWorks make, in this process and from now on, objects of the allowed Firetasks only.

    Documents besides fireworks (launches, actions) can name classes too; FireWorks makes those as it reads them.
    """
    from fireworks.utilities import fw_serializers

    if getattr(fw_serializers.load_object, "allows_only_registered", False):
        return
    load = fw_serializers.load_object

    @wraps(load)
    def load_allowed(document: dict[str, Any]) -> Any:
        name = document.get("_fw_name")
        if name not in allowed_tasks():
            raise RunFailed(f"a document names {str(name)[:100]}, which is not a registered procedure: refused")
        return load(document)

    load_allowed.allows_only_registered = True  # type: ignore[attr-defined]  # a mark on the function
    fw_serializers.load_object = load_allowed
    fw_serializers.DECODE_MONTY = False
