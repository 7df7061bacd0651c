"""Magnetograms from files as the archive gives them: right way round, in gauss and Mm, and what is wrong said."""

import builtins
import math

import numpy as np
import pytest
from magnetograms import SIZE, low_lou_magnetogram, write_sharp

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.magnetogram import length_scale, magnetogram_field, read_magnetogram
from genarris_fw.studies.force_free.fields.potential import potential_field

pytest.importorskip("astropy", reason="reading FITS needs astropy")

PIXEL = math.radians(0.03) * 696.0  # Mm


def read(files, **options):
    return read_magnetogram(files["Bp"], files["Bt"], files["Br"], **options)


@pytest.fixture
def small():
    return np.random.default_rng(1).normal(0.0, 300.0, (3, 12, 9))


def test_components_and_axes_the_right_way_round(tmp_path, small):
    found = read(write_sharp(tmp_path, small))
    assert np.allclose(found.values, small, rtol=1e-6)  # the file is in float32; B_y = -Bt
    assert found.pixel == pytest.approx((PIXEL, PIXEL))
    assert found.about["harp"] == 377 and found.about["noaa_ar"] == 11158 and found.about["unit"] == "G"
    assert found.about["time"] == "2011.02.14_00:00:00_TAI"
    assert found.about["files"]["Bt"].endswith("TAI.Bt.fits")


def test_files_compressed_as_in_the_archive(tmp_path, small):
    found = read(write_sharp(tmp_path, small, compressed=True))
    assert np.abs(found.values - small).max() < 20  # the compression itself loses digits
    assert found.pixel == pytest.approx((PIXEL, PIXEL))


def test_pixels_are_binned_by_their_mean(tmp_path, small):
    found = read(write_sharp(tmp_path, small), binning=2)
    assert found.values.shape == (3, 6, 4)  # the ninth row is cut off
    assert found.values[1, 2, 3] == pytest.approx(small[1, 4:6, 6:8].mean(), rel=1e-6)
    assert found.pixel == pytest.approx((2 * PIXEL, 2 * PIXEL))


def test_the_box_above_in_lengths_of_the_paper(tmp_path, small):
    found = read(write_sharp(tmp_path, small))
    field = magnetogram_field(found, layers=5)
    scale = 11 * PIXEL / 2
    assert length_scale(found, 4 * PIXEL) == pytest.approx(scale) == pytest.approx(field.about["length_scale"])
    assert np.allclose(field.grid.bounds, [(-1, 1), (-8 / 11, 8 / 11), (0, 8 / 11)])
    assert np.allclose(field.grid.spacing, 2 / 11)
    assert length_scale(found, 40 * PIXEL) == pytest.approx(40 * PIXEL)
    assert np.array_equal(field.values[..., 0], found.values)
    above = potential_field(found.values[2], field.grid)
    assert np.array_equal(field.values[..., 1:], above.values[..., 1:])
    assert magnetogram_field(found).grid.shape == (12, 9, 9)


def test_a_noisy_magnetogram_of_the_size_of_the_active_region(tmp_path):
    exact = low_lou_magnetogram()
    files = write_sharp(tmp_path, low_lou_magnetogram(noise=100.0))
    found = read(files)
    assert found.values.shape == (3, *SIZE)
    assert np.std(found.values - exact) == pytest.approx(100.0, rel=0.01)
    binned = read(files, binning=7)
    blocks = exact[:, :245].reshape(3, 35, 7, 27, 7).mean(axis=(2, 4))
    assert np.std(binned.values - blocks) == pytest.approx(100.0 / 7, rel=0.1)
    assert binned.values.shape == (3, 35, 27)
    field = magnetogram_field(binned, layers=15)
    assert field.grid.shape == (35, 27, 15) and np.isfinite(field.values).all()
    assert field.about["length_scale"] == pytest.approx(34 * 7 * PIXEL / 2)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"BUNIT": "km/s"}, "the unit 'km/s', where Mx/cm\\^2 or Gauss is expected"),
        ({"BUNIT": None}, "no unit \\(BUNIT\\)"),
        ({"CDELT1": None}, "no size of a pixel in degrees \\(CDELT1, CUNIT1\\)"),
        ({"CUNIT2": "arcsec"}, "no size of a pixel in degrees \\(CDELT2, CUNIT2\\)"),
        ({"CDELT2": 0.0}, "CDELT2"),
        ({"CONTENT": "Bt"}, "Bp.fits: holds Bt, where Bp is asked for"),
    ],
)
def test_a_header_that_says_something_else(tmp_path, small, header, said):
    with pytest.raises(InputError, match=said) as error:
        read(write_sharp(tmp_path, small, **header))
    assert ".fits: " in str(error.value) and "\n" not in str(error.value)


