"""LAPW, the all-electron full-potential reference method, by the program Elk."""

from genarris_fw.engines.lapw.engine import LAPWEngine
from genarris_fw.engines.lapw.settings import LAPWSettings

__all__ = ["LAPWEngine", "LAPWSettings"]
