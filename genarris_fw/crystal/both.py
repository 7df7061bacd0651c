"""Two files for each structure: Genarris json, which holds everything, and geometry.in, which FHI-aims reads."""

from genarris_fw.crystal.file_format import Format
from genarris_fw.crystal.genarris_json import JSON
from genarris_fw.crystal.geometry_in import GEOMETRY

BOTH = Format(write={**JSON.write, **GEOMETRY.write})
