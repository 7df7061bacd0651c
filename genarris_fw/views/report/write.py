"""A report as files: the page, and its pictures in a folder beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from genarris_fw.catalogue import Catalogue
from genarris_fw.errors import InputError
from genarris_fw.files import write_text
from genarris_fw.telling import Told, untold
from genarris_fw.views.report.content import content_of
from genarris_fw.views.report.figures import Shown, figures_of_pool, figures_of_run, figures_of_searches
from genarris_fw.views.report.page import page
from genarris_fw.views.report.sections import sections_of


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes
    ----------
    html, folder : Path
        The page, and the folder of its pictures.
    pool : str
        What it is of; empty where the run has no pool yet.
    pictures : list of Path
    left_out : dict of str to str
        Pictures that were not drawn, with the reason.
    """

    html: Path
    folder: Path
    pool: str = ""
    pictures: list[Path] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def write_report(
    catalogue: Catalogue,
    run: str,
    html: Path,
    pool: str | None = None,
    force: bool = False,
    told: Told = untold,
) -> Report:
    """Write the report of a run.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run : str
        Name of the run.
    html : Path
        The page; its pictures go into a folder of the same name without its ending. Missing folders are made.
    pool : str, optional
        Which pool's structures are shown; by default those that the last step made.
    force : bool
        Whether files that are there are replaced; pictures of a former report that are drawn no more go.
    told : callable, optional
        Told how far it is.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        For an unknown run or pool, a file that is there already, or a place that cannot be written.
    """
    folder = refuse_taken(html, force)
    found = content_of(catalogue, run, pool)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if force and folder.exists():
            _remove_pictures(folder)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"{error.filename or folder}: cannot be written ({error.strerror})") from error
    told("drawing pictures", 0, 0)
    shown: list[Shown] = [] if found.without_structures else figures_of_run(found.stages, folder)
    if found.pool is not None:
        shown += figures_of_searches(found.searched, folder)
        shown += figures_of_pool(catalogue, found.pool, found.Z_primes, folder, told)
    told("writing the page", 0, 0)
    text = page(found, sections_of(catalogue, found, shown), folder.name)
    try:
        write_text(html, text)
    except OSError as error:
        raise InputError(f"{error.filename or html}: cannot be written ({error.strerror})") from error
    return Report(
        html,
        folder,
        "" if found.pool is None else found.pool.name,
        [file for one in shown for file in one.files],
        {one.name: one.left_out for one in shown if not one.files},
    )


def refuse_taken(html: Path, force: bool) -> Path:
    """Return the folder of the pictures, after checking that nothing is overwritten that nobody gave up.

    Raises
    ------
    InputError
        Where the page or the folder is there already and `force` is not given, or one is there that is no file or
        no folder, or the page has no ending that its folder could lack.
    """
    folder = html.with_suffix("")
    if html.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{html}: a report is a file that ends in .html")
    if html.exists() and not html.is_file():
        raise InputError(f"{html}: is there already, and is no ordinary file")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is no folder; the pictures of {html.name} would go there")
    if not force:
        for place in (html, folder):
            if place.exists():
                raise InputError(f"{place}: is there already; --force replaces it, --output names another file")
    return folder


def _remove_pictures(folder: Path) -> None:
    for file in folder.iterdir():
        if file.suffix in (".png", ".svg") and file.is_file():
            file.unlink()
