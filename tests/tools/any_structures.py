"""Structures of every kind, for hypothesis: molecules and crystals, of many elements, with properties of every type."""

from typing import Any

from ase.geometry import cellpar_to_cell
from hypothesis import strategies as st

from genarris_fw.crystal import Structure

ELEMENTS = ["H", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Br", "I", "Na", "Fe", "U", "Cm"]
places = st.tuples(*[st.floats(-500, 500, allow_subnormal=False)] * 3)
numbers = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers(-(2**60), 2**60)
# Quotes, backslashes, brackets, an equals sign, letters of other scripts and beyond the basic plane.
texts = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=20)
scalars = st.one_of(numbers, integers, st.booleans(), texts)
vectors = st.lists(numbers, min_size=1, max_size=4)
plain_names = st.sampled_from(["note", "n_runs", "converged_2", "x", "RDF"])
odd_names = plain_names | st.sampled_from(["a longer name", "größe", "a=b", '"'])
every = st.one_of(
    scalars, vectors, st.none(), st.lists(vectors, max_size=2), st.dictionaries(odd_names, numbers, max_size=2)
)


@st.composite
def structures(
    draw: st.DrawFn,
    values: st.SearchStrategy[Any] = every,
    names: st.SearchStrategy[str] = odd_names,
    molecules: bool = True,
) -> Structure:
    n = draw(st.integers(1, 6))
    species = draw(st.lists(st.sampled_from(ELEMENTS), min_size=n, max_size=n))
    positions = draw(st.lists(places, min_size=n, max_size=n))
    cells = st.tuples(*[st.floats(2, 300)] * 3, *[st.floats(65, 115)] * 3)
    cell = draw(st.none() | cells if molecules else cells)
    lattice = None if cell is None else cellpar_to_cell(cell) * draw(st.sampled_from([1, -1]))
    properties = draw(st.dictionaries(names, values, max_size=4))
    if draw(st.booleans()):
        properties["energy"] = draw(st.floats(-1e6, 1e6))
    return Structure(lattice, species, positions, properties, "s_1")
