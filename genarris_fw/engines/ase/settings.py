"""The settings of the engine ase."""

from __future__ import annotations

from genarris_fw.declaring.option import REQUIRED, option
from genarris_fw.declaring.types import Factory, PlainDict
from genarris_fw.engines.relaxing.settings import RelaxationSettings


class ASESettings(RelaxationSettings):
    """Settings of the ase engine, besides those of a relaxation."""

    calculator: Factory = option(
        "the calculator: module:factory, or the name of a potential that is installed", REQUIRED
    )
    calculator_settings: PlainDict = option("what the calculator's factory is called with", {}, written_down=False)
