"""What properties of structures are: words, units and meanings of their names, declared here alone.

Axes of pictures, the explorer, tables (csv, parquet, data frames) and OPTIMADE take them from here.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class KnownProperty(NamedTuple):
    """What is said of a property.

    Attributes
    ----------
    words : str
        A few, as an axis has them; the property's own name where nothing is known of it.
    unit : str
        Empty for a pure number or a text, and where it is not known.
    meaning : str
        A sentence; empty where nothing is known of it.
    """

    words: str
    unit: str = ""
    meaning: str = ""

    @property
    def label(self) -> str:
        """Words and unit, as an axis has them."""
        return f"{self.words} ({self.unit})" if self.unit else self.words


_VOLUME = KnownProperty("cell volume", "Å³", "volume of the cell")
_PER_MOLECULE = "kJ/mol per molecule"

KNOWN_PROPERTIES = {
    "Z": KnownProperty("molecules per cell", "", "molecules in the cell; 1 for a molecule, 0 where it is not known"),
    "n_atoms": KnownProperty("atoms in the cell", "", "atoms in the cell"),
    "number_of_atoms_in_molecule": KnownProperty("atoms of a molecule", "", "atoms of one molecule"),
    "z_prime": KnownProperty("Z′, independent molecules", "", "molecules in the asymmetric unit"),
    "spg": KnownProperty("space group", "", "number of the space group"),
    "a": KnownProperty("a", "Å", "length of the first lattice vector"),
    "b": KnownProperty("b", "Å", "length of the second lattice vector"),
    "c": KnownProperty("c", "Å", "length of the third lattice vector"),
    "alpha": KnownProperty("α", "°", "angle between b and c"),
    "beta": KnownProperty("β", "°", "angle between a and c"),
    "gamma": KnownProperty("γ", "°", "angle between a and b"),
    "cell_vol": _VOLUME,
    "cell_volume": _VOLUME,
    "unit_cell_volume": _VOLUME,
    "volume_per_molecule": KnownProperty("volume per molecule", "Å³", "volume of the cell over its molecules"),
    "density": KnownProperty("density", "g/cm³", "mass density"),
    "energy": KnownProperty("energy", "eV per cell", "energy by the engine; of a molecule its own"),
    "energy_per_molecule": KnownProperty("energy", "eV per molecule", "energy by the engine over Z"),
    "lattice_energy": KnownProperty("lattice energy", _PER_MOLECULE, "energy above that of single molecules"),
    "relative_energy": KnownProperty(
        "relative energy", _PER_MOLECULE, "above the lowest of the pool, among energies that may be compared"
    ),
    "attempted_spg": KnownProperty("space group aimed at", "", "number of the space group it was drawn in"),
    "attempted_wyckoff_position": KnownProperty("site aimed at", "", "Wyckoff position it was drawn for"),
    "site_symmetry_group": KnownProperty("site symmetry", "", "site symmetry of the molecule, Hermann-Mauguin"),
    "mode": KnownProperty("generation mode", "", "how it was generated: rejection or packing"),
    "step": KnownProperty("made by the step", "", "step of the run that made it"),
    "parent": KnownProperty("parent", "", "struct_id of the structure it was relaxed or pressed from"),
    "spg_before_press": KnownProperty("space group before the press", "", "number of the space group"),
    "cell_vol_before_press": KnownProperty("cell volume before the press", "Å³", "volume of the cell"),
    "press_energy": KnownProperty("press energy", "Å³", "what the rigid press minimised: volume and overlaps"),
    "spg_before_relaxation": KnownProperty("space group before the relaxation", "", "number of the space group"),
    "site_symmetry_group_before_relaxation": KnownProperty("site symmetry before", "", "that of the parent"),
    "relaxation_converged": KnownProperty("relaxation converged", "", "whether forces and stress became small"),
    "reacted": KnownProperty("reacted", "", "true where the relaxation made or broke bonds"),
    "collapsed": KnownProperty("collapsed", "", "true where the cell lost more than 40 % of its volume"),
    "is_minimum": KnownProperty("minimum", "", "true for a minimum, false for a saddle point of the cell"),
    "hits": KnownProperty("hits", "", "draws of the search that ended in this minimum"),
    "draw": KnownProperty("draw", "", "number of the draw on its site"),
    "duplicate_of": KnownProperty("duplicate of", "", "struct_id of the structure that it repeats"),
    "duplicate_rmsd": KnownProperty("distance from its duplicate", "Å", "RMSD from the structure that it repeats"),
    "AP_cluster": KnownProperty("cluster", "", "number of its cluster"),
    "AP_exemplar": KnownProperty("exemplar", "", "struct_id of the exemplar of its cluster"),
    "experiment_rank": KnownProperty(
        "rank of the experiment", "", "of the structure that is the measured crystal: its rank by energy"
    ),
    "experiment_rmsd": KnownProperty(
        "RMSD from the experiment", "Å", "of the structure that is the measured crystal: RMSD of the cluster"
    ),
    "point_group": KnownProperty("point group", "", "of a molecule, Hermann-Mauguin"),
    "pressure": KnownProperty("pressure", "GPa", "pressure that its file states"),
    "eos.V0": KnownProperty("equilibrium volume", "Å³ per cell", "of the equation of state"),
    "eos.V0_per_atom": KnownProperty("equilibrium volume", "Å³ per atom", "of the equation of state"),
    "eos.B0": KnownProperty("bulk modulus", "GPa", "of the equation of state"),
    "eos.B1": KnownProperty("derivative of the bulk modulus", "", "by pressure, of the equation of state"),
    "eos.E0": KnownProperty("equilibrium energy", "eV per cell", "of the equation of state"),
}
# What belongs to an energy of any name that ends in "energy".
_OF_ENERGIES = {
    "_per_molecule": ("eV per molecule", KNOWN_PROPERTIES["energy_per_molecule"].meaning),
    "_max_force": ("eV/Å", "largest force on an atom"),
    "_reused_from": ("", "work item whose result the energy is, where it was not computed anew"),
}
_AGAIN = re.compile(r"_\d+$")  # what a second step of one kind makes: AP_cluster_2


def known_property(name: str) -> KnownProperty:
    """Return what a property is; where nothing is known of it, its name in place of the words.

    Parameters
    ----------
    name : str
        As in ``properties`` of a structure; a number within another is named with a dot (``eos.V0``).

    Examples
    --------
    >>> from genarris_fw.crystal import known_property
    >>> known_property("density").label
    'density (g/cm³)'
    >>> known_property("AP_cluster_2").meaning
    'number of its cluster'
    """
    found = KNOWN_PROPERTIES.get(name) or KNOWN_PROPERTIES.get(_AGAIN.sub("", name))
    if found is not None:
        return found
    for ending, (unit, meaning) in _OF_ENERGIES.items():
        if name.endswith(f"energy{ending}"):
            return KnownProperty(name.removesuffix("_per_molecule"), unit, meaning)
    return KnownProperty(name)
