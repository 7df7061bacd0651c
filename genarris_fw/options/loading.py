"""From the file ui.conf to a `Configuration`, or to all its problems at once."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from pathlib import Path
from typing import Any

from genarris_fw.encodings import decoded
from genarris_fw.errors import InputError
from genarris_fw.files import read_ordinary
from genarris_fw.names import is_smiles, made_safe
from genarris_fw.options.base import ProcedureOptions, QueueOptions
from genarris_fw.options.configuration import Configuration, Step
from genarris_fw.options.engine_settings import carried
from genarris_fw.options.experimental_structure import ExperimentalStructureOptions
from genarris_fw.options.genarris3.configuration import is_genarris_3
from genarris_fw.options.master import MasterOptions
from genarris_fw.options.molecule_files import CHOICES
from genarris_fw.options.names import why_not
from genarris_fw.options.problems import OptionsError, Remarks, nearest, quoted
from genarris_fw.options.reading import read_text
from genarris_fw.options.registered import OF_THE_RUN, models, named, spellings, why_unusable
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.options.resolving.measured_crystal import (
    compare_with_molecule,
    measured_content,
    read_measured,
    settings_of,
)
from genarris_fw.options.resolving.outputs import check_outputs
from genarris_fw.options.sections import Given, Layers, Sections, sort_sections

_MASTER = MasterOptions.procedure
LARGEST_CONF = 2**24  # bytes
LARGEST_INPUT = 2**26  # bytes of a molecule, or of a control.in


def load(path: str | os.PathLike[str]) -> Configuration:
    """Read, check and resolve a ui.conf.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    Configuration
        Every option of every procedure with its value and where that comes from.

    Raises
    ------
    OptionsError
        With all problems of the file, one line each. Nothing else is raised, whatever the file holds.

    Notes
    -----
    What is inferred (chapter 2.2 of the manual) is decided from the file alone; the disk is looked at only
    to see whether the named input files and folders are there.
    """
    remarks = Remarks(str(path))
    text = _text_of(path, remarks)
    remarks.raise_if_any()
    absolute = os.path.abspath(path)  # noqa: PTH100 - keeps links as the user wrote them
    if is_genarris_3(text):
        place = remarks.file
        remarks = Remarks(place)
        remarks.problem(0, f"this is a Genarris 3 ui.conf: genarris-fw convert {shlex.quote(place)} translates it")
        remarks.raise_if_any()
    sections = sort_sections(read_text(text, remarks), remarks)
    folder = str(Path(absolute).parent)
    bench = Bench(folder, _defaults(sections), sections, remarks)
    procedures = _procedures(sections, remarks)
    named = sections.of(_MASTER).base.get("procedures")
    bench.incomplete = bool(named and named.value and len(procedures) < len(named.value))
    read_measured(bench)
    for model, occurrence in procedures:
        _resolve(bench, model, occurrence)
    compare_with_molecule(bench)
    _check_numbers_of_cells(bench)
    outside = sections.of(_MASTER).base.get("allow_outputs_outside")
    check_outputs(bench, absolute, allow_outside=bool(outside and outside.value))
    _notice_unused(bench)
    configuration = _configuration(bench, absolute, text) if not remarks.problems else None
    remarks.raise_if_any()
    assert configuration is not None
    return configuration


def _text_of(path: str | os.PathLike[str], remarks: Remarks) -> str:
    try:
        text, note = decoded(read_ordinary(Path(path), LARGEST_CONF))
    except InputError as error:
        remarks.problem(0, f"{str(error).removeprefix(f'{path}: ')}; expected a ui.conf")
        return ""
    if note:
        remarks.notice(0, note)
    return text


def _defaults(sections: Sections) -> str:
    given = sections.of(_MASTER).base.get("defaults")
    return str(given.value) if given and given.value is not None else "manual"


def _procedures(sections: Sections, remarks: Remarks) -> list[tuple[type[ProcedureOptions], int]]:
    """Return the model and the occurrence of every procedure in the list."""
    layers = sections.of(_MASTER)
    header = layers.headers.get(1)
    given = layers.base.get("procedures")
    if given is None or given.value is None:
        if "procedures" not in sections.invalid:
            remarks.problem(
                header.line if header else 0,
                f"missing required option procedures; expected a list of names from {_known()}",
                header.name if header else _MASTER,
            )
        return []
    found: list[tuple[type[ProcedureOptions], int]] = []
    count: dict[str, int] = {}
    for name in given.value:
        model = named(name.strip())
        if model is None or model in OF_THE_RUN:
            reason = why_unusable(name.strip()) or why_not(name.strip())
            message = reason or f"unknown procedure {quoted(name)}; expected one of {_known()}"
            remarks.problem(
                given.line,
                "procedures: " + message + ("" if reason else nearest(name, spellings())),
                given.section,
            )
            continue
        count[model.procedure] = count.get(model.procedure, 0) + 1
        found.append((model, count[model.procedure]))
    return found


def _known() -> str:
    return ", ".join(model.procedure for model in models() if model not in OF_THE_RUN)


def _resolve(bench: Bench, model: type[ProcedureOptions], occurrence: int) -> None:
    """Resolve one step and add it to the bench."""
    layers = bench.sections.of(model.procedure)
    name = model.procedure.lower() + (f"_{occurrence}" if occurrence > 1 else "")
    header = layers.headers.get(occurrence) or layers.headers.get(1)
    procedures = bench.sections.of(_MASTER).base["procedures"]
    draft = Draft(
        Step(name, model.procedure, occurrence),
        model,
        bench.sections.given(model, occurrence),
        header.name if header else name,
        header.line if header else procedures.line,
    )
    bench.listed.add(model.procedure)
    bench.fill(draft)
    _ask_the_queue(bench, draft)
    cores = draft.given.get("num_cores")
    if cores and cores.value is not None and cores.value > (os.cpu_count() or 1):
        bench.remarks.notice(
            cores.line,
            f"num_cores = {cores.value} is more than this machine has ({os.cpu_count()})",
            cores.section,
        )
    if occurrence > 1:
        _notice_derived_outputs(bench, draft)
    model.resolve(bench, draft)
    bench.drafts.append(draft)


def _ask_the_queue(bench: Bench, draft: Draft) -> None:
    """Take what a section does not ask a queue for from the master section; ``None`` in a section keeps that away."""
    for option in QueueOptions.declared():
        given = bench.sections.find(option, [_MASTER])
        if given and option not in draft.given:
            draft.put(option, given.value, f"inferred from [{given.section}] {option} (line {given.line})")


def _notice_derived_outputs(bench: Bench, draft: Draft) -> None:
    """Tell where a later occurrence writes, when ui.conf names only the first one's folders."""
    for option in ("output_dir", "exemplars_output_dir"):
        given = draft.given.get(option)
        if given and given.value is not None and given.origin.startswith("inferred"):
            bench.remarks.notice(
                given.line,
                f"{option} of {draft.step.name} is {quoted(given.value)}, since {option}_{draft.step.occurrence} "
                "is not given",
                given.section,
            )


