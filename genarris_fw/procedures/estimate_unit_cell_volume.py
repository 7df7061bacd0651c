"""Estimate_Unit_Cell_Volume: how large a cell to generate, from the fragment model or as the user says."""

from __future__ import annotations

from typing import Any

from genarris_fw.generation import volume_estimate
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.base import Campaign, Procedure, explicit_serialize
from genarris_fw.procedures.options.estimate_unit_cell_volume import EstimateUnitCellVolumeOptions

Step = Campaign[EstimateUnitCellVolumeOptions]

# The generator's standard deviation is this many times the relative error of the model (manual: 0.075 in all).
ERRORS_PER_STD = 3.0


def estimate(campaign: Campaign[SharedOptions], options: EstimateUnitCellVolumeOptions) -> dict[str, Any]:
    """Return mean and standard deviation of the cell volume (Å3) and how they came about."""
    given = options.volume_mean
    relative_std = ERRORS_PER_STD * options.std_of_predicted_errors
    if given is not None:
        mean, model = given, dict[str, Any](source="volume_mean")
    else:
        result = volume_estimate(campaign.molecule)
        mean = result.volume * options.Z * options.volume_multiplier
        model = {
            "source": "fragment model",
            "per_molecule": result.volume,
            "vdw_volume": result.vdw_volume,
            "fragments": dict(result.fragments),
            "unknown_fragments": list(result.unknown_fragments),
        }
        if result.unknown_fragments:
            campaign.log(
                "the volume model does not know some fragments",
                level="WARNING",
                fragments=" ".join(result.unknown_fragments),
                by_packing_coefficient=round(result.packing_volume * options.Z, 2),
            )
    std = options.volume_std
    return {"volume_mean": mean, "volume_std": relative_std * mean if std is None else std} | model


@explicit_serialize
class EstimateUnitCellVolume(Procedure[EstimateUnitCellVolumeOptions]):
    """Estimate the volume of the cell; the generator reads it from this step's summary."""

    cheap = True

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Return the estimate as the step's summary."""
        summary = estimate(campaign, campaign.options)
        campaign.log("volume estimated", mean=round(summary["volume_mean"], 4), std=round(summary["volume_std"], 4))
        return summary