def test_pixels_without_a_value(tmp_path, small):
    small[1, 3, 4] = np.nan
    with pytest.raises(InputError, match=r"Bt.fits: 1 of 12 x 9 pixels have no value \(NaN\)"):
        read(write_sharp(tmp_path, small))


def test_a_component_that_is_not_there(tmp_path, small):
    files = write_sharp(tmp_path, small)
    files["Br"].unlink()
    with pytest.raises(InputError, match=r"Br.fits: no such file: give the FITS file of the segment Br"):
        read(files)


def test_components_that_do_not_fit_together(tmp_path, small):
    files = write_sharp(tmp_path, small)
    (tmp_path / "other").mkdir()
    smaller = write_sharp(tmp_path / "other", small[:, :10])
    with pytest.raises(InputError, match=r"Br.fits: 10 x 9 pixels, but .*Bp.fits has 12 x 9"):
        read(files | {"Br": smaller["Br"]})
    (tmp_path / "coarser").mkdir()
    coarser = write_sharp(tmp_path / "coarser", small, CDELT1=0.06)
    with pytest.raises(InputError, match=r"Bt.fits: pixels of another size than those of"):
        read(files | {"Bt": coarser["Bt"]})
    with pytest.raises(InputError, match=r"Bt.fits: holds Bt, where Bp is asked for"):
        read(files | {"Bp": files["Bt"], "Bt": files["Bp"]})


@pytest.mark.parametrize(
    "content",
    [b"", b"no FITS at all", b"SIMPLE  =                    T" + b" " * 3000],
    ids=["empty", "text", "header"],
)
def test_a_file_that_is_no_image(tmp_path, small, content):
    files = write_sharp(tmp_path, small)
    files["Bp"].write_bytes(content)
    with pytest.raises(InputError, match=r"Bp.fits: ") as error:
        read(files)
    assert "\n" not in str(error.value)


def test_a_file_cut_short(tmp_path, small):
    files = write_sharp(tmp_path, np.tile(small, (1, 5, 5)))
    files["Bp"].write_bytes(files["Bp"].read_bytes()[:4000])
    with pytest.raises(InputError, match=r"Bp.fits: cannot be read as FITS") as error:
        read(files)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("binning", [0, -1, 5])
def test_a_binning_that_leaves_nothing(tmp_path, small, binning):
    with pytest.raises(InputError, match=rf"binning = {binning} of a magnetogram of 12 x 9 pixels: .* from 1 to 4"):
        read(write_sharp(tmp_path, small), binning=binning)


def test_a_box_of_one_layer(tmp_path, small):
    with pytest.raises(InputError, match="1 layers above a magnetogram: give at least 2"):
        magnetogram_field(read(write_sharp(tmp_path, small)), layers=1)


def test_six_faces_of_a_magnetogram_nobody_has(tmp_path, small):
    with pytest.raises(InputError, match="neumann needs a field on all six faces"):
        magnetogram_field(read(write_sharp(tmp_path, small)), method="neumann")


def test_without_astropy_its_extra_is_named(tmp_path, small, monkeypatch):
    files = write_sharp(tmp_path, small)
    truly = builtins.__import__

    def without(name, *rest):
        if name.startswith("astropy"):
            raise ImportError(name)
        return truly(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"needs the package astropy: pip install 'genarris_fw\[force_free\]'"):
        read(files)
