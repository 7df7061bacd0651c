"""Exp-6 energies of crystals, summed here directly, against DMACRYS: types, sites, axes and parameters all at once."""

import numpy as np
import pytest
from direct_exp6 import A_CENTRED, FACE_CENTRED, Case, beside, cell_of, direct_energy, placed, stored
from shared_data import shared

from genarris_fw.crystal import Molecule, Structure, bonds, read, whole_molecules
from genarris_fw.lattice.potentials.potential import Potential

DMACRYS_TAPER = (15.0, 17.0)
FAR = (20.0, 22.0)


def summed(case: Case, name: str) -> float:
    """kJ/mol per molecule, or per formula unit."""
    potential = Potential(name, taper=DMACRYS_TAPER)
    sites = cell_of(case, potential)
    numbers = potential.parameters(sorted(set(sites.types)))
    assert numbers.general == []
    energy = direct_energy(sites, numbers, potential.taper, only=len(case.species))
    # A case without operations holds its whole cell of equal molecules, any other one formula unit.
    return energy / (sites.molecule.max() + 1) if not case.operations else energy


@pytest.mark.parametrize(
    ("name", "potential"),
    [("AXOSOW", "FIT"), ("AXOSOW", "W99"), ("TCHLBZ03", "W99"), ("UREAXX22", "W99rev6311")],
)
def test_energies_of_dmacrys(name, potential):
    case = stored()[name]
    # 0.003 kJ/mol of 62.5; the others are within 0.001.
    assert summed(case, potential) == pytest.approx(case.energies[potential], abs=4e-3)


@pytest.mark.parametrize(
    ("name", "potential", "centring"),
    [("08.2comp_KONTIQ", "FIT", FACE_CENTRED), ("21.longcell_BTXXIII", "FIT", A_CENTRED)],
)
def test_energies_of_dmacrys_of_larger_crystals(name, potential, centring):
    # A hydrate of two components, and 43 atoms with chlorine in a cell of 70 Å.
    case = beside(name, potential, centring)
    assert summed(case, potential) == pytest.approx(case.energies[potential], rel=5e-5)


def test_what_each_convention_is_worth():
    """Hydrogens at the nuclei, no anisotropy, the other sign of it: all of them are seen in these energies."""
    acrolein, potential = stored()["AXOSOW"], Potential("W99")
    sites = cell_of(Case(**{**vars(acrolein), "nuclei": False}), potential)
    numbers = potential.parameters(sorted(set(sites.types)))
    assert direct_energy(sites, numbers, (14.999, 15.0), only=8) == pytest.approx(-23.64, abs=0.01)  # cut off at 15 Å
    sites = cell_of(stored()["TCHLBZ03"], potential)
    numbers = potential.parameters(sorted(set(sites.types)))
    for factor, wanted in ((0.0, -66.0), (-1.0, -68.6)):
        numbers.rho20[:] = factor * potential.parameters(numbers.types).rho20
        assert direct_energy(sites, numbers) / 4 == pytest.approx(wanted, abs=0.06)


def crystal(name: str) -> Structure:
    return whole_molecules(read(shared(f"crystals/{name}.cif"))[0])


def energy_of(structure: Structure, potential: Potential, lengths: dict[str, float] | None = None) -> float:
    """kJ/mol per molecule, hydrogens at `lengths` (Å) from what they are bonded to where given."""
    n = structure.properties["number_of_atoms_in_molecule"]
    x, species = structure.positions.copy(), structure.species
    for i, j in bonds(species, x) if lengths else ():
        h, partner = (i, j) if species[i] == "H" else (j, i)
        if species[h] == "H":
            x[h] = x[partner] + (x[h] - x[partner]) * lengths[species[partner]] / np.linalg.norm(x[h] - x[partner])
    parts = [Molecule(species[k : k + n], x[k : k + n]) for k in range(0, len(species), n)]
    sites = placed(structure.lattice, parts, potential)
    return direct_energy(sites, potential.parameters(sorted(set(sites.types))), FAR, only=n)


@pytest.mark.parametrize(
    ("name", "energy"), [("benzene", -44.5), ("naphthalene", -72.2), ("urea", -95.6), ("acetic_acid", -60.9)]
)
def test_uni_gives_the_sublimation_enthalpies_that_it_was_fitted_to(name, energy):
    # Earlier sums of the same parameters over the same crystals; theirs were cut off some per cent earlier.
    found = energy_of(crystal(name), Potential("UNI"), {"C": 1.08, "N": 1.00, "O": 1.00})
    assert found == pytest.approx(energy, rel=0.015)


def test_a_variant_differs_from_w99_where_it_should():
    urea, acid = crystal("urea"), crystal("acetic_acid")
    assert energy_of(urea, Potential("W99star")) == energy_of(urea, Potential("W99"))  # hydrogens on N alone
    assert energy_of(acid, Potential("W99star")) > energy_of(acid, Potential("W99")) + 5.0  # more repulsion
    assert energy_of(urea, Potential("W99rev6311")) != energy_of(urea, Potential("W99"))
