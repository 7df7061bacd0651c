"""The options of every procedure as typed models: the one place that names, types and explains them."""

from __future__ import annotations

from genarris_fw.declaring.option import REQUIRED, Option
from genarris_fw.options.base import ProcedureOptions
from genarris_fw.options.engine_settings import EngineOptions
from genarris_fw.options.models.clustering import AffinityPropagationFixedClustersOptions
from genarris_fw.options.models.descriptors import (
    RCDCalculationOptions,
    RCDDifferenceFolderInnerOptions,
    RunRdfCalcOptions,
)
from genarris_fw.options.models.energies import (
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
from genarris_fw.options.models.references import (
    CompareEnginesOptions,
    LAPWConvergenceOptions,
    LAPWEquationOfStateOptions,
    RunLAPWBatchOptions,
)
from genarris_fw.options.models.selection import RemoveDuplicatesOptions, SelectStructuresOptions

# In the order of the Robust workflow.
MODELS: tuple[type[ProcedureOptions], ...] = (
    MasterOptions,
    RelaxSingleMoleculeOptions,
    EstimateUnitCellVolumeOptions,
    PygenarrisStructureGenerationOptions,
    RigidPressOptions,
    RunRdfCalcOptions,
    RCDCalculationOptions,
    RCDDifferenceFolderInnerOptions,
    AffinityPropagationFixedClustersOptions,
    RemoveDuplicatesOptions,
    SelectStructuresOptions,
    FHIAimsEnergyEvaluationOptions,
    RunFHIAimsBatchOptions,
    RunLAPWBatchOptions,
    LAPWEquationOfStateOptions,
    LAPWConvergenceOptions,
    CompareEnginesOptions,
)

__all__ = ["MODELS", "REQUIRED", "EngineOptions", "MasterOptions", "Option", "ProcedureOptions"]
