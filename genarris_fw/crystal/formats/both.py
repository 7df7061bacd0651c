"""Two files for each structure: Genarris json, which holds everything, and geometry.in, which FHI-aims reads."""

from genarris_fw.crystal.file_format import StructureFormat
from genarris_fw.crystal.formats.genarris_json import JSON
from genarris_fw.crystal.formats.geometry_in import GEOMETRY

BOTH = StructureFormat(write={**JSON.write, **GEOMETRY.write}, holds=JSON.holds)
