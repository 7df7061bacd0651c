"""A modeller's tables: every form that may be read, and what is wrong with one said in a line."""

import builtins
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genarris_fw.errors import InputError
from genarris_fw.studies.trips.model import memory
from genarris_fw.studies.trips.model.names import Names
from genarris_fw.studies.trips.tables.cells import placed, read_cells
from genarris_fw.studies.trips.tables.costs import CostFiles, read_costs
from genarris_fw.studies.trips.tables.problems import read_observed, read_problem, read_scenario
from genarris_fw.studies.trips.tables.writing import write_trips

AXES = ("category", "origin", "destination")
# Two categories, two origins, three destinations: costs[n, o, d].
COSTS = np.array([[[1.0, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]])
NAMES = Names(("poor", "rich"), ("a", "b"), ("x", "y", "z"))
LONG = "category,origin,destination,cost\n" + "".join(
    f"{NAMES.categories[n]},{NAMES.origins[o]},{NAMES.destinations[d]},{COSTS[n, o, d]}\n"
    for n, o, d in np.ndindex(COSTS.shape)
)
FORMS = {
    "long": LONG,
    "with semicolons, blanks, quotes and further columns": LONG.replace(",", " ; ")
    .replace("cost\n", "cost;remark\n")
    .replace(".0\n", '.0;"the ""old"" road; 7"\n'),
    "saved by a spreadsheet": "\ufeff" + LONG.replace("\n", "\r\n") + ",,,\r\n\r\n",
    "destinations as columns": "category\torigin\tx\ty\tz\n"
    "poor\ta\t1\t2\t3\npoor\tb\t4\t5\t6\nrich\ta\t7\t8\t9\nrich\tb\t10\t11\t12\n",
    "categories as columns": "destination,origin,poor,rich\nx,a,1,7\ny,a,2,8\nz,a,3,9\nx,b,4,10\ny,b,5,11\nz,b,6,12\n",
}
TOTALS = {
    "origins.csv": "category,origin,trips\npoor,a,10\npoor,b,20\nrich,b,40\nrich,a,30\n",
    "destinations.csv": "destination,trips\nz,50\nx,20\ny,30\n",
    "mean_costs.csv": "category,mean_cost\nrich,9.5\npoor,3.5\n",
}


@pytest.fixture
def folder(tmp_path):
    for name, text in {"costs.csv": LONG, **TOTALS}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def problem_in(folder, scaled=None, empty_left_out=False, **options):
    totals = (folder / f"{name}.csv" for name in ("origins", "destinations", "mean_costs"))
    costs_from = CostFiles(folder / "costs.csv", **options)
    return read_problem(costs_from, *totals, scaled=scaled, empty_left_out=empty_left_out)


@pytest.mark.parametrize("form", FORMS)
def test_costs_in_every_form(form, folder):
    (folder / "costs.csv").write_text(FORMS[form])
    problem = problem_in(folder)
    assert np.array_equal(problem.costs, COSTS) and problem.allowed is None
    assert problem.names == NAMES
    assert np.array_equal(problem.origins, [[10, 20], [30, 40]])
    assert np.array_equal(problem.destinations, [20, 30, 50])
    assert np.array_equal(problem.mean_costs, [3.5, 9.5])


def test_a_matrix_for_each_category_or_one_for_all(folder):
    for category, matrix in zip(NAMES.categories, COSTS):
        rows = [",".join(map(str, [origin, *row])) for origin, row in zip(NAMES.origins, matrix)]
        (folder / f"{category}.csv").write_text("\n".join(["origin,x,y,z", *rows]))
    found = read_costs(CostFiles({category: folder / f"{category}.csv" for category in NAMES.categories}))
    assert np.array_equal(found.values, COSTS) and found.names == NAMES
    (folder / "costs.csv").write_text((folder / "poor.csv").read_text())
    shared = problem_in(folder)
    assert shared.names.categories == ("rich", "poor")  # as the mean costs have them
    assert np.array_equal(shared.costs, [COSTS[0], COSTS[0]]) and np.array_equal(shared.origins, [[30, 40], [10, 20]])
    assert read_costs(CostFiles(folder / "costs.csv")).names.categories == ("all",)


def test_origins_with_categories_as_columns(folder):
    (folder / "origins.csv").write_text("origin,rich,poor\nb,40,20\na,30,10\n")
    assert np.array_equal(problem_in(folder).origins, [[10, 20], [30, 40]])


def test_parquet_is_csv_with_types(folder):
    pandas = pytest.importorskip("pandas", reason="parquet is written by pandas and pyarrow")
    pytest.importorskip("pyarrow", reason="parquet is written by pandas and pyarrow")
    text = LONG.replace(",a,", ",7,").replace(",b,", ",08,")
    (folder / "costs.csv").write_text(text)
    frame = pandas.read_csv(folder / "costs.csv")
    assert frame["origin"].dtype.kind == "i"  # zones are often numbers
    frame.to_parquet(folder / "costs.parquet")
    found = read_costs(CostFiles(folder / "costs.parquet"))
    assert np.array_equal(found.values, COSTS)
    assert found.names == Names(NAMES.categories, ("7", "8"), NAMES.destinations)
    frame.replace({"origin": {7: 2**60 + 1, 8: 2**60 + 2}}).to_parquet(folder / "costs.parquet")
    assert read_costs(CostFiles(folder / "costs.parquet")).names.origins == (str(2**60 + 1), str(2**60 + 2))
    frame.astype({"origin": float}).to_parquet(folder / "costs.parquet")
    assert read_costs(CostFiles(folder / "costs.parquet")).names.origins == ("7", "8")
    frame.loc[3, "cost"] = np.nan
    frame.to_parquet(folder / "costs.parquet")
    with pytest.raises(InputError, match="1 pairs have no cost, such as from 8 to x"):
        read_costs(CostFiles(folder / "costs.parquet"))
    frame.loc[3, "cost"] = -1.0
    frame.to_parquet(folder / "costs.parquet")
    with pytest.raises(InputError, match=r"costs.parquet, row 4, column cost: -1: give a number of at least 0"):
        read_costs(CostFiles(folder / "costs.parquet"))


def test_pairs_between_which_nobody_travels(folder):
    (folder / "costs.csv").write_text(LONG.replace("poor,b,y,5.0\n", "").replace("rich,b,z,12.0", "rich,b,z,"))
    with pytest.raises(InputError, match=r"2 pairs have no cost, such as from b to y \(category poor\)"):
        problem_in(folder)
    allowed = np.ones(COSTS.shape, bool)
    allowed[0, 1, 1] = allowed[1, 1, 2] = False
    found = problem_in(folder, missing_forbidden=True)
    assert np.array_equal(found.allowed, allowed)
    assert np.array_equal(found.costs, np.where(allowed, COSTS, 0.0))
    (folder / "forbidden.csv").write_text("origin,destination\na,x\nb,x\n")
    with pytest.raises(InputError, match="destination x: 20 trips end there"):
        problem_in(folder, missing_forbidden=True, forbidden=folder / "forbidden.csv")
    (folder / "forbidden.csv").write_text("category,origin,destination\npoor,a,x\nrich,b,x\n")
    allowed[0, 0, 0] = allowed[1, 1, 0] = False
    found = problem_in(folder, missing_forbidden=True, forbidden=folder / "forbidden.csv")
    assert np.array_equal(found.allowed, allowed)


def test_no_trips_within_a_zone(tmp_path):
    (tmp_path / "costs.csv").write_text("origin,a,c,b\na,1,2,3\nb,4,5,6\n")
    found = read_costs(CostFiles(tmp_path / "costs.csv", within_zones=False))
    assert np.array_equal(found.allowed, [[[False, True, True], [True, True, False]]])


def test_totals_that_do_not_add_up_are_refused_or_scaled(folder):
    (folder / "destinations.csv").write_text(TOTALS["destinations.csv"].replace("50", "150"))
    with pytest.raises(InputError, match=r"origins.csv and .*destinations.csv: 100 trips begin and 200 end"):
        problem_in(folder)
    assert np.allclose(problem_in(folder, scaled="origins").origins, [[20, 40], [60, 80]])
    assert np.allclose(problem_in(folder, scaled="destinations").destinations, [10, 15, 75])


def test_an_observed_matrix_gives_all_totals(folder):
    (folder / "trips.csv").write_text(
        "category,origin,destination,trips\nrich,b,z,6\nrich,b,y,2\npoor,a,x,1\npoor,b,y,3\nrich,a,x,0.5\n"
    )
    found = read_observed(CostFiles(folder / "costs.csv"), folder / "trips.csv")
    assert found.trips.sum() == 12.5 and found.trips[1, 1, 2] == 6 and found.trips[0, 0, 0] == 1
    assert np.array_equal(found.problem.origins, [[1, 3], [0.5, 8]])
    assert np.array_equal(found.problem.destinations, [1.5, 5, 6])
    assert np.allclose(found.problem.mean_costs, [(1 + 3 * 5) / 4, (0.5 * 7 + 6 * 12 + 2 * 11) / 8.5])
    (folder / "forbidden.csv").write_text("origin,destination\nb,y\n")
    with pytest.raises(InputError, match=r"trips.csv: 3 trips from b to y of category poor, where nobody may travel"):
        read_observed(CostFiles(folder / "costs.csv", forbidden=folder / "forbidden.csv"), folder / "trips.csv")
    (folder / "trips.csv").write_text("category,origin,destination,trips\nrich,b,z,6\nrich,a,x,1\nrich,a,y,1\n")
    with pytest.raises(InputError, match="no trips of category poor"):
        read_observed(CostFiles(folder / "costs.csv"), folder / "trips.csv")


def test_zones_without_trips_are_named_or_left_out(folder):
    """Costs are known of all zones, trips were observed from some."""
    (folder / "trips.csv").write_text(
        "category,origin,destination,trips\nrich,b,z,6\nrich,b,x,2\npoor,b,x,1\npoor,b,z,3\n"
    )
    (folder / "forbidden.csv").write_text("category,origin,destination\npoor,a,y\npoor,a,x\n")
    files = CostFiles(folder / "costs.csv", forbidden=folder / "forbidden.csv")
    with pytest.raises(InputError, match="origin a: no trips begin there"):
        read_observed(files, folder / "trips.csv")
    found = read_observed(files, folder / "trips.csv", empty_left_out=True)
    assert found.problem.names == Names(NAMES.categories, ("b",), ("x", "z")) and found.problem.allowed is None
    assert np.array_equal(found.problem.costs, COSTS[:, 1:, ::2])
    assert np.array_equal(found.trips, [[[1, 3]], [[2, 6]]])
    assert np.allclose(found.problem.mean_costs, [(4 + 3 * 6) / 4, (2 * 10 + 6 * 12) / 8])
    (folder / "destinations.csv").write_text("destination,trips\nx,40\ny,0\nz,60\n")
    assert problem_in(folder, empty_left_out=True).names.destinations == ("x", "z")


def test_written_trips_are_read_again_without_zeros(folder):
    trips = np.random.default_rng(0).uniform(0.0, 5.0, COSTS.shape)
    trips[0, 0, 1] = trips[1, 1, 2] = 0.0
    assert write_trips(folder / "trips.csv", trips, NAMES) == 10
    assert len((folder / "trips.csv").read_text().splitlines()) == 11
    found = read_observed(CostFiles(folder / "costs.csv"), folder / "trips.csv")
    assert np.array_equal(found.trips, trips)  # to the last digit
    assert write_trips(folder / "trips.csv", trips, NAMES, least=2.5) == (trips > 2.5).sum()


def test_a_scenario_needs_no_mean_costs(folder):
    files = CostFiles(folder / "costs.csv"), folder / "origins.csv"
    scenario = read_scenario(*files, folder / "destinations.csv", NAMES.categories)
    assert np.array_equal(scenario.destinations, [20, 30, 50]) and scenario.names == NAMES
    assert read_scenario(*files, None, NAMES.categories).destinations is None


WRONG = {
    "no number": ("costs.csv", "poor,a,y,2.0", "poor,a,y,two", "costs.csv, line 3, column cost: 'two' is no number"),
    "a decimal comma": (
        "costs.csv",
        "poor,a,y,2.0",
        'poor,a,y,"2,0"',
        "line 3, column cost: '2,0' is no number (write",
    ),
    "a negative cost": (
        "costs.csv",
        "poor,a,y,2.0",
        "poor,a,y,-2",
        "costs.csv, line 3, column cost: -2: give a number",
    ),
    "NaN": ("costs.csv", "poor,a,y,2.0", "poor,a,y,nan", "costs.csv, line 3, column cost: nan: give a number"),
    "an infinite cost": ("costs.csv", "poor,a,y,2.0", "poor,a,y,1e999", "line 3, column cost: inf: give a number"),
    "no name": ("costs.csv", "poor,a,y,2.0", "poor,,y,2.0", "costs.csv, line 3, column origin: is empty"),
    "a cell too many": (
        "costs.csv",
        "poor,a,y,2.0",
        "poor,a,y,2,0",
        "costs.csv, line 3: 5 cells, where the header has 4",
    ),
    "a value twice": (
        "costs.csv",
        "poor,a,y,2.0",
        "poor,a,x,2.0",
        "line 3, column cost: a second value of the same cat",
    ),
    "an open quote": ("costs.csv", "poor,a,y,2.0", 'poor,a,"y,2.0', "costs.csv, line 13: cannot be read as CSV"),
    "other columns": (
        "costs.csv",
        "category,origin",
        "category,from",
        "has the columns category, from, destination, cost",
    ),
    "a column twice": ("costs.csv", "category,origin", "origin,origin", "two columns are called origin"),
    "a column without name": ("costs.csv", "category,origin", "category,", "column 2 has no name"),
    "an unknown origin": (
        "origins.csv",
        "poor,b",
        "poor,c",
        "origins.csv, line 3, column trips: the origin 'c' is in no",
    ),
    "an unknown category": (
        "origins.csv",
        "poor,b",
        "old,b",
        "line 3, column trips: the category 'old' is in no other",
    ),
    "no total of an origin": ("origins.csv", "poor,b,20\n", "", "origins.csv: no value of category poor, origin b"),
    "no categories": ("origins.csv", "category,", "group,", "no column category, and there are several: poor, rich"),
    "no mean cost": ("mean_costs.csv", "poor,3.5\n", "", "mean_costs.csv: no value of category poor"),
    "an empty destination": ("destinations.csv", "z,50\nx,20", "z,70\nx,0", "destination x: no trips end there"),
    "no rows": ("destinations.csv", "\nz,50\nx,20\ny,30", "", "destinations.csv: a table without rows"),
    "no trips": (
        "origins.csv",
        "10\npoor,b,20\nrich,b,40\nrich,a,30",
        "0\npoor,b,0\nrich,b,0\nrich,a,0",
        "0 trips begin",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_file_row_and_column(case, folder):
    name, good, bad, said = WRONG[case]
    text = (folder / name).read_text()
    assert good in text
    (folder / name).write_text(text.replace(good, bad, 1))
    with pytest.raises(InputError) as error:
        problem_in(folder)
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        (b"", "a table without rows"),
        (b"\x1f\x8b\x08", "is compressed"),
        (b"a\0b", "not a text"),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_files_that_are_no_tables(content, said, ending, tmp_path):
    path = tmp_path / f"costs.{ending}"
    if content is not None:
        path.write_bytes(content)
    if ending == "parquet":
        pytest.importorskip("pyarrow", reason="reads parquet")
        said = said if content is None else "cannot be read as Parquet"
    with pytest.raises(InputError, match=f"costs.{ending}.*{said}") as error:
        read_costs(CostFiles(path))
    assert "\n" not in str(error.value)


def test_a_folder_is_no_table(tmp_path):
    for ending in ("csv", "parquet"):
        (tmp_path / f"costs.{ending}").mkdir()
        with pytest.raises(InputError, match=r"costs.*is (a folder|no ordinary file)"):
            read_costs(CostFiles(tmp_path / f"costs.{ending}"))


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"genarris_fw\[dataframes\]"):
        read_costs(CostFiles(tmp_path / "costs.parquet"))


def test_forbidden_pairs_are_known_ones(folder):
    for text, said in (
        ("origin,to\na,x\n", "forbidden.csv: no column destination"),
        (
            "origin,destination\na,x\na,q\n",
            "forbidden.csv, line 3, column destination: the destination 'q' has no costs",
        ),
    ):
        (folder / "forbidden.csv").write_text(text)
        with pytest.raises(InputError, match=said):
            problem_in(folder, forbidden=folder / "forbidden.csv")


NAME = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cf")), min_size=1, max_size=4)
CELLS = st.floats(0.0, 1e12)


@given(names=st.tuples(*[st.lists(NAME, min_size=1, max_size=3, unique=True).map(tuple)] * 3), data=st.data())
def test_any_names_and_numbers_survive_a_file(tmp_path_factory, names, data):
    names = Names(*names)
    count = math.prod(names.shape)
    trips = np.array(data.draw(st.lists(CELLS, min_size=count, max_size=count))).reshape(names.shape)
    path = tmp_path_factory.getbasetemp() / "any.csv"
    rows = write_trips(path, trips, names)
    if rows == 0:
        with pytest.raises(InputError, match="a table without rows"):
            read_cells(path, "trips", AXES)
        return
    index = {axis: getattr(names, f"{axis}s".replace("ys", "ies")) for axis in AXES}
    assert np.array_equal(np.nan_to_num(placed(read_cells(path, "trips", AXES), index)), trips)


def test_memory_is_said_before_it_is_taken(folder, monkeypatch):
    monkeypatch.setattr(memory, "memory_here", lambda: 6500)
    with pytest.raises(
        InputError, match=r"costs.csv: the cells of such a file need 7.8e-06 GB, and there are 6.5e-06 GB"
    ):
        problem_in(folder)
    (folder / "costs.csv").write_text("origin," + ",".join(map(str, range(20))) + "\nhere" + 20 * ",1" + "\n")
    files = CostFiles(folder / "costs.csv")
    assert read_costs(files, ["only"]).values.shape == (1, 1, 20)
    with pytest.raises(InputError, match=r"costs.csv: 20 categories, 1 origins and 20 destinations need 1.6e-05 GB"):
        read_costs(files, list("abcdefghijklmnopqrst"))