def _check_numbers_of_cells(bench: Bench) -> None:
    """Note a problem where two sections of this run give different numbers of molecules per cell."""
    found: list[Given] = []
    for procedure in [_MASTER, *(draft.step.procedure for draft in bench.drafts)]:
        layers = bench.sections.of(procedure)
        for options in (layers.base, *layers.suffixed.values(), *layers.numbered.values()):
            given = options.get("Z")
            if given and given.value is not None:
                found.append(given)
    found.sort(key=lambda given: given.line)
    for given in found[1:]:
        # A search may look at several numbers at once.
        if not isinstance(given.value, list) and not isinstance(found[0].value, list) and given.value != found[0].value:
            bench.remarks.problem(
                given.line,
                f"Z = {given.value}, but Z = {found[0].value} in [{found[0].section}] line {found[0].line}; "
                "expected the same number of molecules per cell everywhere",
                given.section,
            )


def _notice_unused(bench: Bench) -> None:
    """Tell of sections and suffixed options that no procedure of the list uses."""
    counts: dict[str, int] = {}
    for draft in bench.drafts:
        counts[draft.step.procedure] = counts.get(draft.step.procedure, 0) + 1
    for procedure, layers in bench.sections.layers.items():
        if named(procedure) in OF_THE_RUN:
            continue
        times = counts.get(procedure, 0)
        if times == 0 and 1 in layers.headers:
            header = layers.headers[1]
            bench.remarks.notice(
                header.line,
                f"{procedure} is not among the procedures; its section serves inference only",
                header.name,
            )
        elif times:
            _notice_unused_occurrences(bench, procedure, layers, times)


