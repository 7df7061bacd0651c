"""Any calculator of ASE as an engine."""

from genarris_fw.engines.ase.engine import ASEEngine

__all__ = ["ASEEngine"]
