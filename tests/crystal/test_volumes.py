"""Crystals at other volumes."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from in_process import waters

from genarris_fw.crystal import Structure
from genarris_fw.crystal.volumes import at_volume
from genarris_fw.errors import InputError


def distances(structure: Structure) -> np.ndarray:
    """Within each of the two water molecules."""
    molecules = structure.positions.reshape(2, 3, 3)
    return np.linalg.norm(molecules[:, :, None] - molecules[:, None], axis=-1)


@pytest.mark.parametrize("scale", [0.9, 1.0, 1.2])
def test_all_atoms_follow_the_cell(scale):
    [structure] = waters(1)
    found = at_volume(structure, scale)
    assert found.cell_volume == pytest.approx(scale * structure.cell_volume)
    assert np.allclose(found.fractional, structure.fractional)
    assert found.struct_id == structure.struct_id and found.species == structure.species
    assert found.cell_parameters[3:] == pytest.approx(structure.cell_parameters[3:])


@pytest.mark.parametrize("scale", [0.9, 1.0, 1.2])
def test_rigid_molecules_keep_their_bonds_and_their_places(scale):
    [structure] = waters(1)
    found = at_volume(structure, scale, rigid_molecules=True)
    assert found.cell_volume == pytest.approx(scale * structure.cell_volume)
    assert np.allclose(distances(found), distances(structure))
    for one, other in zip(found.positions.reshape(2, 3, 3), structure.positions.reshape(2, 3, 3)):
        inside = (
            np.linalg.solve(found.lattice.T, one.mean(axis=0)),
            np.linalg.solve(structure.lattice.T, other.mean(axis=0)),
        )
        assert np.allclose(inside[0] - inside[1], np.round(inside[0] - inside[1]))
    # The input is not changed.
    assert np.allclose(structure.positions, waters(1)[0].positions)


def test_wrapped_molecules_are_made_whole_first():
    [structure] = waters(1)
    wrapped = structure.copy()
    wrapped.positions[1] += structure.lattice[0]
    assert np.allclose(distances(at_volume(wrapped, 1.1, rigid_molecules=True)), distances(structure))


def test_what_has_no_volume_or_no_molecules():
    with pytest.raises(InputError, match="is a molecule"):
        at_volume(Structure(None, ["H"], np.zeros((1, 3))), 1.1)
    with pytest.raises(InputError):
        at_volume(Structure.from_ase(bulk("Si", "diamond", 5.43)), 1.1, rigid_molecules=True)
