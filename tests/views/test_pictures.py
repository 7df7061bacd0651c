"""Pictures of pools: what the figures hold, the files, and the pool of a real database."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from command_line import call
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from scipy.spatial.distance import cdist
from shared_data import shared
from small_run import EXEMPLARS, IDS, KJ_PER_MOL, RUN, SPACE_GROUPS, crystal, energy

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal import Structure, read_folder
from genarris_fw.descriptors import write_matrix
from genarris_fw.errors import InputError
from genarris_fw.pictures import (
    classical_scaling,
    clustering_histograms,
    descriptor_map,
    energy_landscape,
    heat_map,
    histogram,
    order_by_cluster,
    pool_overview,
    principal_components,
    property_histogram,
    save,
    space_group_chart,
    values_of,
)
from genarris_fw.pictures.distances import block_means
from genarris_fw.pictures.histograms import MOST_BINS, bin_edges
from genarris_fw.pictures.style import CLUSTERS, CROWD
from genarris_fw.views.drawing import pool_pictures
from genarris_fw.views.gathering import gather

CRYSTALS = [crystal(number, name) for number, name in enumerate(IDS)]
POOL = {"pool": CRYSTALS, "exemplars": CRYSTALS[::3]}


def bars(figure: Figure) -> list[list[float]]:
    """Heights of the bars of every set."""
    return [[bar.get_height() for bar in container] for container in figure.axes[0].containers]


def points(figure: Figure) -> np.ndarray:
    """All points of the first axes."""
    drawn = [c.get_offsets() for c in figure.axes[0].collections if isinstance(c, PathCollection)]
    return np.concatenate([np.asarray(part) for part in drawn])


def words(figure: Figure) -> tuple[str, str]:
    axes = figure.axes[0]
    return axes.get_xlabel(), axes.get_ylabel()


def clustered(n: int, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors in clusters, their labels, and a row of each cluster."""
    rng = np.random.default_rng(n)
    labels = np.arange(n) % k
    return rng.normal(size=(k, 6))[labels] * 3 + rng.normal(size=(n, 6)), labels, np.arange(k)


# Histograms


def test_the_bars_are_the_counts_of_both_sets() -> None:
    values = {"pool": [100.0, 101, 111, 112, 113, 129.5], "exemplars": [101.0, 129.5]}
    figure = histogram(values, "cell volume (Å³)")
    pool, exemplars = bars(figure)
    assert (sum(pool), sum(exemplars)) == (6, 2)
    edges = bin_edges(np.array(values["pool"]))
    places = [bar.get_x() + bar.get_width() / 2 for bar in figure.axes[0].containers[0]]
    for place, height in zip(places, pool):
        low, high = place - (edges[1] - edges[0]) / 2, place + (edges[1] - edges[0]) / 2
        assert height == sum(low <= value < high for value in values["pool"])
    assert words(figure) == ("cell volume (Å³)", "structures")
    legend = figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["pool (6)", "exemplars (2)"]


def test_a_set_that_would_be_too_small_to_see_is_drawn_as_shares() -> None:
    rng = np.random.default_rng(0)
    figure = histogram({"pool": rng.normal(150, 10, 5000), "exemplars": rng.normal(150, 10, 50)}, "x")
    assert [sum(heights) for heights in bars(figure)] == pytest.approx([100, 100])
    assert words(figure)[1] == "share of the set (%)"


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_every_number_has_its_bin(values: list[float]) -> None:
    array = np.array(values)
    edges = bin_edges(array)
    assert 2 <= len(edges) <= MOST_BINS + 2 and np.ptp(np.diff(edges)) <= 1e-6 * (edges[-1] - edges[0])
    assert np.histogram(array, edges)[0].sum() == len(array)


def test_bins_are_of_round_width() -> None:
    rng = np.random.default_rng(0)
    for n, scale in itertools.product((10, 1000, 50000), (1e-3, 1.0, 300.0)):
        width = np.diff(bin_edges(scale * rng.normal(size=n)))[0]
        assert round(width / 10 ** np.floor(np.log10(width * 1.0001)), 6) in (1, 2, 5)


