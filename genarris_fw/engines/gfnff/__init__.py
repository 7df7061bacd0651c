"""The force field GFN-FF, in a process of its own for each structure."""

from genarris_fw.engines.gfnff.engine import GFNFFEngine

__all__ = ["GFNFFEngine"]
