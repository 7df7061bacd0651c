"""Lattice energies of rigid molecules, as an engine of the manual's procedures."""

from genarris_fw.engines.lattice.engine import LatticeEngine

__all__ = ["LatticeEngine"]