@pytest.mark.parametrize("values", [[150.0], [150.0, 150.0], [0.0], [7] * 5, [150.0, 150.00000000001]])
def test_identical_numbers_are_one_bar(values: list[float]) -> None:
    [heights] = bars(histogram({"pool": values}, "x"))
    assert heights == [len(values)]


def test_properties_have_their_units() -> None:
    figure = property_histogram(POOL, "volume_per_molecule")
    assert words(figure)[0] == "volume per molecule (Å³)"
    assert [sum(heights) for heights in bars(figure)] == [12, 4]
    np.testing.assert_allclose(values_of(CRYSTALS, "volume_per_molecule"), [s.cell_volume / 2 for s in CRYSTALS])
    assert words(property_histogram(POOL, "density"))[0] == "density (g/cm³)"
    np.testing.assert_allclose(values_of(CRYSTALS, "density"), [s.density for s in CRYSTALS])
    assert words(property_histogram(POOL, "number_of_atoms_in_molecule"))[0] == "atoms of a molecule"


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(InputError, match=r"no structure has a number 'enrgy'.*unit_cell_volume"):
        property_histogram(POOL, "enrgy")
    for sets in ({}, {"pool": []}, {"pool": [np.nan]}):
        with pytest.raises(InputError, match="x: "):
            histogram(sets, "x")
    with pytest.raises(InputError):
        property_histogram({"pool": []}, "density")
    molecule = Structure(None, ["C"], [[0, 0, 0]])
    with pytest.raises(InputError, match="density"):
        property_histogram({"pool": [molecule]}, "density")


# Space groups


def test_every_space_group_has_its_bar() -> None:
    groups = [14, 2, 14, 225, None, 61, 14]
    figure = space_group_chart({"pool": groups, "exemplars": [14, 225]})
    names = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert names == ["2", "14", "61", "225", "unknown"]
    assert bars(figure) == [[1, 3, 1, 1, 1], [0, 1, 0, 1, 0]]
    assert words(figure) == ("space group", "structures")


@pytest.mark.parametrize("number", [1, 10, 100, 230])
def test_the_numbers_of_the_groups_do_not_touch(number: int) -> None:
    figure = space_group_chart({"pool": range(1, number + 1)})
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].get_xticklabels()]
    assert len(boxes) == number
    assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(boxes))
    assert min(text.get_fontsize() for text in figure.axes[0].get_xticklabels()) >= 4.5


def test_what_is_no_space_group() -> None:
    for groups in ([231], [-1], [2.5]):
        with pytest.raises(InputError, match="no space group"):
            space_group_chart({"pool": groups})
    with pytest.raises(InputError, match="no structures"):
        space_group_chart({"pool": []})


# Energies


def test_the_landscape_is_relative_and_in_kilojoules() -> None:
    densities, energies = np.array([1.1, 1.2, 1.3, np.nan]), np.array([-10.0, -10.5, np.nan, -11.0])
    figure = energy_landscape(densities, energies, names=["a", "b", "c", "d"])
    np.testing.assert_allclose(np.unique(points(figure), axis=0), [[1.1, 0.5 * KJ_PER_MOL], [1.2, 0.0]])
    assert words(figure) == ("density (g/cm³)", "relative energy (kJ/mol per molecule)")
    assert [text.get_text() for text in figure.axes[0].texts] == ["b"]


def test_the_upper_part_of_a_landscape_can_be_cut_off() -> None:
    figure = energy_landscape([1.0, 1.1, 1.2], [0.0, 0.1, 2.0], up_to=50.0)
    assert points(figure)[:, 1].max() == pytest.approx(0.1 * KJ_PER_MOL)
    assert words(figure)[1].endswith("1 above are not drawn")


def test_exemplars_are_marked_in_the_landscape() -> None:
    figure = energy_landscape(np.linspace(1, 2, 12), np.linspace(0, 1, 12), chosen=[0, 3])
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == ["structures (10)", "exemplars (2)"]


def test_a_landscape_of_nothing() -> None:
    with pytest.raises(InputError, match="both an energy and a density"):
        energy_landscape([1.0, np.nan], [np.nan, 1.0])
    with pytest.raises(InputError, match="2 densities, but 1 energies"):
        energy_landscape([1.0, 1.1], [1.0])


# Projections and maps


