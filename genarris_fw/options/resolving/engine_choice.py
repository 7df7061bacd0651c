"""Which engine a step uses, and its settings: from its own section, the master's, other engine sections."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from genarris_fw.declaring.door import ENGINES
from genarris_fw.declaring.option import REQUIRED
from genarris_fw.errors import InputError
from genarris_fw.options.engine_settings import EngineOptions, carried
from genarris_fw.options.problems import nearest, quoted
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.options.sections import Given

if TYPE_CHECKING:
    from genarris_fw.engines import Engine, Settings

# The order in which the manual's inference goes through the sections.
ENGINE_PROCEDURES = [
    "Genarris_master",
    "Relax_Single_Molecule",
    "FHI_Aims_Energy_Evaluation",
    "Run_FHI_Aims_Batch",
]
# What a procedure may ask of its engine (`EngineOptions.asks`) -> what to say of an engine that does not do it.
LACKING: dict[str, Callable[[type[Engine]], str]] = {
    "molecules": lambda engine: "" if engine.computes_molecules else "computes no molecules",
    "relaxations": lambda engine: "" if engine.relaxes else engine.without_relaxations,
    "energies apart": lambda engine: (
        engine.in_common and f"is for Run_LAPW_Batch, where all crystals have the same {engine.in_common}"
    ),
}


def installed_engines(names: Collection[str] | None = None) -> dict[str, tuple[bool, str]]:
    """Return engine name -> (available, remark) of every engine that is registered here, or of those named."""
    from genarris_fw import engines

    return engines.installed(names)


def choose_engine(bench: Bench, draft: Draft) -> None:
    """Set `engine` and `engine_settings` of a step; the impossible is a problem, the unused a notice."""
    name, origin = _name(bench, draft)
    engine = _class(bench, draft, name) if name else None
    settings = {} if engine is None else _settings(bench, draft, name, engine)
    if engine is not None:
        _refuse_lacking(bench, draft, name, engine)
    for option in sorted(carried()):
        own = _own(draft, option)
        draft.put(option, settings.get(option), own.origin if own else "default")
    draft.put("engine", name or None, origin)
    draft.put("engine_settings", settings, "resolved")
    if not draft.has("reuse") and (given := bench.sections.find("reuse", ["Genarris_master"])):
        draft.put("reuse", given.value, _origin(draft, given, "reuse"))


def _name(bench: Bench, draft: Draft) -> tuple[str, str]:
    """Return the engine's name and where that comes from; an empty name where there is a problem."""
    default = draft.model.info("engine").default
    # A procedure with an engine of its own does not take over that of the others.
    given = _find(bench, draft, "engine") if default is None else _own(draft, "engine")
    if given:
        name, known = str(given.value).lower(), ENGINES.names()  # whether it works is another question
        if name in known:
            return name, _origin(draft, given, "engine")
        bench.remarks.problem(
            given.line,
            f"engine = {quoted(given.value)}: expected one of {', '.join(sorted(known))}" + nearest(name, known),
            given.section,
        )
        return "", _origin(draft, given, "engine")
    if default is not None:
        return str(default), "default"
    for name, title, setting in _implying():
        if hint := _find(bench, draft, setting):
            return name, f"{title}, since [{hint.section}] line {hint.line} gives {setting}"
    bench.remarks.problem(draft.line, _no_engine(installed_engines()), draft.section)
    return "", ""


def _implying() -> list[tuple[str, str, str]]:
    """Return engine, title and setting, of every setting that names its engine."""
    from genarris_fw.engines import registry

    return [
        (name, engine.title or name, setting)
        for name, engine in registry.working().items()
        for setting in engine.implied_by
    ]


def _no_engine(known: dict[str, tuple[bool, str]]) -> str:
    """Return what to say where no engine is given: which are installed, and how to get the others."""
    ready = [f"{name} ({remark})" for name, (available, remark) in sorted(known.items()) if available]
    others = [f"{name} ({remark})" for name, (available, remark) in sorted(known.items()) if not available]
    settings: dict[str, list[str]] = {}
    for _, title, setting in _implying():
        settings.setdefault(title, []).append(setting)
    hints = [f"{' or '.join(names)} for {title}" for title, names in settings.items()]
    return (
        f"no engine is given; expected {', or '.join([f'engine = one of {_listed(known)}', *hints])}; "
        f"installed: {'; '.join(ready) or 'none'}" + (f"; to be had: {'; '.join(others)}" if others else "")
    )


