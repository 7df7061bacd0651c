"""The pictures that the option ``plot_histograms`` of Genarris asks for, under its option names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genarris_fw.crystal import Structure
from genarris_fw.errors import InputError
from genarris_fw.pictures.histograms import SIZE, WIDTH, histogram
from genarris_fw.pictures.quantities import label_of, values_of
from genarris_fw.pictures.saving import FORMATS, save
from genarris_fw.pictures.space_groups import space_group_chart


def clustering_histograms(
    structures: Sequence[Structure],
    exemplars: Sequence[Structure],
    folder: Path,
    *,
    prop: str = "unit_cell_volume",
    prop_figname: str = "raw_pool_volume_histogram.pdf",
    prop_xlabel: str | None = None,
    prop_ylabel: str | None = None,
    prop_figure_size: Sequence[float] | None = None,
    prop_label_size: float | None = None,
    prop_tick_size: float | None = None,
    prop_tick_width: float | None = None,
    spg_bar_chart_fname: str = "raw_pool_spg_bar_chart.pdf",
    spg_bar_width: float | None = None,
    spg_bar_xlabel: str | None = None,
    spg_bar_ylabel: str | None = None,
    spg_bar_title: str | None = None,
    spg_bar_tick_rotation: str | float | None = None,
    formats: Sequence[str] = ("png", "svg"),
) -> list[Path]:
    """Write the histogram of a property and the chart of the space groups of a clustered pool.

    Parameters
    ----------
    structures, exemplars : sequence of Structure
        The pool and those chosen from it, drawn in front; without exemplars the pool alone is drawn.
    folder : Path
        Where figure names without a folder of their own lie.
    prop : str
        The property: any number of the structures, or a volume or density, see `values_of`.
    prop_figname, spg_bar_chart_fname : str
        The files. An ending ``png``, ``svg`` or ``pdf`` names the format; without one the files are written in
        `formats`.
    prop_xlabel, prop_ylabel, spg_bar_xlabel, spg_bar_ylabel : str, optional
        What the axes say; by default the property with its unit, ``space group``, and what is counted.
    prop_figure_size : (width, height), optional
        In inches.
    prop_label_size, prop_tick_size, prop_tick_width : float, optional
        Sizes of the axes' words and numbers, and width of the ticks, in points.
    spg_bar_width : float, optional
        Width of the bars, 0 to 1, where 1 leaves no gap.
    spg_bar_title : str, optional
        By default there is none.
    spg_bar_tick_rotation : float or ``vertical`` or ``horizontal``, optional
        By default as the numbers fit.
    formats : sequence of str
        For figure names without an ending.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError
        For no structures, a property that none has, or options that cannot be used.
    """
    if not structures:
        raise InputError("plot_histograms: the pool has no structures")
    sets = {"pool": structures} | ({"exemplars": exemplars} if exemplars else {})
    values = {name: values_of(chosen, prop) for name, chosen in sets.items()}
    groups = {name: [s.properties.get("spg") for s in chosen] for name, chosen in sets.items()}
    first = histogram(values, prop_xlabel or label_of(prop), _size(prop_figure_size))
    second = space_group_chart(groups, _width(spg_bar_width))

    [axes] = first.axes
    if prop_ylabel:
        axes.set_ylabel(prop_ylabel)
    if prop_label_size:
        axes.xaxis.label.set_fontsize(prop_label_size)
        axes.yaxis.label.set_fontsize(prop_label_size)
    if prop_tick_size:
        axes.tick_params(labelsize=prop_tick_size)
    if prop_tick_width:
        axes.tick_params(width=prop_tick_width)

    [axes] = second.axes
    if spg_bar_xlabel:
        axes.set_xlabel(spg_bar_xlabel)
    if spg_bar_ylabel:
        axes.set_ylabel(spg_bar_ylabel)
    if spg_bar_title:
        axes.set_title(spg_bar_title, loc="left", fontsize=9)
    if spg_bar_tick_rotation is not None:
        axes.tick_params(axis="x", rotation=_degrees(spg_bar_tick_rotation))

    written = save(first, *_place(folder, prop_figname, formats))
    return written + save(second, *_place(folder, spg_bar_chart_fname, formats))


def _place(folder: Path, name: str, formats: Sequence[str]) -> tuple[Path, Sequence[str]]:
    """Return the path without an ending, and the formats: the ending's, where it is one of ours."""
    path = folder / name
    ending = path.suffix.lstrip(".").lower()
    return (path.with_suffix(""), [ending]) if ending in FORMATS else (path, formats)


def _size(given: Sequence[float] | None) -> tuple[float, float]:
    """Return the size of the histogram in inches."""
    if given is None:
        return SIZE
    try:
        width, height = (float(value) for value in given)
    except (TypeError, ValueError):
        width = height = 0.0
    if not (1 <= width <= 40 and 1 <= height <= 40):
        raise InputError(f"prop_figure_size is {given!r}; give two numbers from 1 to 40, width and height in inches")
    return width, height


def _width(given: float | None) -> float:
    """Return the width of the space groups' bars."""
    if given is None:
        return WIDTH
    if not 0 < given <= 1:
        raise InputError(f"spg_bar_width is {given}; give a number above 0, at most 1")
    return float(given)


def _degrees(given: str | float) -> float:
    """Return an angle of text, which may be a word."""
    words = {"vertical": 90.0, "horizontal": 0.0}
    try:
        return words[given] if isinstance(given, str) and given in words else float(given)
    except ValueError:
        raise InputError(f"spg_bar_tick_rotation is {given!r}; give degrees, vertical or horizontal") from None
