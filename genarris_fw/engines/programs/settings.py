"""The settings that all engines have which start a program."""

from __future__ import annotations

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import Flag, Real
from genarris_fw.engines.base import Settings

REMEDIES = "try the remedies for a self-consistent cycle that does not converge, each once"
LARGEST = "what one calculation may write"


class ProgramSettings(Settings):
    """How a program is watched, and what is done when it fails."""

    auto_correct: Flag = option(REMEDIES, False, changes_energy=False, written_down=False)
    silence: Real = option(
        "a program that has written nothing for so long hangs, and is ended",
        3600.0,
        unit="s",
        changes_results=False,
        ge=0.1,
        le=10**7,
    )
    max_gigabytes: Real = option(LARGEST, 2.0, unit="GB", changes_results=False, written_down=False, ge=1e-6, le=10**6)