def test_components_are_the_directions_of_largest_variance() -> None:
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    rows = rng.normal(size=(400, 5)) * [5, 3, 1, 0.5, 0.1] @ turn + 7
    found = principal_components(rows, normalize=False)
    variances = np.linalg.eigvalsh(np.cov(rows.T))[::-1]
    np.testing.assert_allclose(found.shares, variances[:2] / variances.sum())
    np.testing.assert_allclose(found.points.var(axis=0, ddof=1), variances[:2])
    assert all(column[np.argmax(np.abs(column))] > 0 for column in found.points.T)
    turned = principal_components(rows @ turn - 1, normalize=False)
    np.testing.assert_allclose(turned.points, found.points, atol=1e-9)
    order = rng.permutation(400)
    np.testing.assert_allclose(principal_components(rows[order], False).points, found.points[order], atol=1e-9)


@pytest.mark.parametrize("exact", [2000, 60])
def test_scaling_gives_back_a_plane(exact: int) -> None:
    """Points of a plane are found again from their distances, by landmarks too."""
    rng = np.random.default_rng(2)
    plane = rng.normal(size=(300, 2)) * [3, 1]
    found = classical_scaling(cdist(plane, plane), exact=exact)
    np.testing.assert_allclose(cdist(found.points, found.points), cdist(plane, plane), atol=1e-8)
    assert sum(found.shares) == pytest.approx(1)


def test_scaling_of_euclidean_distances_is_principal_components() -> None:
    rows, _, _ = clustered(80, 5)
    components = principal_components(rows, normalize=False)
    scaled = classical_scaling(cdist(rows, rows))
    np.testing.assert_allclose(scaled.points, components.points, atol=1e-8)
    np.testing.assert_allclose(scaled.shares, components.shares)
    assert scaled.labels[0] == f"coordinate of the distances 1 ({100 * scaled.shares[0]:.0f} % of the variance)"


def test_scaling_of_some_rows_of_a_file(tmp_path: Path) -> None:
    rows, _, _ = clustered(40, 4)
    distances = cdist(rows, rows).astype(np.float32)
    file = tmp_path / "d.dat"
    distances.tofile(file)
    some = np.array([7, 3, 30, 12, 25])
    mapped = np.memmap(file, np.float32, "r", shape=(40, 40))
    expected = classical_scaling(distances[np.ix_(some, some)])
    np.testing.assert_allclose(classical_scaling(mapped, some).points, expected.points)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_or_equal_points_have_a_place(n: int) -> None:
    for found in (
        principal_components(np.ones((n, 4))),
        classical_scaling(np.zeros((n, n))),
        principal_components(np.eye(3)[:n]),
        classical_scaling(1 - np.eye(n)),
    ):
        assert found.points.shape == (n, 2) and np.isfinite(found.points).all()
        assert 0 <= sum(found.shares) <= 1 + 1e-9


def test_vectors_and_distances_that_cannot_be_placed() -> None:
    with pytest.raises(InputError, match="differ in length"):
        principal_components([[1.0, 2.0], [1.0]])
    with pytest.raises(InputError, match="not finite"):
        principal_components([[1.0, np.nan]])
    with pytest.raises(InputError, match="no vectors"):
        principal_components([])
    for wrong in (np.zeros((0, 0)), np.zeros((2, 3))):
        with pytest.raises(InputError, match="not a square matrix"):
            classical_scaling(wrong)


def test_the_map_shows_every_structure_once_and_numbers_the_exemplars() -> None:
    rows, labels, exemplars = clustered(50, 12)
    projection = principal_components(rows)
    figure = descriptor_map(projection, labels, exemplars)
    np.testing.assert_allclose(np.unique(points(figure), axis=0), np.unique(projection.points, axis=0))
    assert len(points(figure)) == 50
    assert {text.get_text() for text in figure.axes[0].texts} == {str(k) for k in range(12)}
    assert words(figure) == projection.labels
    looks = {(tuple(c.get_facecolor()[0]), len(c.get_paths()[0])) for c in figure.axes[0].collections[1:]}
    assert len(looks) == 12 > len(CLUSTERS)


