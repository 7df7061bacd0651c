"""GFN-xTB by the library tblite."""

from genarris_fw.engines.tblite.engine import TBLiteEngine

__all__ = ["TBLiteEngine"]
