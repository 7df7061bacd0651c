"""The options of Estimate_Unit_Cell_Volume."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import InputFile, Real, Whole
from genarris_fw.options.base import OnCells, OnMolecule, cell_option, molecule_option
from genarris_fw.options.resolving.draft import Bench, Draft

LARGEST_CELL = 10**7  # Å3: 192 molecules of some 20,000 atoms


class EstimateUnitCellVolumeOptions(OnMolecule, OnCells):
    """Estimate the cell volume from the molecule's fragments."""

    procedure: ClassVar[str] = "Estimate_Unit_Cell_Volume"
    order: ClassVar[int] = 20
    results: ClassVar[dict[str, str]] = {"volume_mean": "cell of {:.1f} Å³"}

    molecule_path: InputFile | None = molecule_option(lends=3)
    Z: Whole = cell_option(lends=1)
    volume_mean: Real | None = option(
        "Mean cell volume to use instead of the estimate",
        unit="Å3",
        ge=1,
        le=LARGEST_CELL,
        default_words="estimated",
    )
    volume_std: Real | None = option(
        "Standard deviation of the cell volume",
        unit="Å3",
        ge=0,
        le=LARGEST_CELL,
        default_words="3 x std_of_predicted_errors x volume_mean",
    )
    volume_multiplier: Real = option("Factor on the estimated volume", 1.0, ge=0.1, le=10)
    std_of_predicted_errors: Real = option(
        "Relative standard error of the volume model; the volume's standard deviation is 3 times this",
        0.025,
        ge=0,
        le=1,
    )

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Complete the standard deviation of a volume that is given."""
        super().resolve(bench, draft)
        mean, std = draft.options["volume_mean"], draft.options["volume_std"]
        if mean is not None and std is None:
            relative = 3 * draft.options["std_of_predicted_errors"]
            draft.put("volume_std", relative * mean, "3 x std_of_predicted_errors x volume_mean")
