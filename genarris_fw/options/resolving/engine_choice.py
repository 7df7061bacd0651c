"""Which engine a step uses, and its settings: from its own section, the master's, other engine sections."""

from __future__ import annotations

from typing import Any

from genarris_fw.options.problems import nearest, quoted
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.options.sections import Given

_RELAXATION = ("fmax", "smax", "max_steps", "optimizer", "keep_symmetry", "relax_cell", "trajectory")
_PROGRAM = ("species_dir", "auto_correct", "silence", "max_gigabytes")
_LAPW = (
    *("basis", "rkmax", "rkmax_radius", "l_max", "local_orbitals", "k_grid", "k_spacing", "k_offset", "functional"),
    *("relativity", "core", "smearing", "smearing_width", "forces", "muffin_tin", "primitive", "energy_tolerance"),
    *("potential_tolerance", "max_loops", "mixing", "lapw_command", "threads"),
    *_PROGRAM,
)
SETTINGS: dict[str, tuple[str, ...]] = {
    "tblite": ("method", "min_width", "supercell", "accuracy", "electronic_temperature", *_RELAXATION),
    "ase": ("calculator", "calculator_settings", *_RELAXATION),
    "aims": (
        *("aims_command", "aims_lib_dir", "control_path", "max_restarts", "keep_files", "grace", "scratch_dir"),
        *_PROGRAM,
    ),
    "lapw": _LAPW,
}
# What Elk does not do for us, or not so that energies can be compared.
NOT_BY_LAPW = {
    "Relax_Single_Molecule": "computes no molecules",
    "FHI_Aims_Energy_Evaluation": "is for Run_LAPW_Batch, where all crystals have the same muffin tins",
    "Run_FHI_Aims_Batch": "relaxes nothing",
}
ALL_SETTINGS = tuple(dict.fromkeys(name for names in SETTINGS.values() for name in names))
# The order in which the manual's inference goes through the sections.
ENGINE_PROCEDURES = [
    "Genarris_master",
    "Relax_Single_Molecule",
    "FHI_Aims_Energy_Evaluation",
    "Run_FHI_Aims_Batch",
]


def installed_engines() -> dict[str, tuple[bool, str]]:
    """Return engine name -> (available, remark) of every engine that this version knows."""
    from genarris_fw import engines

    return engines.installed()


def choose_engine(bench: Bench, draft: Draft) -> None:
    """Set `engine` and `engine_settings` of a step; the impossible is a problem, the unused a notice."""
    default = draft.model.info("engine").default
    # A procedure with an engine of its own does not take over that of the others.
    given = _find(bench, draft, "engine") if default is None else _own(draft, "engine")
    if given:
        name, origin = str(given.value).lower(), _origin(draft, given, "engine")
        known = installed_engines()
        if name not in known:
            bench.remarks.problem(
                given.line,
                f"engine = {quoted(given.value)}: expected one of {', '.join(sorted(known))}" + nearest(name, known),
                given.section,
            )
            name = ""
    elif default is not None:
        name, origin = str(default), "default"
    else:
        hint = _find(bench, draft, "aims_lib_dir") or _find(bench, draft, "aims_command")
        if hint:
            name = "aims"
            origin = f"FHI-aims, since [{hint.section}] line {hint.line} gives its library or command"
        else:
            name, origin = "", ""
            bench.remarks.problem(draft.line, _no_engine(installed_engines()), draft.section)
    if name == "lapw" and draft.step.procedure in NOT_BY_LAPW:
        bench.remarks.problem(
            draft.line,
            f"engine = lapw {NOT_BY_LAPW[draft.step.procedure]}; take another engine here: "
            f"{', '.join(sorted(set(SETTINGS) - {'lapw'}))}",
            draft.section,
        )
    settings = _settings(bench, draft, name)
    for option in ALL_SETTINGS:
        if option != "control_path":
            draft.drop(option)
    draft.put("control_path", settings.get("control_path"), draft.origins.get("control_path", "default"))
    draft.put("engine", name or None, origin)
    draft.put("engine_settings", settings, "resolved")


def _no_engine(known: dict[str, tuple[bool, str]]) -> str:
    """Return what to say where no engine is given: which are installed, and how to get the others."""
    ready = [f"{name} ({remark})" for name, (available, remark) in sorted(known.items()) if available]
    others = [f"{name} ({remark})" for name, (available, remark) in sorted(known.items()) if not available]
    return (
        f"no engine is given; expected engine = one of {', '.join(sorted(known))} here or in [Genarris_master], or "
        f"aims_command or aims_lib_dir for FHI-aims; installed: {'; '.join(ready) or 'none'}"
        + (f"; to be had: {'; '.join(others)}" if others else "")
    )


def _settings(bench: Bench, draft: Draft, engine: str) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for option in ALL_SETTINGS:
        if option not in draft.model.model_fields:
            continue
        own = draft.given.get(option)
        if engine and option not in SETTINGS.get(engine, ()):
            if own and own.value is not None and own.section == draft.section:
                bench.remarks.notice(
                    own.line, f"option {quoted(option)} has no effect with engine = {engine}", own.section
                )
            continue
        given = own if option == "control_path" else _find(bench, draft, option)
        value = bench.resolved(draft.model, option, given.value) if given and given.value is not None else None
        if value is None:
            value = draft.model.info(option).default_of(bench.defaults)
        if value is not None:
            settings[option] = value
    if engine == "ase" and "calculator" not in settings:
        bench.remarks.problem(draft.line, "engine = ase needs calculator = module:factory", draft.section)
    if engine == "aims":
        _check_aims(bench, draft, settings)
    return settings


def _check_aims(bench: Bench, draft: Draft, settings: dict[str, Any]) -> None:
    if "control_path" in settings:
        bench.require_file(draft, "control_path", "FHI-aims' control.in")
    else:
        bench.remarks.problem(
            draft.line,
            "missing required option control_path; expected the path of FHI-aims' control.in",
            draft.section,
        )
    if "aims_command" in settings and "aims_lib_dir" in settings:
        bench.remarks.problem(
            draft.line, "both aims_command and aims_lib_dir are given; give one of them", draft.section
        )
    for option in ("aims_lib_dir", "species_dir"):
        given = _find(bench, draft, option)
        if option in settings and given and not bench.is_folder(settings[option]):
            bench.remarks.notice(
                given.line,
                f"{option}: there is no folder {quoted(given.value)} on this machine",
                given.section,
            )
    available, remark = installed_engines().get("aims", (False, "this version does not know it"))
    if not available:
        bench.remarks.notice(0, f"engine aims cannot be used here: {remark}")


def _find(bench: Bench, draft: Draft, option: str) -> Given | None:
    return _own(draft, option) or bench.sections.find(option, ENGINE_PROCEDURES)


def _own(draft: Draft, option: str) -> Given | None:
    own = draft.given.get(option)
    return own if own and own.value is not None else None


def _origin(draft: Draft, given: Given, option: str) -> str:
    if given is draft.given.get(option):
        return given.origin
    return f"inferred from [{given.section}] {option} (line {given.line})"
