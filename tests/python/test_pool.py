"""A pool from Python: structures one by one, a data frame, the landscape, the comparison, files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from small_run import EXEMPLARS, IDS, RUN

import genarris_fw as gfw
from genarris_fw.catalogue import Catalogue
from genarris_fw.errors import InputError
from genarris_fw.pools.exporting import pool_structures


@pytest.fixture(scope="module")
def run(catalogue: Catalogue, uri: str) -> Iterator[gfw.Run]:
    with gfw.open(RUN, uri=uri) as opened:
        yield opened


@pytest.fixture
def empty(run: gfw.Run, catalogue: Catalogue) -> Iterator[gfw.Pool]:
    catalogue.runs.set_pool(RUN, "nothing", 0)
    yield run.pool("nothing")
    catalogue.runs.collection.update_one({"_id": RUN}, {"$unset": {"pools.nothing": ""}})


def test_structures_come_one_by_one(run: gfw.Run, catalogue: Catalogue) -> None:
    pool = run.pool("clusters")
    assert (pool.name, pool.run, len(pool), pool.ids) == ("clusters", run, 12, IDS)
    expected = pool_structures(catalogue, RUN, "clusters")
    for structure, same in zip(pool, expected, strict=True):
        assert structure.struct_id == same.struct_id and structure.properties == same.properties
        np.testing.assert_array_equal(structure.positions, same.positions)
    assert pool[IDS[3]].struct_id == pool[3].struct_id == IDS[3] and pool[-1].struct_id == IDS[-1]
    assert [one.struct_id for one in pool[2:8:3]] == [IDS[2], IDS[5]]
    assert IDS[0] in pool and "other" not in pool
    assert repr(pool) == "Pool('clusters' of run 'urea', 12 structures)"
    assert run.pool().name == "relaxed", "the last step's"


def test_structures_as_ase_and_pymatgen_have_them(run: gfw.Run) -> None:
    pytest.importorskip("pymatgen")
    pool = run.pool("energies")
    for structure, atoms, other in zip(pool, pool.atoms(), pool.pymatgen(), strict=True):
        assert atoms.info["struct_id"] == structure.struct_id == other.properties["struct_id"]
        np.testing.assert_allclose(atoms.positions, structure.positions)
        np.testing.assert_allclose(other.volume, structure.cell_volume)
        assert atoms.get_potential_energy() == structure.properties["energy"]


def test_a_data_frame_has_every_property(run: gfw.Run) -> None:
    frame = run.pool("clusters").to_dataframe()
    assert frame.index.name == "struct_id" and list(frame.index) == IDS
    table = run.pool("clusters").table()
    assert list(frame.columns) == list(table.columns) and frame.attrs["units"]["density"] == "g/cm³"
    kinds = frame.dtypes[["Z", "density", "energy_converged"]].map(str).to_dict()
    assert kinds == {"Z": "int64", "density": "float64", "energy_converged": "boolean"}
    assert str(frame.dtypes["AP_exemplar"]) == ("object" if pd.__version__ < "3" else "str")
    np.testing.assert_array_equal(frame["lattice_energy"], table.columns["lattice_energy"].values)
    assert frame["relative_energy"].idxmin() == EXEMPLARS[-1] and frame["energy_engine"].isna().sum() == 8
    assert frame.groupby("AP_cluster")["density"].max().shape == (4,)


def test_whole_numbers_that_some_lack_stay_whole(run: gfw.Run, catalogue: Catalogue) -> None:
    one = {"_id": f"{RUN}:{IDS[0]}"}
    catalogue.structures.collection.update_one(one, {"$set": {"properties.hits": 3}})
    frame = run.pool("raw").to_dataframe()
    catalogue.structures.collection.update_one(one, {"$unset": {"properties.hits": ""}})
    assert str(frame["hits"].dtype) == "Int64" and frame["hits"].sum() == 3 and frame["hits"].isna().sum() == 11


def test_a_part_of_a_pool(run: gfw.Run, tmp_path: Path) -> None:
    pool = run.pool("clusters")
    part = pool.where({"properties.spg": 14})
    assert part.ids == IDS[1::4] and len(part) == 3 and [one.struct_id for one in part] == part.ids
    both = part.where({"properties.AP_cluster": {"$lt": 2}})
    assert both.ids == [IDS[1], IDS[5]] and "where" in repr(both)
    assert list(both.to_dataframe().index) == both.ids
    assert len(pool.where({"properties.density": {"$gt": 1e6}})) == 0
    assert [file.name for file in both.write(tmp_path, "res")] == [f"{name}.res" for name in both.ids]
    lowest = pool.where({"struct_id": EXEMPLARS[0]}).table().columns["relative_energy"].values
    assert lowest[0] > 0, "above the lowest of the pool, not of the part"


def test_a_query_that_is_none(run: gfw.Run) -> None:
    for query in ({"properties.density": {"$gtt": 1}}, {"$foo": 1}):
        with pytest.raises(InputError, match="the database cannot look for"):
            run.pool("raw").where(query)
    with pytest.raises(InputError, match="is no query: give a mapping"):
        run.pool("raw").where("density > 1")  # type: ignore[arg-type]


def test_the_landscape(run: gfw.Run, catalogue: Catalogue, tmp_path: Path) -> None:
    figure = run.landscape("energies")
    axes = figure.axes[0]
    assert "density" in axes.get_xlabel() and "kJ/mol" in axes.get_ylabel()
    assert sum(len(points.get_offsets()) for points in axes.collections) == 4
    one = {"_id": f"{RUN}:{EXEMPLARS[1]}"}
    catalogue.structures.collection.update_one(one, {"$set": {"properties.experiment_rank": 3}})
    own = Figure().add_subplot()
    starred = run.landscape("energies", own)
    catalogue.structures.collection.update_one(one, {"$unset": {"properties.experiment_rank": ""}})
    assert starred is own.figure and "experiment" in [text.get_text() for text in own.get_legend().get_texts()]
    assert figure._repr_png_().startswith(b"\x89PNG"), "a notebook shows it"
    with pytest.raises(InputError, match="no structure has both an energy and a density"):
        run.pool("raw").where({"struct_id": IDS[1]}).landscape()


def test_the_comparison(run: gfw.Run, tmp_path: Path) -> None:
    pool = run.pool("energies")
    [file] = pool.where({"struct_id": EXEMPLARS[2]}).write(tmp_path)
    found = run.compare(file, "energies", nearest=2)
    assert found.found is not None and found.found.struct_id == EXEMPLARS[2] and found.found.rank == 2
    assert len(found.nearest) == 2 and found.to_dict()["nearest"][0]["struct_id"] == EXEMPLARS[2]
    again = pool.compare(pool[EXEMPLARS[2]], nearest=2)
    assert [one.rank for one in again.nearest] == [one.rank for one in found.nearest]
    others = pool.where({"struct_id": {"$ne": EXEMPLARS[2]}}).compare(file)
    assert others.structures == 3 and EXEMPLARS[2] not in [one.struct_id for one in others.nearest]


def test_a_comparison_that_cannot_be(run: gfw.Run, tmp_path: Path, empty: gfw.Pool) -> None:
    (tmp_path / "x.cif").write_text("nothing\n")
    for file, why in ((tmp_path / "x.cif", r"x\.cif"), (tmp_path / "y.cif", r"y\.cif.*no such file")):
        with pytest.raises(InputError, match=why):
            run.compare(file, "energies")
    with pytest.raises(InputError, match="names no measured crystal"):
        run.compare(pool="energies")
    with pytest.raises(InputError, match="give the file, too"):
        run.compare(pool="energies", record=2)
    with pytest.raises(InputError, match="is empty"):
        empty.compare(run.pool("raw")[0])


def test_a_pool_that_there_is_not(run: gfw.Run) -> None:
    with pytest.raises(InputError, match=r"no pool 'relxed' in run 'urea' \(did you mean 'relaxed'\?\); its pools: "):
        run.pool("relxed")
    pool = run.pool("raw")
    with pytest.raises(InputError, match="no structure 'geometry_0' in pool 'raw'"):
        pool["geometry_0"]
    with pytest.raises(IndexError, match="there is no number 12"):
        pool[12]


def test_an_empty_pool(empty: gfw.Pool, tmp_path: Path) -> None:
    assert len(empty) == 0 and list(empty) == [] and empty.ids == [] and empty[:3] == []
    frame = empty.to_dataframe()
    assert frame.shape == (0, 0) and frame.index.name == "struct_id"
    assert "0 structures" in empty._repr_html_()
    with pytest.raises(InputError, match="no structure of pool 'nothing' of run 'urea' to write"):
        empty.write(tmp_path / "files")
    with pytest.raises(InputError, match="the pool is empty"):
        empty.landscape()


def test_files_that_are_there_stay(run: gfw.Run, tmp_path: Path) -> None:
    pool = run.pool("energies")
    files = pool.write(tmp_path, "geometry")
    assert [len(gfw.read(file)[0]) for file in files] == [6] * 4
    files[0].write_text("mine")
    with pytest.raises(InputError, match="is there already, and nothing was written"):
        pool.write(tmp_path, "geometry")
    assert files[0].read_text() == "mine"
    pool.write(tmp_path, "geometry", overwrite=True)
    assert len(gfw.read(files[0])) == 1
    with pytest.raises(InputError, match="unknown format 'ciff'"):
        pool.write(tmp_path, "ciff")


@pytest.mark.parametrize(
    ("package", "extra", "use"),
    [
        ("pandas", "dataframes", lambda pool: pool.to_dataframe()),
        ("pymatgen.core.structure", "structure_matcher", lambda pool: next(pool.pymatgen())),
    ],
)
def test_a_missing_package_is_asked_for_by_its_extra(
    run: gfw.Run, monkeypatch: pytest.MonkeyPatch, package: str, extra: str, use: object
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"pip install 'genarris_fw\[{extra}\]'"):
        use(run.pool("raw"))  # type: ignore[operator]


def test_a_notebook_shows_the_first_structures(run: gfw.Run) -> None:
    shown = run.pool("clusters")._repr_html_()
    assert "density (g/cm³)" in shown and IDS[0] in shown and shown.count("<tr>") == 13
