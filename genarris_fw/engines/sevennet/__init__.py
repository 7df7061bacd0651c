"""SevenNet-0 with dispersion by D3(BJ)."""

from genarris_fw.engines.sevennet.engine import SevenNetEngine

__all__ = ["SevenNetEngine"]
