"""FHI-aims: running it and reading its outputs.

The program is licensed and the user's own, as are its species defaults; none of either is here.
"""

from genarris_fw.engines.aims.engine import AimsEngine
from genarris_fw.engines.aims.failures import BEGINNING, END, classify
from genarris_fw.engines.aims.output import AimsOutput, parse_output
from genarris_fw.engines.aims.settings import AimsSettings

__all__ = ["BEGINNING", "END", "AimsEngine", "AimsOutput", "AimsSettings", "classify", "parse_output"]
