"""Magnetograms: the vector field of an active region as measured at the photosphere, and the box above it.

The files are the segments Bp, Bt and Br of a SHARP cut-out in cylindrical equal-area coordinates (series
hmi.sharp_cea_720s; Bobra et al. 2014, Solar Phys. 289, 3549): the components westwards, southwards and outwards.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.fields.grid import Grid
from genarris_fw.studies.force_free.fields.potential import potential_field

# What each file is, and what becomes of it: x to the west, y to the north, z up.
COMPONENTS = {"Bp": ("B_x", 1.0), "Bt": ("B_y", -1.0), "Br": ("B_z", 1.0)}
# One Mx/cm² is one gauss.
GAUSS = frozenset({"gauss", "g", "mx/cm^2", "mx/cm**2", "mx/cm2", "mx cm-2", "mx cm^-2", "mx cm**-2"})
# The Sun's radius in metres that maps of HMI are made with, where their header has no RSUN_REF.
SOLAR_RADIUS = 6.96e8
# What a header says of where a map is from, and how we call it.
_ORIGIN = {"HARPNUM": "harp", "NOAA_AR": "noaa_ar", "T_REC": "time", "TELESCOP": "telescope", "INSTRUME": "instrument"}


@dataclass(frozen=True)
class Magnetogram:
    """The field at the photosphere.

    Parameters
    ----------
    values : (3, nx, ny) ndarray
        B_x, B_y, B_z in gauss: to the west, to the north, upwards.
    pixel : (float, float)
        Distances of neighbours along x and y, Mm.
    about : dict
        What it came from.
    """

    values: NDArray[np.float64]
    pixel: tuple[float, float]
    about: dict[str, Any]


def read_magnetogram(bp: Path, bt: Path, br: Path, binning: int = 1) -> Magnetogram:
    """Read the three components of a SHARP cut-out.

    Parameters
    ----------
    bp, bt, br : Path
        FITS files of the segments Bp, Bt and Br: plain ones, or compressed as the archive gives them.
    binning : int, optional
        So many pixels by so many become one, their mean. What is left over at the western and the northern edge is
        cut off.

    Returns
    -------
    Magnetogram
        B_x = Bp, B_y = -Bt, B_z = Br.

    Raises
    ------
    InputError
        For a file that is missing or none of FITS, another segment than asked for, no image, a unit that is not gauss,
        pixels without size, values that are not finite, components of different shapes or sizes of a pixel, or a
        binning that leaves fewer than 2 x 2 pixels.
    """
    maps = {name: _read(Path(path), name) for name, path in zip(COMPONENTS, (bp, bt, br))}
    first = maps["Bp"]
    for other in maps.values():
        if other.values.shape != first.values.shape:
            raise InputError(
                f"{other.path}: {_size(other.values)} pixels, but {first.path} has {_size(first.values)}: "
                "give three components of the same cut-out"
            )
        if not np.allclose(other.pixel, first.pixel, rtol=1e-6):
            raise InputError(
                f"{other.path}: pixels of another size than those of {first.path}: "
                "give three components of the same cut-out"
            )
    values = np.array([sign * maps[name].values for name, (_, sign) in COMPONENTS.items()])
    about = {
        "kind": "magnetogram",
        "files": {name: one.path.name for name, one in maps.items()},
        "binning": binning,
        "unit": "G",
        **first.origin,
    }
    pixel = (binning * first.pixel[0], binning * first.pixel[1])
    return Magnetogram(_binned(values, binning), pixel, about)


@dataclass(frozen=True)
class _Map:
    path: Path
    values: NDArray[np.float64]
    pixel: tuple[float, float]
    origin: dict[str, Any]


def _read(path: Path, name: str) -> _Map:
    fits = _fits()
    try:
        header, values = _image(fits, path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file: give the FITS file of the segment {name}") from error
    except Exception as error:  # astropy raises what it meets in a damaged file
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: cannot be read as FITS ({reason}): give the segment {name} anew") from error
    _check_header(path, name, header)
    not_finite = int((~np.isfinite(values)).sum())
    if not_finite:
        raise InputError(
            f"{path}: {not_finite} of {_size(values)} pixels have no value (NaN): "
            "cut the region where all three components are known"
        )
    origin = {ours: header[key] for key, ours in _ORIGIN.items() if header.get(key) not in (None, "")}
    return _Map(path, values, _pixel(path, header), origin)


def _image(fits: Any, path: Path) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Return the header and the values, (nx, ny), of the first image of a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is wrong with a file is said by us, in one line
        with fits.open(path) as file:
            for part in file:
                if part.header.get("NAXIS") == 2 and part.data is not None:
                    return dict(part.header), np.array(part.data, dtype=np.float64).T
    raise ValueError("no image of two axes")


def _fits() -> Any:
    try:
        from astropy.io import fits
    except ImportError as error:
        raise InputError(
            "reading FITS files needs the package astropy: pip install 'genarris_fw[force_free]'"
        ) from error
    return fits


def _check_header(path: Path, name: str, header: Mapping[str, Any]) -> None:
    content = str(header.get("CONTENT", "")).strip()
    known = {key.lower() for key in COMPONENTS}
    if content.lower() in known and content.lower() != name.lower():
        raise InputError(f"{path}: holds {content}, where {name} is asked for: give the files in their order")
    unit = " ".join(str(header.get("BUNIT", "")).split())
    if unit.lower() not in GAUSS:
        said = f"the unit '{unit}'" if unit else "no unit (BUNIT)"
        raise InputError(f"{path}: {said}, where Mx/cm^2 or Gauss is expected: export the segment with its keywords")


def _pixel(path: Path, header: Mapping[str, Any]) -> tuple[float, float]:
    """Return the size of a pixel, Mm: at the centre of such a map a degree is the same length along both axes."""
    sizes = []
    for axis in (1, 2):
        try:
            step = abs(float(header[f"CDELT{axis}"]))
        except (KeyError, TypeError, ValueError):
            step = math.nan
        unit = str(header.get(f"CUNIT{axis}", "")).strip().lower()
        if not 0 < step < math.inf or unit not in ("deg", "degree", "degrees"):
            raise InputError(
                f"{path}: no size of a pixel in degrees (CDELT{axis}, CUNIT{axis}): "
                "give a cut-out in cylindrical equal-area coordinates, with its keywords"
            )
        sizes.append(math.radians(step) * _radius(header) / 1e6)
    return sizes[0], sizes[1]


def _radius(header: Mapping[str, Any]) -> float:
    try:
        radius = float(header.get("RSUN_REF", SOLAR_RADIUS))
    except (TypeError, ValueError):
        return SOLAR_RADIUS
    return radius if 0 < radius < math.inf else SOLAR_RADIUS


def _binned(values: NDArray[np.float64], binning: int) -> NDArray[np.float64]:
    _, nx, ny = values.shape
    if binning < 1 or min(nx, ny) // binning < 2:
        raise InputError(
            f"binning = {binning} of a magnetogram of {nx} x {ny} pixels: "
            f"give a number from 1 to {max(min(nx, ny) // 2, 1)}"
        )
    x, y = nx // binning, ny // binning
    blocks = values[:, : x * binning, : y * binning].reshape(3, x, binning, y, binning)
    return np.asarray(blocks.mean(axis=(2, 4)))


def _size(values: NDArray[np.float64]) -> str:
    return " x ".join(map(str, values.shape))


def length_scale(magnetogram: Magnetogram, height: float) -> float:
    """Return l_0 of the paper, Mm: the greatest coordinate of a box that is centred in x and y and begins at z = 0."""
    _, nx, ny = magnetogram.values.shape
    dx, dy = magnetogram.pixel
    return float(max((nx - 1) * dx / 2, (ny - 1) * dy / 2, height))


def magnetogram_field(magnetogram: Magnetogram, layers: int | None = None, method: str = "fft", pad: int = 4) -> Field:
    """Return the potential field above a magnetogram, with the magnetogram itself as its lowest layer.

    That is what is known on the surface of the box: the measured field below, the potential field of its B_z on the
    other five faces.

    Parameters
    ----------
    magnetogram : Magnetogram
        With nx x ny pixels.
    layers : int, optional
        Nodes along z, as far apart as along x; else as many as the shorter side has pixels.
    method, pad
        How the potential field is computed (`potential_field`).

    Returns
    -------
    Field
        On nx x ny x layers nodes, in gauss; lengths are in l_0, so that the box is [-X, X] x [-Y, Y] x [0, Z] with
        a greatest coordinate of 1. Its ``about`` holds ``length_scale`` (l_0, Mm) and where the magnetogram is from.

    Raises
    ------
    InputError
        For fewer than 2 layers, or as `potential_field`.
    """
    _, nx, ny = magnetogram.values.shape
    layers = min(nx, ny) if layers is None else layers
    if layers < 2:
        raise InputError(f"{layers} layers above a magnetogram: give at least 2")
    dx, dy = magnetogram.pixel
    height = (layers - 1) * dx
    scale = length_scale(magnetogram, height)
    half = (nx - 1) * dx / 2 / scale, (ny - 1) * dy / 2 / scale
    grid = Grid(((-half[0], half[0]), (-half[1], half[1]), (0.0, height / scale)), (nx, ny, layers))
    above = potential_field(magnetogram.values[2], grid, method=method, pad=pad)
    values = above.values.copy()
    values[:, :, :, 0] = magnetogram.values
    about = {
        **magnetogram.about,
        "pixel_Mm": list(magnetogram.pixel),
        "length_scale": scale,
        "other_faces": above.about,
    }
    return Field(grid, values, about)
