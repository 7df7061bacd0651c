"""Crystals of molecules with multipoles: energies, curvatures and minima."""

import numpy as np
import pytest

from genarris_fw.lattice.sums.multipole_kinds import MultipoleKind, kind_of
from tests.lattice.golden import read
from tests.lattice.golden_model import model_of
from tests.tools.shared_data import shared


def case_of(name):
    return read(shared("lattice/dmacrys") / f"{name}.json")


@pytest.mark.parametrize("name", ["01.lem_fit_AXOSOW", "02.lem_will01_AXOSOW", "UREAXX22"])
def test_the_total_is_that_of_dmacrys_with_its_exp_6(name):
    case = case_of(name)
    model, crystal = model_of(case)
    found = model.energy(crystal)
    assert found.total == pytest.approx(case.energy("total"), abs=0.01)
    assert found.repulsion_dispersion == pytest.approx(case.energy("repulsion_dispersion"), abs=0.003)
    assert sum(found.by_rank.values()) == pytest.approx(found.electrostatic, abs=1e-10)
    assert list(found.by_rank) == [(0, 0), (0, 1), (1, 1), "higher"]


@pytest.mark.parametrize("name", ["01.lem_fit_AXOSOW", "02.lem_will01_AXOSOW"])
def test_the_minimum_is_that_of_dmacrys(name):
    case = case_of(name)
    model, crystal = model_of(case)
    found = model.minimise(crystal)
    assert found.converged and found.is_minimum
    assert found.energy == pytest.approx(case.energy("total", "optimized"), abs=0.02)
    edges = sorted(case.data["reference"]["optimized"]["crystal"]["cell"][name] for name in "abc")
    np.testing.assert_allclose(sorted(np.linalg.norm(found.structure.lattice, axis=1)), edges, rtol=EDGES[name])


# An edge may differ by so much: the flat directions of the second case follow what is left out beyond 17 Å.
EDGES = {"01.lem_fit_AXOSOW": 0.002, "02.lem_will01_AXOSOW": 0.005}


def test_charges_alone_are_the_same_by_both_sums():
    case = case_of("UREAXX22")
    charges, crystal = model_of(case, rank=0)
    expected = charges.energy(crystal)
    model, _ = model_of(case)
    model.kinds = [
        kind_of(molecule, kind.types, kind.sites + molecule.positions.mean(axis=0), electrostatics)
        for molecule, kind, electrostatics in zip(model.molecules, model.kinds, only_charges(model))
    ]
    assert isinstance(model.kinds[0], MultipoleKind)
    found = model.energy(crystal)
    assert found.total == pytest.approx(expected.total, abs=1e-4)
    np.testing.assert_allclose(found.stress, expected.stress, atol=1e-4)
    np.testing.assert_allclose(found.torques, expected.torques, atol=1e-3)


def only_charges(model):
    """The same with a quadrupole that is too small to count."""
    for own in model.electrostatics:
        values = np.array(own.multipoles)
        values[:, 1:] = 0.0
        values[0, 4] = 1e-9
        own.multipoles = values
        yield own


def test_a_mirror_image_has_the_mirrored_multipoles():
    case = case_of("UREAXX22")
    model, crystal = model_of(case)
    mirrored = type(crystal)(crystal.lattice * [1, 1, -1], crystal.species, crystal.positions * [1, 1, -1])
    assert model.energy(mirrored).total == pytest.approx(model.energy(crystal).total, abs=1e-7)


def test_the_second_derivatives_are_those_of_the_energy():
    case = case_of("UREAXX22")
    model, crystal = model_of(case)
    kernel, where, _ = model.free(crystal)
    gradient, matrix = kernel.energy(*where, second=True)[3:5]
    rng = np.random.default_rng(4)
    along = rng.normal(size=len(gradient))
    along /= np.linalg.norm(along)
    h = 0.002

    def total(step):
        return sum(kernel.energy(*where, step=step * along)[:3])

    assert (total(h) - total(-h)) / (2 * h) == pytest.approx(gradient @ along, abs=1e-2)
    curvature = (total(h) + total(-h) - 2 * total(0.0)) / h**2
    # The matrix is by the variables at the displaced crystal; they differ where the gradient is not 0.
    assert curvature == pytest.approx(along @ matrix @ along, abs=2 * np.abs(gradient).max() + 1.0)