def _listed(known: dict[str, tuple[bool, str]]) -> str:
    return f"{', '.join(sorted(known))} here or in [Genarris_master]"


def _class(bench: Bench, draft: Draft, name: str) -> type[Engine] | None:
    """Return an engine's class; a package that cannot be used here is a problem."""
    from genarris_fw.engines import engine_class

    try:
        return engine_class(name)
    except InputError as error:
        line, section = draft.where("engine")
        bench.remarks.problem(line, str(error), section)
        return None


def _refuse_lacking(bench: Bench, draft: Draft, name: str, engine: type[Engine]) -> None:
    """Note a problem where the engine does not do what the procedure asks for."""
    from genarris_fw.engines import registry

    asked = [LACKING[what] for what in _model(draft).asks]
    if lacking := next((words for lacks in asked if (words := lacks(engine))), ""):
        others = [other for other, one in registry.working().items() if not any(lacks(one) for lacks in asked)]
        bench.remarks.problem(
            draft.line,
            f"engine = {name} {lacking}; take another engine here: {', '.join(sorted(others))}",
            draft.section,
        )


def _settings(bench: Bench, draft: Draft, name: str, engine: type[Engine]) -> dict[str, Any]:
    """Return the engine's settings, as given, inferred, or by default."""
    model, taken = engine.model, _model(draft).settings()
    for option in taken:
        own = _own(draft, option)
        if own and option not in model.declared() and own.section == draft.section:
            bench.remarks.notice(own.line, f"option {quoted(option)} has no effect with engine = {name}", own.section)
    settings: dict[str, Any] = {}
    for option in model.declared():
        # A file that a run carries is made for what one step computes.
        given = _own(draft, option) if option in engine.carries else _find(bench, draft, option)
        info = model.info(option)
        if given is not None and option in taken:
            value = _read(bench, model, option, given)
            _look_for(bench, draft, model, option, given)
        else:
            value = info.default_of(bench.defaults) if info.written_down else None
        if value is not None and value is not REQUIRED:
            settings[option] = value
        elif info.default is REQUIRED and given is None and option not in bench.sections.invalid:
            bench.remarks.problem(
                draft.line,
                f"missing required option {option}: engine = {name} needs {option} = {model.expected(option)}",
                draft.section,
            )
    try:
        for problem in model.model_validate(settings).problems():
            bench.remarks.problem(draft.line, problem, draft.section)
    except ValidationError:
        pass  # each setting's own problem is told already
    return settings


def _read(bench: Bench, model: type[Settings], option: str, given: Given) -> Any:
    """Return a setting as the chosen engine reads it, with paths made absolute."""
    try:
        value = model.read(option, given.text or given.value)
    except ValueError:
        bench.remarks.problem(
            given.line,
            f"{option} = {quoted(given.text or given.value)}: expected {model.expected(option)}",
            given.section,
        )
        return None
    return bench.absolute(value) if model.path_role(option) and isinstance(value, str) else value


def _look_for(bench: Bench, draft: Draft, model: type[Settings], option: str, given: Given) -> None:
    """Note a problem where a file is missing that the run carries, a notice for what is needed where it computes."""
    role = model.path_role(option)
    if role is None or role.use != "input":
        return
    if option in carried():
        bench.require_file(draft, option, model.expected(option).removeprefix("the path of "), given)
        return
    path = bench.absolute(str(given.value))
    if not (bench.is_folder(path) if role.kind == "folder" else bench.is_file(path)):
        words = f"{option}: there is no {role.kind} {quoted(given.value)} on this machine"
        bench.remarks.notice(given.line, words, given.section)


def _model(draft: Draft) -> type[EngineOptions]:
    assert issubclass(draft.model, EngineOptions)
    return draft.model


def _find(bench: Bench, draft: Draft, option: str) -> Given | None:
    return _own(draft, option) or bench.sections.find(option, ENGINE_PROCEDURES)


def _own(draft: Draft, option: str) -> Given | None:
    own = draft.given.get(option)
    return own if own and own.value is not None else None


def _origin(draft: Draft, given: Given, option: str) -> str:
    if given is draft.given.get(option):
        return given.origin
    return f"inferred from [{given.section}] {option} (line {given.line})"