def test_the_map_coloured_by_a_number_has_a_scale() -> None:
    rows, labels, exemplars = clustered(20, 3)
    values = np.where(np.arange(20) < 15, np.arange(20.0), np.nan)
    figure = descriptor_map(principal_components(rows), labels, exemplars, values, "energy (eV)")
    assert len(points(figure)) == 20 and len(figure.axes) == 2
    assert figure.axes[1].get_ylabel() == "energy (eV)\n5 in grey have none"
    colored = [c for c in figure.axes[0].collections if c.get_array() is not None]
    assert all(c.get_clim() == (0, 14) for c in colored) and sum(len(c.get_array()) for c in colored) == 15


def test_a_map_without_clusters_and_one_that_does_not_fit() -> None:
    rows, labels, _ = clustered(20, 3)
    projection = principal_components(rows)
    assert len(points(descriptor_map(projection))) == 20
    with pytest.raises(InputError, match="20 points, but there are clusters"):
        descriptor_map(projection, labels[:5])
    with pytest.raises(InputError, match="no structure has this number"):
        descriptor_map(projection, values=np.full(20, np.nan))


def test_a_crowd_is_pixels(tmp_path: Path) -> None:
    n = 20 * CROWD
    rng = np.random.default_rng(0)
    projection = principal_components(rng.normal(size=(n, 3)))
    for figure in (
        descriptor_map(projection, np.arange(n) % 50, np.arange(50)),
        energy_landscape(rng.normal(1.2, 0.1, n), rng.normal(size=n)),
    ):
        [file] = save(figure, tmp_path / "crowd", ["svg"])
        assert file.stat().st_size < 2e6 and len(points(figure)) >= n


# The heat map


