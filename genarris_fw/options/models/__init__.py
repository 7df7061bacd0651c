"""The options of every procedure as typed models: the one place that names, types and explains them."""

from __future__ import annotations

from genarris_fw.options.models.base import REQUIRED, OptionInfo, ProcedureOptions
from genarris_fw.options.models.clustering import AffinityPropagationFixedClustersOptions, RunRdfCalcOptions
from genarris_fw.options.models.energies import (
    EngineOptions,
    FHIAimsEnergyEvaluationOptions,
    RelaxSingleMoleculeOptions,
    RunFHIAimsBatchOptions,
)
from genarris_fw.options.models.generation import (
    EstimateUnitCellVolumeOptions,
    PygenarrisStructureGenerationOptions,
    RigidPressOptions,
)
from genarris_fw.options.models.master import MasterOptions

# In the order of the Robust workflow.
MODELS: tuple[type[ProcedureOptions], ...] = (
    MasterOptions,
    RelaxSingleMoleculeOptions,
    EstimateUnitCellVolumeOptions,
    PygenarrisStructureGenerationOptions,
    RigidPressOptions,
    RunRdfCalcOptions,
    AffinityPropagationFixedClustersOptions,
    FHIAimsEnergyEvaluationOptions,
    RunFHIAimsBatchOptions,
)

__all__ = ["MODELS", "REQUIRED", "EngineOptions", "MasterOptions", "OptionInfo", "ProcedureOptions"]
