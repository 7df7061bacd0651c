"""Tables and pictures of fields and trainings."""

from genarris_fw.studies.force_free.showing.field_line_pictures import field_line_picture
from genarris_fw.studies.force_free.showing.height_pictures import height_picture
from genarris_fw.studies.force_free.showing.loss_pictures import loss_picture
from genarris_fw.studies.force_free.showing.magnetogram_pictures import magnetogram_picture
from genarris_fw.studies.force_free.showing.published import CASES, Case, Row
from genarris_fw.studies.force_free.showing.tables import as_csv, as_markdown, our_row, table

__all__ = [
    "CASES",
    "Case",
    "Row",
    "as_csv",
    "as_markdown",
    "field_line_picture",
    "height_picture",
    "loss_picture",
    "magnetogram_picture",
    "our_row",
    "table",
]
