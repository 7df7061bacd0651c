"""The measured crystal beside those of a run's pool: the comparison, and what it shows of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from genarris_fw.catalogue import Catalogue
from genarris_fw.comparing.cluster_match import Tolerances
from genarris_fw.comparing.experiment import Experiment, carried, common_form
from genarris_fw.comparing.overlay import format_overlay, overlay
from genarris_fw.comparing.pool import NEAREST, Compared, PoolComparison, compare_pool
from genarris_fw.crystal import Structure
from genarris_fw.errors import InputError
from genarris_fw.files import write_text
from genarris_fw.pools.documents import from_document
from genarris_fw.views.comparison import measured_crystal
from genarris_fw.views.gathering import pool_energies
from genarris_fw.views.wording import counted

CIF, PICTURES = ".cif", (".png", ".svg", ".pdf")
WHOLE = ("geometry", "properties.number_of_atoms_in_molecule")


def compare(
    catalogue: Catalogue,
    run: str,
    pool: str,
    experiment: Experiment | None = None,
    molecules: int = 15,
    nearest: int = NEAREST,
    watch: Callable[[int], object] | None = None,
    ids: list[str] | None = None,
) -> PoolComparison:
    """Compare a pool with the measured crystal.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run, pool : str
        Which structures.
    experiment : Experiment, optional
        By default the run's own.
    molecules, nearest, watch
        As of `compare_pool`.
    ids : list of str, optional
        Only these structures of it.

    Returns
    -------
    PoolComparison

    Raises
    ------
    InputError
        For an unknown run or pool, an empty one, no experiment, or what `compare_pool` refuses.
    """
    measured = experiment or own_experiment(catalogue, run)
    ids = catalogue.structures.pool_ids(run, pool) if ids is None else ids
    if not ids:
        _refuse_empty(catalogue, run, pool)
    return compare_pool(
        _crystals(catalogue, run, ids),
        measured,
        molecules,
        pool_energies(catalogue, run, ids),
        nearest,
        pool=f"pool '{pool}'",
        watch=watch,
    )


def own_experiment(catalogue: Catalogue, run: str) -> Experiment:
    """Return the measured crystal that a run looks for.

    Raises
    ------
    InputError
        For an unknown run, or one that names none.
    """
    found = measured_crystal(catalogue, run)
    if found is None:
        raise InputError(f"run '{run}' names no measured crystal; give its file: --experiment FILE")
    return carried(found)


def _refuse_empty(catalogue: Catalogue, run: str, pool: str) -> None:
    pools = catalogue.structures.pools(run)
    known = ", ".join(pools) or "none yet"
    if pool in (catalogue.runs.get(run).get("pools") or {}):
        raise InputError(f"pool '{pool}' of run '{run}' is empty: there is nothing to compare; its pools: {known}")
    raise InputError(f"no pool '{pool}' in run '{run}'; its pools: {known}")


def _crystals(catalogue: Catalogue, run: str, ids: list[str]) -> Iterator[Structure]:
    for document in catalogue.structures.load(run, ids, WHOLE):
        yield from_document(document)


def overlay_files(path: Path) -> list[Path]:
    """Return the files of an overlay: that one, or where no ending says which, the cif file and both pictures.

    Raises
    ------
    InputError
        For an ending of another format.
    """
    if path.suffix.lower() in (CIF, *PICTURES):
        return [path]
    if path.suffix:
        raise InputError(f"{path}: an overlay is written as {', '.join((CIF, *PICTURES))}, or all of .cif, .png, .svg")
    return [path.with_name(path.name + ending) for ending in (CIF, *PICTURES[:2])]


def write_overlay(found: PoolComparison, experiment: Experiment, files: list[Path]) -> None:
    """Write the nearest structure of a pool laid upon the measured crystal.

    Raises
    ------
    InputError
        For a file that cannot be written.
    """
    assert found.best is not None
    form = common_form(experiment, found.best)
    laid = overlay(form.experiment, form.of(found.best), Tolerances(found.molecules), form.molecule)
    for file in files:
        try:
            if file.suffix.lower() == CIF:
                write_text(file, format_overlay(laid))
            else:
                from genarris_fw.pictures.overlay import overlay_picture  # here, since it is slow to import
                from genarris_fw.pictures.saving import save

                save(overlay_picture(laid), file.with_suffix(""), [file.suffix.lower().removeprefix(".")])
        except OSError as error:
            raise InputError(f"{error.filename or file}: cannot be written ({error.strerror})") from error


def render(found: PoolComparison, run: str, pool: str) -> RenderableType:
    """Return the comparison for a terminal."""
    lines = [f"{found.experiment} beside {counted(found.structures, 'structure')} of pool '{pool}' of run '{run}'"]
    if found.found is None:
        lines.append(f"not among them: of no structure all {found.molecules} molecules match")
    else:
        lines.append(f"found: {found.found.struct_id}, {found.words}")
    if found.matching > 1:
        lines.append(f"{found.matching} structures match with all molecules; the nearest of them is named")
    if not found.energies:
        lines.append("the structures have no energies: there is no rank by energy")
    elif found.energies < found.structures:
        lines.append(f"{found.energies} of them have an energy that can be compared; ranks are among these")
    lines += [f"note: {remark}" for remark in found.remarks]
    return Group(Text("\n".join(lines)), Text(), _table(found))


def _table(found: PoolComparison) -> Table:
    """The nearest structures."""
    table = Table(box=None, pad_edge=False)
    table.add_column("structure", no_wrap=True)
    for name in (
        "match",
        "RMSD_n\nÅ",
        "rank",
        "above\nkJ/mol",
        "g/cm³",
        "rank by\ndensity",
        "powder",
        "powder,\nvar. cell",
    ):
        table.add_column(name, justify="right")
    table.add_column("")
    for one in found.nearest:
        table.add_row(*_cells(one), "the experiment" if one == found.found else "")
    return table


def _cells(one: Compared) -> list[str]:
    return [
        one.struct_id,
        f"{one.matched}/{one.of}",
        _number(one.rmsd, 2),
        _number(one.rank, 0),
        _number(one.above_lowest, 2),
        _number(one.density, 3),
        _number(one.rank_density, 0),
        _number(one.powder, 3),
        _number(one.powder_variable_cell, 3),
    ]


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
