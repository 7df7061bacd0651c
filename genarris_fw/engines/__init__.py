"""What computes energies and relaxes structures: one folder per engine behind one small interface.

engine = genarris_fw.engines.get("tblite")
evaluation = engine.evaluate(structure, relax=True)
"""

from genarris_fw.engines.base import Context, Engine, Evaluation, Settings
from genarris_fw.engines.registry import engine_class, get, installed

__all__ = ["Context", "Engine", "Evaluation", "Settings", "engine_class", "get", "installed"]
