"""SHARP cut-outs of our own making: the archive cannot be reached from everywhere."""

from pathlib import Path

import numpy as np

from genarris_fw.studies.force_free.fields.grid import Grid
from genarris_fw.studies.force_free.fields.low_lou import low_lou_field

# What a header of hmi.sharp_cea_720s says, as far as it is read.
HEADER = {
    **{"CTYPE1": "CRLN-CEA", "CTYPE2": "CRLT-CEA", "CUNIT1": "degree", "CUNIT2": "degree"},
    **{"CDELT1": 0.03, "CDELT2": 0.03, "RSUN_REF": 6.96e8, "BUNIT": "Mx/cm^2"},
    **{"TELESCOP": "SDO/HMI", "INSTRUME": "HMI_SIDE1", "T_REC": "2011.02.14_00:00:00_TAI"},
    **{"HARPNUM": 377, "NOAA_AR": 11158},
}
SIZE = (247, 189)  # of AR 11158 in the paper


def low_lou_magnetogram(size: tuple[int, int] = SIZE, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """B_x, B_y, B_z in gauss, (3, nx, ny): a Low and Lou field's lower face of 2000 G, with noise of so many gauss."""
    half = size[1] / size[0]
    grid = Grid(((-1.0, 1.0), (-half, half), (0.0, 1.0)), (*size, 2))
    values = low_lou_field(1, 1, 0.3, np.pi / 4, grid).values[..., 0]
    values = values * (2000.0 / np.abs(values).max())
    return values + noise * np.random.default_rng(seed).normal(size=values.shape)


def write_sharp(folder: Path, values: np.ndarray, compressed: bool = False, **header: object) -> dict[str, Path]:
    """The files Bp, Bt, Br of a magnetogram; a key of the header whose value is None is left out."""
    from astropy.io import fits

    files = {}
    for name, component in {"Bp": values[0], "Bt": -values[1], "Br": values[2]}.items():
        files[name] = folder / f"hmi.sharp_cea_720s.377.20110214_000000_TAI.{name}.fits"
        written = fits.Header({"CONTENT": name, **HEADER})
        for key, value in header.items():
            if value is None:
                written.remove(key)
            else:
                written[key] = value
        data = component.T.astype(np.float32)  # a row of the image runs along x
        image = fits.CompImageHDU if compressed else fits.PrimaryHDU
        parts = [image(data, written)]
        fits.HDUList([fits.PrimaryHDU(), *parts] if compressed else parts).writeto(files[name])
    return files
