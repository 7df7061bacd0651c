"""What a run writes never destroys what it reads: whether every place that an output option names is free.

Which options are outputs, and which are inputs, says their type: `genarris_fw.declaring.types.PathRole`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genarris_fw.options.problems import quoted
from genarris_fw.options.registered import named
from genarris_fw.options.resolving.draft import Bench, Draft, within

NAME_BYTES, PATH_BYTES = 255, 4095  # what Linux' file systems take
# What the names of temporary and of further files are longer, and paths by the files in a folder too.
SPARE_IN_NAME = {"file": 56, "folder": 0}
SPARE_IN_PATH = {"file": 100, "folder": 400}
# What the program itself, and FireWorks, keep in a run's folder.
RESERVED = (
    *("genarris_db", ".genarris_fw", "logs", "launches", "Genarris.log", "Genarris.err", "cutoff_matrix"),
    *("structure_dir_for_relaxing_single_molecule", "job.sh", "FW_config.yaml"),
    *("my_launchpad.yaml", "my_fworker.yaml", "my_qadapter.yaml", "my_qadapter_reserve.yaml"),
)


@dataclass(frozen=True)
class Output:
    """A file or folder that a step writes.

    Attributes
    ----------
    draft : Draft
        The step.
    option : str
        The option that names it.
    path, real : str
        Absolute: as ui.conf names it, and without links.
    kind : str
        'file' or 'folder'.
    """

    draft: Draft
    option: str
    path: str
    real: str
    kind: str

    @property
    def places(self) -> set[str]:
        """What it takes: of a file also the json file beside it, in which the ids of a matrix stand."""
        return {self.real, f"{self.real}.json"} if self.kind == "file" else {self.real}


def check_outputs(bench: Bench, ui_conf: str, allow_outside: bool) -> None:
    """Note a problem for every output that would overwrite something, or cannot be written where it is to be.

    Parameters
    ----------
    bench : Bench
        All steps, resolved.
    ui_conf : str
        The file, absolute.
    allow_outside : bool
        Whether outputs may leave ui.conf's folder.
    """
    taken = {os.path.realpath(bench.absolute(name)): f"{name}, which the program keeps there" for name in RESERVED}
    taken |= _inputs(bench) | {os.path.realpath(ui_conf): "ui.conf"}
    before: list[Output] = []
    for output in [output for draft in bench.drafts for output in outputs(draft)]:
        reason = (
            _too_long(output)
            or (None if allow_outside or bench.holds(output.path) else _outside(output))
            or _overwrites(output, taken, os.path.realpath(bench.folder))
            or _meets(output, before)
            or _unlike(output)
        )
        before.append(output)
        if reason:
            shown = bench.pool_name(output.path) if bench.holds(output.path) else output.path
            bench.refuse(output.draft, output.option, f"{quoted(shown)} {reason}")


def outputs(draft: Draft) -> Iterator[Output]:
    """Yield what a step writes, as its options name it."""
    for option, path in draft.options.items():
        role = draft.model.path_role(option) if option in draft.model.model_fields else None
        if role is None or role.use != "output" or not path:
            continue
        needed = draft.model.info(option).written_if
        if needed is None or draft.options.get(needed[0]) == needed[1]:
            yield Output(draft, option, path, os.path.realpath(path), role.kind)


def _inputs(bench: Bench) -> dict[str, str]:
    """Return path without links -> what it is, of everything that ui.conf names to be read from the disk."""
    found = {}
    for procedure, layers in bench.sections.layers.items():
        model = named(procedure)
        assert model is not None, procedure
        for options in (layers.base, *layers.suffixed.values(), *layers.numbered.values()):
            for name, given in options.items():
                role = model.path_role(name)
                # A pool and a matrix may be those of an earlier step: see below.
                if (
                    given.value
                    and role
                    and role.use == "input"
                    and name not in ("structure_dir", "dist_mat_input_file")
                ):
                    found[os.path.realpath(bench.absolute(given.value))] = f"{name} of [{given.section}]"
    for draft in bench.drafts:
        folder, matrix = draft.options.get("import_folder"), draft.options.get("dist_mat_input_file")
        if folder:
            found[os.path.realpath(folder)] = f"the structures that {draft.step.name} imports"
        if matrix and not draft.options.get("matrix_step"):
            for file in (matrix, f"{matrix}.json"):
                found[os.path.realpath(file)] = f"the distance matrix that {draft.step.name} reads"
    return found


def _too_long(output: Output) -> str | None:
    # Folders that are there need no room beside them for what is prepared.
    there = next((str(p) for p in Path(output.path).parents if os.path.exists(p)), "/")  # noqa: PTH110 - of any length
    longest = max(len(os.fsencode(part)) for part in os.path.relpath(output.path, there).split("/"))
    most = NAME_BYTES - SPARE_IN_NAME[output.kind]
    if longest > most:
        return f"has a name of {longest} bytes; expected at most {most}"
    length, most = len(os.fsencode(output.path)), PATH_BYTES - SPARE_IN_PATH[output.kind]
    return f"is a path of {length} bytes; expected at most {most}" if length > most else None


def _outside(output: Output) -> str:
    return (
        f"is outside ui.conf's folder; expected a {output.kind} in it, or allow_outputs_outside = True in "
        "[Genarris_master]"
    )


def _overwrites(output: Output, taken: dict[str, str], folder: str) -> str | None:
    """Return what an output would overwrite of what shall stay: by its name, or as a file within a folder of it."""
    if output.kind == "folder" and within(folder, output.real):
        return "is the folder of ui.conf, or one around it; expected a folder in it"
    for place in sorted(output.places):
        for kept, what in taken.items():
            # Structures may be imported from ui.conf's own folder, in which everything lies.
            if place == kept or (within(place, kept) and not within(folder, kept)):
                return f"would overwrite {what}; expected another {output.kind}"
    return None


def _meets(output: Output, before: list[Output]) -> str | None:
    """Return which output of this or an earlier step has the same place."""
    for other in before:
        if not output.places & other.places or _in_place(output, other):
            continue
        if other.draft is output.draft:
            return f"is its {other.option} too; expected another {output.kind}"
        return f"is the {other.option} of step {other.draft.step.name}; expected another {output.kind}"
    return None


def _in_place(output: Output, other: Output) -> bool:
    """Tell whether a step writes the structures of its own input pool anew, with what it has found."""
    options, pools = output.draft.options, ("output_dir", "exemplars_output_dir")
    own = options.get("output_pool") is not None and options.get("output_pool") == options.get("input_pool")
    return own and output.option == "output_dir" and other.option in pools


def _unlike(output: Output) -> str | None:
    """Return what is there already and cannot become the output: a device, a folder for a file, a file for a folder."""
    path = Path(output.real)
    there = next((place for place in (path, *path.parents) if os.path.lexists(place)), None)
    if there is None:
        return None
    wanted = output.kind if there == path else "folder"
    found = "folder" if there.is_dir() else "file" if there.is_file() else "device, pipe or socket"
    if found == wanted:
        return None
    where = "is a" if there == path else f"lies in {there}, which is a"
    return f"{where} {found}; expected a {wanted}"
