"""Configurations of Genarris 3: recognised, and translated into a ui.conf of this program."""

from genarris_fw.options.genarris3.configuration import Genarris3, is_genarris_3, parse, told_by_sections
from genarris_fw.options.genarris3.translation import Surroundings, translate

__all__ = ["Genarris3", "Surroundings", "is_genarris_3", "parse", "told_by_sections", "translate"]
