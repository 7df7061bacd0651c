"""The table of a pool's properties: its columns, their kinds, units and order, from documents and from structures."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from command import EXAMPLES
from hypothesis import given
from hypothesis import strategies as st
from small_run import CHILDREN, EXEMPLARS, IDS, KJ_PER_MOL, RUN, energy

from genarris_fw.catalogue import Catalogue
from genarris_fw.crystal.known_properties import KNOWN_PROPERTIES, known_property
from genarris_fw.crystal.property_table import TableMaker, table_of
from genarris_fw.errors import InputError
from genarris_fw.pools.exporting import pool_structures
from genarris_fw.pools.property_table import read_property_table


def test_a_pool_is_read_into_columns(catalogue: Catalogue) -> None:
    table = read_property_table(catalogue, RUN, "clusters")
    assert table.ids == IDS and len(table) == 12
    assert list(table.columns)[:4] == ["Z", "n_atoms", "spg", "density"]
    assert table.left_out == ["RDF"]
    columns = table.columns
    structures = pool_structures(catalogue, RUN, "clusters")
    np.testing.assert_allclose(columns["density"].values, [one.density for one in structures])
    np.testing.assert_allclose(columns["volume_per_molecule"].values, [one.cell_volume / 2 for one in structures])
    assert (columns["density"].kind, columns["density"].unit) == ("number", "g/cm³")
    assert (columns["Z"].kind, columns["Z"].plain()) == ("integer", [2] * 12)
    assert (columns["AP_exemplar"].kind, columns["AP_exemplar"].plain()[4]) == ("text", EXEMPLARS[1])
    assert columns["step"].plain() == ["pygenarris_structure_generation"] * 12
    assert all(column.description for name, column in columns.items()), "what a run writes is described"


def test_energies_come_with_what_gave_them(catalogue: Catalogue) -> None:
    columns = read_property_table(catalogue, RUN, "clusters").columns
    assert columns["energy_engine"].plain() == ["tblite", None, None] * 4
    assert columns["energy_converged"].kind == "flag" and columns["energy_seconds"].unit == "s"
    assert columns["energy_per_molecule"].unit == "eV per molecule"
    expected = [(energy(i) - energy(3)) * KJ_PER_MOL for i in range(4)]
    np.testing.assert_allclose(columns["relative_energy"].values[::3], expected, atol=1e-9)
    assert columns["relative_energy"].known.tolist() == [True, False, False] * 4


def test_energies_of_other_settings_are_not_compared(catalogue: Catalogue) -> None:
    one = {"_id": f"{RUN}:{EXEMPLARS[3]}"}
    catalogue.structures.collection.update_one(one, {"$set": {"energies.energy.settings_hash": "other"}})
    try:
        column = read_property_table(catalogue, RUN, "energies").columns["relative_energy"]
    finally:
        catalogue.structures.collection.update_one(one, {"$set": {"energies.energy.settings_hash": "5e77"}})
    assert column.known.tolist() == [True, True, True, False]
    np.testing.assert_allclose(column.values[2], 0.0)


def test_what_relaxed_names_its_parent(catalogue: Catalogue) -> None:
    table = read_property_table(catalogue, RUN, "relaxed")
    assert table.ids == CHILDREN and table.columns["parent"].plain() == EXEMPLARS[:2]


def test_a_pool_that_there_is_not(catalogue: Catalogue) -> None:
    with pytest.raises(InputError, match=r"no pool 'clustres' in run 'urea' \(did you mean 'clusters'"):
        read_property_table(catalogue, RUN, "clustres")
    with pytest.raises(InputError, match="no run 'uera'"):
        read_property_table(catalogue, "uera", "clusters")


def test_structures_without_a_database_have_the_same_columns(catalogue: Catalogue) -> None:
    table = table_of(pool_structures(catalogue, RUN, "energies"))
    known = read_property_table(catalogue, RUN, "energies").columns
    assert set(table.columns) < set(known)
    for name, column in table.columns.items():
        assert (column.kind, column.about) == (known[name].kind, known[name].about)
        assert column.plain() == pytest.approx(known[name].plain())


SCALARS = st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False) | st.text()
PROPERTIES = st.dictionaries(
    st.sampled_from("xyz"),
    SCALARS | st.lists(st.floats(), min_size=1) | st.dictionaries(st.sampled_from("uv"), SCALARS),
)


@given(st.lists(PROPERTIES), st.integers(1, 4))
def test_any_properties_make_a_table(properties: list[dict[str, Any]], size: int) -> None:
    maker = TableMaker()
    for first in range(0, len(properties), size):
        batch = properties[first : first + size]
        maker.add([str(first + i) for i in range(len(batch))], batch)
    table = maker.table()
    assert table.ids == [str(i) for i in range(len(properties))]
    assert set(table.left_out) == {name for one in properties for name, value in one.items() if type(value) is list}
    for name, column in table.columns.items():
        outer, _, inner = name.partition(".")
        values = [one.get(outer) for one in properties]
        values = [(value.get(inner) if type(value) is dict else None) if inner else value for value in values]
        plain = [None if isinstance(value, list | dict) or value in (np.inf, -np.inf) else value for value in values]
        if column.kind == "text":
            types = {type(value) for value in values if isinstance(value, str | bool | int | float)}
            assert types == {str} or len(types) > 1
        elif column.kind == "number":
            assert column.plain() == [None if value is None else float(value) for value in plain]
        else:
            assert column.plain() == plain
        assert column.known.any() or column.kind == "number"


def test_every_known_property_says_what_it_is() -> None:
    assert all(about.words and about.meaning for about in KNOWN_PROPERTIES.values())


def test_what_the_page_on_documents_names_is_known() -> None:
    """All but the lists and objects, which are no columns, and the energies of a user's own names."""
    page = (EXAMPLES.parent / "docs" / "catalogue.md").read_text(encoding="utf-8")
    table = page[page.index("| property | unit | set by |") : page.index("Properties that an imported file has")]
    named = {name for row in table.splitlines()[2:] if row for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    no_columns = {"AMD", "RDF", "RSF", "rcd", "eos", "lapw_energy_forces"}
    assert len(named) > 30 and {one for one in named - no_columns if not known_property(one).meaning} == set()
