"""Pictures as files: whole or not there, and the same bytes for the same picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genarris_fw.errors import InputError
from genarris_fw.files import whole_file
from genarris_fw.pictures.style import DPI, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Each format with what must not be written, because it changes from one moment to the next.
FORMATS: dict[str, dict[str, Any]] = {
    "png": {},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


def check_formats(formats: Sequence[str]) -> list[str]:
    """Return the formats, each once.

    Raises
    ------
    InputError
        For none at all, or one that pictures cannot be written in.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise InputError(f"unknown picture format '{', '.join(unknown)}'; the formats are {', '.join(FORMATS)}")
    return list(dict.fromkeys(formats))


def save(figure: Figure, path: Path, formats: Sequence[str] = ("png", "svg")) -> list[Path]:
    """Write a picture in one or more formats.

    Parameters
    ----------
    figure : Figure
        Its layout is settled by this call, so that all files show the same.
    path : Path
        The file without its ending; missing folders are made.
    formats : sequence of str
        Of ``png``, ``svg``, ``pdf``.

    Returns
    -------
    list of Path
        The files, in the order of the formats.

    Raises
    ------
    InputError
        For an unknown format.
    OSError
        When the folder cannot be written or the disk is full.

    Examples
    --------
    >>> from pathlib import Path
    >>> from genarris_fw.pictures import histogram, save
    >>> files = save(histogram({'pool': [1.2, 1.3]}, 'density (g/cm³)'), Path('densities'), ['png'])
    >>> [file.name for file in files]
    ['densities.png']
    """
    names = check_formats(formats)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = []
    with style():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for name in names:
            target = path.with_name(f"{path.name}.{name}")
            with whole_file(target) as partial:
                figure.savefig(partial, format=name, dpi=DPI, metadata=FORMATS[name])
            written.append(target)
    return written
