"""The packed symmetric matrix, against a whole one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genarris_fw.studies.force_free.training.packed import GATHERED, PackedSymmetric

CHANGES = st.one_of(st.tuples(st.just("size"), st.integers(-14, 14)), st.tuples(st.just("add"), st.integers(0, 2**31)))


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(["float64", "float32"]),
    st.sampled_from([1, 2, 63, 64, 65, 130]),
    st.lists(CHANGES, min_size=10, max_size=3 * GATHERED),
)
def test_it_is_the_whole_matrix_after_any_changes(dtype, size, changes):
    """Sizes below, at and above the columns that are added at once; factors of many powers of ten."""
    matrix, whole, largest, power = PackedSymmetric(size, dtype), np.eye(size), 1.0, 0
    for what, number in changes:
        if what == "size":
            factor, power = 10.0 ** (number - power), number
            matrix.multiply(factor)
            whole, largest = factor * whole, factor * largest
        else:
            generator = np.random.default_rng(number)
            a, b = generator.normal(size=(2, size))
            aa, ab, bb = generator.normal(size=3) * 10.0**power
            matrix.add(a, b, aa, ab, bb)
            whole += aa * np.outer(a, a) + ab * (np.outer(a, b) + np.outer(b, a)) + bb * np.outer(b, b)
        largest = max(largest, np.abs(whole).max())
    vector = np.random.default_rng(0).normal(size=size)
    tolerance = {"float64": 1e-12, "float32": 1e-5}[dtype] * largest * size
    assert matrix.times(vector) == pytest.approx(whole @ vector, rel=0.0, abs=tolerance)


def test_its_memory_is_what_it_says():
    matrix = PackedSymmetric(100, "float32")
    arrays = matrix._packed.nbytes + matrix._rows.nbytes
    assert PackedSymmetric.memory_needed(100, "float32") == arrays
