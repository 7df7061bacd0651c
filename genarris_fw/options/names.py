"""Names that other versions of Genarris know and this one does not carry out, and what to use instead."""

from __future__ import annotations

_GENERATION = "use Pygenarris_Structure_Generation"
_ENERGY = "use FHI_Aims_Energy_Evaluation"
_RDF = "use Run_Rdf_Calc"
_CLUSTERING = "use Affinity_Propagation_Fixed_Clusters"
_AUTOMATIC = "this is part of Pygenarris_Structure_Generation"
_QUERY = "query the structures' properties in the database"

# Procedures of Genarris 1.0 -> what replaces them.
REPLACED: dict[str, str] = {
    "Structure_Generation_Batch": _GENERATION,
    "Structure_Generation": _GENERATION,
    "Harris_Single_Molecule_Prep": "use Relax_Single_Molecule",
    "Harris_Approximation_Batch": _ENERGY,
    "Harris_Approximation_Single": _ENERGY,
    "Reverse_Harris_Approximation_Batch": _ENERGY,
    "Reverse_Harris_Approximation_Single": _ENERGY,
    "FHI_Aims_Single_Run": "use Run_FHI_Aims_Batch",
    "FHI_Aims_Batch_Run": "use Run_FHI_Aims_Batch",
    "FHI_Aims_Extract": _ENERGY,
    "FHI_Aims_Scavenge": _ENERGY,
    "Interatomic_Distance_Evaluation": _AUTOMATIC,
    "Interatomic_Proximities": _AUTOMATIC,
    "Specific_Radius_Batch": _AUTOMATIC,
    "Niggli_Reduction_Batch": _AUTOMATIC,
    "RDF_Descriptor_By_Bin": _RDF,
    "RDF_Descriptor_By_Point": _RDF,
    "Vector_Distance_Calculation": _RDF,
    "RCD_Difference_Calculation": _RDF,
    "RCD_Difference_Compare_Single": _RDF,
    "RCD_Difference_Folder": _RDF,
    "Affinity_Propagation_Distance_Matrix": _CLUSTERING,
    "Affinity_Propagation_Analyze_Preference": _CLUSTERING,
    "Affinity_Propagation_Fixed_Silhouette": _CLUSTERING,
    "K_Mean_Clustering": _CLUSTERING,
    "Cluster_Based_Selection": "use Select_Structures",
    "Find_Duplicates": "use Remove_Duplicates",
    "Find_Duplicates_Distance_Matrix": "use Remove_Duplicates",
    "Random_Value_Assignment": _QUERY,
    "Pool_Single_Structure_Analysis": _QUERY,
    "Estimate_Unit_Cell_Volume_v1": "use Estimate_Unit_Cell_Volume",
}

# Sections that existed without being a procedure's.
OTHER_SECTIONS: dict[str, str] = {
    "FHI-aims": "the engine's options stand in the sections of the procedures that call it",
}


def why_not(name: str) -> str:
    """Return why a procedure is not carried out and what replaces it; empty for a name nobody knows.

    Parameters
    ----------
    name : str
        A procedure's name in any case.
    """
    for known, instead in REPLACED.items():
        if known.lower() == name.lower():
            return f"{known} is a procedure of Genarris 1.0 and not part of Genarris 2.0's manual; {instead}"
    return ""
