"""Pictures of arrays are in `genarris_fw.pictures`, those of a pool in `views.drawing`; kept for one release."""

from genarris_fw.pictures import *  # noqa: F403
from genarris_fw.views.drawing import Picture as Picture  # noqa: PLC0414 - this is where it is known
from genarris_fw.views.drawing import pool_pictures as pool_pictures  # noqa: PLC0414 - this is where it is known
