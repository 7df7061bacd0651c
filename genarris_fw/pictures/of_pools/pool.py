"""A pool as pictures see it: arrays over its structures, and no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.errors import InputError
from genarris_fw.pictures.quantities import no_number, number
from genarris_fw.units import KJ_PER_MOL_PER_EV

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass
class PoolData:
    """What is known of a pool's n structures, in the order of their ids.

    Attributes
    ----------
    run, name : str
        The run and the pool.
    ids : list of str
    Z : (n,) ndarray
        Molecules per cell, NaN where that is not known.
    properties : list of dict
        Of every structure, without long lists: see `property`.
    labels : (n,) ndarray of int or None
        Clusters, of the clustering that made the pool, else the newest that all structures have.
    exemplars : (k,) ndarray of int
        Rows of the exemplars, of which there may be none.
    vectors : (n, d) ndarray or None
        Descriptors.
    energies : (n,) ndarray or None
        eV per molecule, NaN where there is none or one of another engine or other settings.
    energy_name : str
        What these energies are called, empty where there are none.
    matrix_step : str
        The step whose distances were clustered, empty where that is not known.
    metric : str
    normalize : bool
        How the run compares vectors.
    matrix : pair of ndarray or None
        (m, m) distances of the run's structures, and the (n,) rows of this pool's among them.
    coloring : str
        What colours the map: ``cluster``, ``energy``, a property, or nothing.
    missing : dict of str to str
        Why labels, vectors, energies or the matrix are None.
    modes : list of str
        How each structure was generated, empty where that is not known.
    parents : list of str
        What each was made from, empty where it was from nothing.
    """

    run: str
    name: str
    ids: list[str]
    Z: Array
    properties: list[dict[str, Any]]
    labels: Rows | None = None
    exemplars: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    vectors: Array | None = None
    energies: Array | None = None
    matrix_step: str = ""
    metric: str = "euclidean"
    normalize: bool = True
    matrix: tuple[NDArray[np.float32], Rows] | None = None
    coloring: str = ""
    missing: dict[str, str] = field(default_factory=dict)
    modes: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    energy_name: str = ""
    _columns: dict[str, Array] = field(default_factory=dict, init=False, repr=False, compare=False)

    def property(self, name: str) -> Array:
        """Return a property of every structure, NaN where it is no number."""
        if name not in self._columns:
            self._columns[name] = np.array([number(properties.get(name)) for properties in self.properties])
        return self._columns[name].copy()

    def wanted_property(self, name: str) -> Array:
        """Return a property that the user named.

        Raises
        ------
        InputError
            When no structure has it; the message names those there are.
        """
        values = self.property(name)
        if not np.isfinite(values).any():
            raise no_number(name, self.properties)
        return values

    def volumes(self) -> tuple[Array, str]:
        """Return the volumes in Å3 and of what: ``volume_per_molecule``, or ``cell_volume`` where Z is not known."""
        cells = self.property("cell_vol")
        return (cells / self.Z, "volume_per_molecule") if (self.Z > 0).all() else (cells, "cell_volume")

    def relative_energies(self) -> Array | None:
        """Return energies above the lowest in kJ/mol per molecule."""
        if self.energies is None:
            return None
        return (self.energies - np.nanmin(self.energies)) * KJ_PER_MOL_PER_EV

    def sets(self, values: Array, name: str) -> dict[str, Array]:
        """Return the finite numbers of the pool and of its exemplars, where it has some beside others.

        Parameters
        ----------
        values : (n,) ndarray
        name : str
            What they are, for the error.

        Returns
        -------
        dict of str to ndarray
            ``pool`` and ``exemplars``, as `genarris_fw.pictures.histogram` takes them.

        Raises
        ------
        InputError
            When there is no number.
        """
        found = {"pool": values[np.isfinite(values)]}
        if not len(found["pool"]):
            raise InputError(f"no structure has a {name.replace('_', ' ')}")
        exemplars = values[self.exemplars]
        if len(self.exemplars) < len(self.ids) and np.isfinite(exemplars).any():
            found["exemplars"] = exemplars[np.isfinite(exemplars)]
        return found

    def needed_clusters(self) -> Rows:
        """Return the clusters.

        Raises
        ------
        InputError
            When there are none; the message says why.
        """
        if self.labels is None:
            raise InputError(self.missing["labels"])
        return self.labels

    def needed_distances(self) -> tuple[NDArray[np.float32], Rows]:
        """Return the distance matrix and the row of every structure.

        Raises
        ------
        InputError
            When there is none.
        """
        if self.matrix is None:
            raise InputError(self.missing.get("matrix", "no distance matrix of these structures"))
        return self.matrix