def shuffled() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distances, labels and exemplars of points on a line, in any order."""
    rng = np.random.default_rng(4)
    places = np.concatenate([10.0 * k + np.arange(6) ** 1.3 for k in range(3)])
    order = rng.permutation(18)
    labels = np.repeat([2, 0, 1], 6)[order]
    return cdist(places[order, None], places[order, None]), labels, np.flatnonzero(order % 6 == 0)


def test_clusters_are_blocks_and_exemplars_come_first() -> None:
    distances, labels, exemplars = shuffled()
    order = order_by_cluster(distances, labels, exemplars)
    assert sorted(order) == list(range(18))
    assert labels[order].tolist() == [0] * 6 + [1] * 6 + [2] * 6
    for k in range(3):
        members = order[6 * k : 6 * k + 6]
        assert members[0] in exemplars
        assert np.all(np.diff(distances[members[0], members]) > 0)
    figure = heat_map(distances, labels, exemplars)
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), distances[np.ix_(order, order)])
    assert sorted({line.get_ydata()[0] for line in axes.lines if line.get_xdata()[0] == 0}) == [6, 12]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["0", "1", "2"]
    assert figure.axes[1].get_ylabel() == "distance"


@pytest.mark.parametrize(("n", "most"), [(10, 10), (10, 4), (7, 3), (12, 1), (9, 2)])
def test_blocks_are_means(n: int, most: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(n)
    matrix = rng.random((n + 2, n + 2)).astype(np.float32)
    order = rng.permutation(n + 2)[:n]
    block = -(-n // most)
    sorted_matrix = matrix[np.ix_(order, order)].astype(float)
    parts = [slice(start, start + block) for start in range(0, n, block)]
    expected = [[sorted_matrix[a, b].mean() for b in parts] for a in parts]
    matrix.tofile(tmp_path / "m.dat")
    mapped = np.memmap(tmp_path / "m.dat", np.float32, "r", shape=matrix.shape)
    np.testing.assert_allclose(block_means(mapped, order, most), expected, rtol=1e-12)


def test_strips_make_no_difference() -> None:
    matrix = np.random.default_rng(0).random((50, 50))
    order = np.random.default_rng(1).permutation(50)
    whole = block_means(matrix, order, 20)
    for strip in (1, 400, 2000):
        np.testing.assert_array_equal(block_means(matrix, order, 20, strip), whole)


def test_a_large_matrix_becomes_a_picture_of_a_thousand_pixels() -> None:
    labels = np.repeat(np.arange(10), 130)
    places = labels[:, None] + np.linspace(0, 0.1, 1300)[:, None]
    image = heat_map(cdist(places, places), labels).axes[0].images[0].get_array()
    assert image.shape == (650, 650)


def test_a_heat_map_that_does_not_fit() -> None:
    with pytest.raises(InputError, match="not a square"):
        heat_map(np.zeros((2, 3)), [0, 0])
    with pytest.raises(InputError, match="3 clustered structures, but 2 rows"):
        heat_map(np.zeros((2, 2)), [0, 0, 0])
    with pytest.raises(InputError):
        heat_map(np.zeros((0, 0)), [])


# Files


def small_pictures() -> dict[str, Figure]:
    """One picture of every kind; the overview holds four."""
    rows, labels, exemplars = clustered(12, 4)
    volumes = {name: values_of(chosen, "volume_per_molecule") for name, chosen in POOL.items()}
    groups = {name: [s.properties["spg"] for s in chosen] for name, chosen in POOL.items()}
    projection = principal_components(rows)
    return {
        "landscape": energy_landscape(values_of(CRYSTALS, "density"), np.arange(12.0), exemplars, IDS),
        "map": descriptor_map(projection, labels, exemplars, np.arange(12.0), "energy (eV)"),
        "overview": pool_overview(volumes, groups, projection, labels, exemplars, cdist(rows, rows)),
    }


def test_the_same_picture_is_the_same_file(tmp_path: Path) -> None:
    formats = {"landscape": ("png", "svg", "pdf"), "map": ("png", "svg"), "overview": ("png", "svg")}
    for name, figure in small_pictures().items():
        first = save(figure, tmp_path / "first" / name, formats[name])
        assert [file.name for file in first] == [f"{name}.{ending}" for ending in formats[name]]
    for name, figure in small_pictures().items():
        for ending in reversed(formats[name]):  # in another order, one by one
            save(figure, tmp_path / "second" / name, [ending])
    files = sorted((tmp_path / "first").iterdir())
    assert len(files) == 7 and sorted(f.name for f in (tmp_path / "second").iterdir()) == [f.name for f in files]
    for file in files:
        assert file.read_bytes() == (tmp_path / "second" / file.name).read_bytes(), file.name
    assert (tmp_path / "first" / "map.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    svg = (tmp_path / "first" / "landscape.svg").read_text()
    assert svg.rstrip().endswith("</svg>") and "density (g/cm³)" in svg and "<dc:date>" not in svg


def test_an_interrupted_picture_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Figure, path: Path, **_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    figure = property_histogram(POOL, "density")
    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(OSError, match="No space"):
        save(figure, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_formats_and_the_users_settings(tmp_path: Path) -> None:
    with matplotlib.rc_context({"font.size": 33, "axes.spines.top": True}):
        before = dict(matplotlib.rcParams)
        [loud] = save(property_histogram(POOL, "density"), tmp_path / "loud", ["svg"])
        assert dict(matplotlib.rcParams) == before
    [quiet] = save(property_histogram(POOL, "density"), tmp_path / "quiet", ["svg", "svg"])
    assert loud.read_bytes() == quiet.read_bytes()
    for wrong in ([], ["gif"]):
        with pytest.raises(InputError, match="the formats are png, svg, pdf"):
            save(property_histogram(POOL, "density"), tmp_path / "x", wrong)


def test_pyplot_knows_nothing_of_it() -> None:
    from matplotlib import pyplot

    small_pictures()
    assert pyplot.get_fignums() == []


# The manual's plot_histograms


def test_the_manuals_names_and_options(tmp_path: Path) -> None:
    written = clustering_histograms(CRYSTALS, CRYSTALS[::3], tmp_path)
    assert [file.name for file in written] == ["raw_pool_volume_histogram.pdf", "raw_pool_spg_bar_chart.pdf"]
    written = clustering_histograms(
        CRYSTALS,
        CRYSTALS[::3],
        tmp_path,
        prop="density",
        prop_figname="own/densities.svg",
        prop_xlabel="ρ",
        prop_ylabel="Counts",
        prop_figure_size=(12, 8),
        prop_label_size=24,
        prop_tick_size=18,
        prop_tick_width=3,
        spg_bar_chart_fname="groups",
        spg_bar_width=0.5,
        spg_bar_xlabel="Allowed space groups",
        spg_bar_ylabel="Count",
        spg_bar_title="Groups",
        spg_bar_tick_rotation="vertical",
        formats=["svg"],
    )
    assert written == [tmp_path / "own" / "densities.svg", tmp_path / "groups.svg"]
    densities, groups = (file.read_text() for file in written)
    assert all(word in densities for word in (">ρ<", ">Counts<", "24px", "18px", 'width="864pt"'))
    assert all(word in groups for word in ("Allowed space groups", ">Count<", ">Groups<", "rotate(-90"))


def test_the_manuals_options_that_cannot_be_used(tmp_path: Path) -> None:
    for option, value, message in (
        ("prop", "enrgy", "no structure has a number 'enrgy'"),
        ("prop_figure_size", "large", "two numbers from 1 to 40"),
        ("prop_figure_size", [12], "two numbers from 1 to 40"),
        ("prop_figure_size", [0, 8], "two numbers from 1 to 40"),
        ("spg_bar_width", 0.0, "above 0, at most 1"),
        ("spg_bar_tick_rotation", "askew", "degrees, vertical or horizontal"),
    ):
        with pytest.raises(InputError, match=message):
            clustering_histograms(CRYSTALS, [], tmp_path, **{option: value})
    with pytest.raises(InputError, match="no structures"):
        clustering_histograms([], [], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("n", [1, 2])
def test_tiny_pools(n: int, tmp_path: Path) -> None:
    some = CRYSTALS[:n]
    clustering_histograms(some, some[:1], tmp_path)
    projection, labels = principal_components(np.eye(3)[:n]), np.zeros(n, dtype=int)
    volumes, groups = {"pool": values_of(some, "density")}, {"pool": [s.properties["spg"] for s in some]}
    figure = pool_overview(volumes, groups, projection, labels, [0], 1 - np.eye(n))
    assert len(save(figure, tmp_path / "tiny", ["svg"])) == 1


def test_the_tutorials_pool() -> None:
    structures = read_folder(shared("benzene_tutorial/raw_jsons"))
    figure = space_group_chart({"pool": [s.properties["spg"] for s in structures]})
    counts = Counter(int(s.properties["spg"]) for s in structures)
    names = [int(text.get_text()) for text in figure.axes[0].get_xticklabels()]
    assert dict(zip(names, bars(figure)[0])) == counts and sum(counts.values()) == 89
    volumes = values_of(structures, "volume_per_molecule")
    assert 95 < volumes.min() < volumes.max() < 150
    [heights] = bars(property_histogram({"pool": structures}, "volume_per_molecule"))
    assert sum(heights) == 89 and len(heights) > 8


# A pool of the catalogue


def left_out(pictures: list) -> dict[str, str]:
    return {picture.name: picture.left_out for picture in pictures if not picture.files}


def test_all_that_the_small_run_allows(catalogue: Catalogue, tmp_path: Path) -> None:
    pictures = pool_pictures(catalogue, RUN, "raw", tmp_path / "pictures")
    assert left_out(pictures) == {}
    names = [picture.name for picture in pictures]
    assert names == [
        "volumes",
        "densities",
        "space_groups",
        "energy_landscape",
        "map_by_cluster",
        "distances_by_cluster",
        "overview",
    ]
    files = sorted(file.name for file in (tmp_path / "pictures").iterdir())
    assert files == sorted(f"raw_{name}.{ending}" for name in names for ending in ("png", "svg"))
    volumes = (tmp_path / "pictures" / "raw_volumes.svg").read_text()
    assert "pool (12)" in volumes and "exemplars (4)" in volumes and "volume per molecule (Å³)" in volumes


def test_what_is_read_of_a_pool(catalogue: Catalogue) -> None:
    pool = gather(catalogue, RUN, "raw")
    assert pool.ids == IDS and pool.labels is not None and pool.labels.tolist() == [i // 3 for i in range(12)]
    assert [IDS[row] for row in pool.exemplars] == EXEMPLARS
    np.testing.assert_allclose(pool.vectors, [[0.1 * i, 1.0] for i in range(12)])
    assert pool.energies is not None and np.isfinite(pool.energies).sum() == 4
    assert pool.energies[3] == pytest.approx(energy(1))
    assert pool.relative_energies()[0] == pytest.approx((energy(0) - energy(3)) * KJ_PER_MOL)
    assert Counter(pool.property("spg")) == dict.fromkeys(SPACE_GROUPS, 3)


def test_the_newest_clustering_that_covers_the_pool(catalogue: Catalogue) -> None:
    steps = catalogue.runs.get(RUN)["options"]["steps"]
    again = {"property_key": "AP_cluster_2", "exemplar_key": "AP_exemplar_2"}
    steps.append({"name": "affinity_propagation_fixed_clusters_2", "options": again})
    catalogue.runs.set(RUN, **{"options.steps": steps})
    fields = {"properties.AP_cluster_2": 0, "properties.AP_exemplar_2": EXEMPLARS[2]}
    catalogue.structures.set_fields(RUN, "second", [(name, fields, 0) for name in EXEMPLARS])
    pool = gather(catalogue, RUN, "exemplars")
    assert pool.labels is not None and pool.labels.tolist() == [0] * 4 and pool.exemplars.tolist() == [2]
    whole = gather(catalogue, RUN, "raw")
    assert whole.labels is not None and whole.labels.max() == 3


def test_the_clustering_that_made_the_pool_comes_before_a_newer_one(catalogue: Catalogue) -> None:
    steps = catalogue.runs.get(RUN)["options"]["steps"]
    first = next(step["options"] for step in steps if step["options"].get("output_pool") == "clusters")
    first |= {"property_key": "AP_cluster", "exemplar_key": "AP_exemplar", "matrix_step": "run_rdf_calc"}
    second = {"output_pool": "again", "property_key": "AP_cluster_2", "exemplar_key": "AP_exemplar_2"}
    steps.append({"name": "affinity_propagation_fixed_clusters_2", "options": second | {"matrix_step": "rcd"}})
    catalogue.runs.set(RUN, **{"options.steps": steps})
    fields = {"properties.AP_cluster_2": 0, "properties.AP_exemplar_2": IDS[0]}
    catalogue.structures.set_fields(RUN, "second", [(name, fields, 0) for name in IDS])
    catalogue.structures.add_to_pool(RUN, "clusters", IDS)
    catalogue.structures.add_to_pool(RUN, "again", IDS)
    for name, clusters, step in (("clusters", 4, "run_rdf_calc"), ("again", 1, "rcd"), ("raw", 1, "rcd")):
        pool = gather(catalogue, RUN, name)
        assert (len(set(pool.labels)), pool.matrix_step) == (clusters, step)


@pytest.mark.parametrize("field", ["engine", "engine_version", "settings_hash"])
def test_energies_of_another_engine_version_or_settings_are_not_compared(catalogue: Catalogue, field: str) -> None:
    query = {"struct_id": EXEMPLARS[3]}
    catalogue.structures.collection.update_one(query, {"$set": {f"energies.energy.{field}": "other"}})
    energies = gather(catalogue, RUN, "exemplars").energies
    assert energies is not None and np.isfinite(energies).tolist() == [True, True, True, False]


def test_the_stored_matrix_is_drawn(catalogue: Catalogue, tmp_path: Path) -> None:
    """A matrix of more structures, in another order, found through the record of the newest step that has one."""
    ids = [*IDS[::-1], "another"]
    rng = np.random.default_rng(0)
    places = rng.normal(size=(13, 2))
    matrix = cdist(places, places)
    write_matrix(tmp_path / "d.dat", matrix, ids)
    step = "pygenarris_structure_generation"
    catalogue.artifacts.record(RUN, f"{step}.distances", tmp_path / "d.dat", ids=ids, shape=[13, 13])
    few = "affinity_propagation_fixed_clusters.distances"
    catalogue.artifacts.record(RUN, few, tmp_path / "d.dat", ids=EXEMPLARS, shape=[4, 4])
    catalogue.structures.collection.update_many({}, {"$unset": {"properties.RDF": 1}})
    pictures = pool_pictures(catalogue, RUN, "raw", tmp_path / "out", ["svg"])
    assert left_out(pictures) == {}
    assert "coordinate of the distances 1 (" in (tmp_path / "out" / "raw_map_by_cluster.svg").read_text()
    (tmp_path / "d.dat").unlink()
    gone = left_out(pool_pictures(catalogue, RUN, "raw", tmp_path / "out", ["svg"]))
    assert set(gone) == {"map_by_cluster", "distances_by_cluster", "overview"}
    assert gone["map_by_cluster"] == "no descriptor, and no distance matrix"


def test_a_pool_of_bare_crystals(catalogue: Catalogue, tmp_path: Path) -> None:
    names = ("RDF", "AP_cluster", "AP_exemplar", "spg")
    changes = {"$unset": {"energies": 1} | {f"properties.{name}": 1 for name in names}, "$set": {"Z": 0}}
    catalogue.structures.collection.update_many({}, changes)
    pictures = pool_pictures(catalogue, RUN, "raw", tmp_path, ["svg"])
    assert left_out(pictures) == {
        "space_groups": "no structure has a space group",
        "energy_landscape": "no energies",
        "map": "no descriptor, and no distance matrix",
        "distances_by_cluster": "not clustered",
        "overview": "not clustered",
    }
    assert "cell volume (Å³)" in (tmp_path / "raw_volumes.svg").read_text()


def test_colours_of_the_map(catalogue: Catalogue, tmp_path: Path) -> None:
    pool_pictures(catalogue, RUN, "clusters", tmp_path, ["svg"], "energy")
    by_energy = (tmp_path / "clusters_map_by_energy.svg").read_text()
    assert "relative energy (kJ/mol per molecule)" in by_energy and "8 in grey have none" in by_energy
    names = [p.name for p in pool_pictures(catalogue, RUN, "relaxed", tmp_path, ["svg"], "attempted_spg")]
    assert {"map_by_attempted_spg", "attempted_spg"} <= set(names)
    assert (tmp_path / "relaxed_attempted_spg.svg").exists()


# The command


def test_the_command(
    catalogue: Catalogue, database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    catalogue.structures.collection.update_many({}, {"$unset": {"energies": 1}})
    to = ("--output", tmp_path / "out", "--uri", database_uri)
    done = call(capsys, "pictures", RUN, "--pool", "relaxed", "--format", "PNG", *to)
    assert (done.code, done.err) == (0, "")
    first, *others = done.out.splitlines()
    assert first == f"pool 'relaxed' of run 'urea': 3 pictures in {tmp_path / 'out'}"
    assert others[0] == "left out: energy_landscape (no energies)" and len(others) == 4
    names = ["densities", "space_groups", "volumes"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [f"relaxed_{name}.png" for name in names]
    about = call(capsys, "pictures", RUN, "--pool", "relaxed", "--format", "svg", "--json", *to).json
    assert about["left_out"]["energy_landscape"] == "no energies" and sorted(about["pictures"]) == names
    assert about["pictures"]["volumes"] == [str(tmp_path / "out" / "relaxed_volumes.svg")]


def test_the_last_pool_into_a_folder_of_its_name(
    catalogue: Catalogue,
    database_uri: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call(capsys, "pictures", RUN, "--format", "svg", "--uri", database_uri)
    assert done.code == 0 and done.out.startswith("pool 'relaxed' of run 'urea': ")
    assert (tmp_path / "pictures" / "relaxed" / "relaxed_energy_landscape.svg").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nobody"], "no run 'nobody' in this database; runs here: urea"),
        (
            [RUN, "--pool", "rwa"],
            "no pool 'rwa' in run 'urea' (did you mean 'raw'?); its pools: clusters, energies, exemplars, raw, relaxed",
        ),
        ([RUN, "--format", "gif"], "unknown picture format 'gif'; the formats are png, svg, pdf"),
        ([RUN, "--format", ","], "unknown picture format ''"),
        ([RUN, "--pool", "raw", "--color-by", "colour"], "no structure has a number 'colour' among its properties; "),
        ([RUN, "--color-by", "cluster"], "pool 'relaxed' cannot be coloured by cluster: not clustered"),
    ],
)
def test_what_is_not_there_is_one_line(
    catalogue: Catalogue,
    words: list[str],
    message: str,
    database_uri: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = call(capsys, "pictures", *words, "--output", tmp_path / "out", "--uri", database_uri)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"genarris-fw: {message}") and len(done.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written(
    catalogue: Catalogue, database_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    done = call(capsys, "pictures", RUN, "--pool", "raw", "--output", file, "--uri", database_uri)
    assert done.code == 2 and str(file) in done.err and len(done.err.splitlines()) == 1