def _notice_unused_occurrences(bench: Bench, procedure: str, layers: Layers, times: int) -> None:
    named = f"{procedure} is named {times} time{'s' * (times > 1)} in procedures"
    for occurrence, options in layers.suffixed.items():
        for option, given in options.items():
            if occurrence > times:
                bench.remarks.notice(
                    given.line, f"option '{option}_{occurrence}' has no effect: {named}", given.section
                )
    for occurrence, header in layers.headers.items():
        if occurrence > max(times, 1):
            bench.remarks.notice(header.line, f"this section has no effect: {named}", header.name)


def _configuration(bench: Bench, path: str, text: str) -> Configuration:
    given = bench.sections.of(_MASTER).base

    def value(option: str) -> Any:
        found = given.get(option)
        return found.value if found and found.value is not None else MasterOptions.info(option).default

    steps, comparison = [draft.step for draft in bench.drafts], settings_of(bench)
    molecules = [step.options["molecule_path"] for step in steps if step.options.get("molecule_path")]
    if len(set(molecules)) > 1:
        names = ", ".join(quoted(bench.pool_name(name)) for name in dict.fromkeys(molecules))
        bench.remarks.notice(0, f"the procedures use different molecules: {names}")
    return Configuration(
        path=path,
        folder=bench.folder,
        text=text,
        run_name=value("run_name") or _name_of(bench.folder),
        seed=value("seed"),
        defaults=bench.defaults,
        master={option: value(option) for option in MasterOptions.kept()},
        master_origins=_origins(bench, _MASTER),
        molecule_path=molecules[0] if molecules else None,
        Z=next((_one_of(step.options["Z"]) for step in steps if step.options.get("Z")), None),
        steps=steps,
        notices=bench.remarks.notice_lines(),
        digests=_digests(steps, comparison, bench.remarks),
        experiment=measured_content(bench.measured),
        comparison=comparison,
        comparison_origins=_origins(bench, ExperimentalStructureOptions.procedure),
    )


def _origins(bench: Bench, section: str) -> dict[str, str]:
    """Return option -> where its value comes from, of those that a section of the run gives."""
    given = bench.sections.of(section).base
    return {option: found.origin for option, found in given.items() if found.value is not None}


def _one_of(numbers: int | list[int]) -> int:
    """Return a number of molecules per cell, of several the first."""
    return numbers[0] if isinstance(numbers, list) else numbers


def _name_of(folder: str) -> str:
    """Return the run's name that a folder gives: the same as ever, so that a run is found again."""
    return made_safe(re.sub("[=@,]", "_", Path(folder).name), "run")


def _digests(steps: list[Step], comparison: dict[str, Any] | None, remarks: Remarks) -> dict[str, str]:
    digests: dict[str, str] = {}
    named = [(step.name, option, step.options) for step in steps for option in ("molecule_path", *sorted(carried()))]
    named += [(ExperimentalStructureOptions.procedure, "path", comparison or {})]
    for section, option, options in named:
        file = options.get(option)
        if file:
            try:
                content = str(file).encode() if is_smiles(file) else read_ordinary(Path(file), LARGEST_INPUT)
                if option == "molecule_path":
                    content += b"".join(f" {name}={options[name]}".encode() for name in CHOICES if options.get(name))
                digests[f"{section}.{option}"] = hashlib.sha256(content).hexdigest()
            except InputError as error:
                remarks.problem(0, f"{option}: {error}")
    return digests


__all__ = ["Configuration", "OptionsError", "load"]
