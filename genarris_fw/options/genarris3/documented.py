"""The options that Genarris 3 documents (``docs/config`` of its repository, 2026), and what becomes of each here."""

from __future__ import annotations

from collections.abc import Mapping

_CLUSTERING = "[affinity_propagation_fixed_clusters]"
_GENERATION = "[pygenarris_structure_generation]"
_VOLUME = "[estimate_unit_cell_volume]"
_PRESS = "[rigid_press]"
_DUPLICATES = "[remove_duplicates]"
_SELECTION = "[select_structures]"
_RELAXATION = "[run_fhi_aims_batch]"

_GENERATED = {
    "num_structures_per_spg": f"{_GENERATION} num_structures, for all space groups together",
    "sr": f"{_GENERATION} sr",
    "max_attempts_per_spg": f"{_GENERATION} max_attempts_per_spg",
    "tol": f"{_GENERATION} tol",
    "ucv_mean": f"{_VOLUME} volume_mean; none for predict",
    "ucv_std": f"{_VOLUME} std_of_predicted_errors, or volume_std",
    "ucv_mult": f"{_VOLUME} volume_multiplier",
    "spg_distribution_type": f"{_GENERATION} space_groups",
    "stoichiometry": "[1]; others are refused",
    "seed": "[Genarris_master] seed",
}
_PRESSED = {"sr": f"{_PRESS} sr"}
_RELAXED = {
    "fmax": f"{_RELAXATION} fmax",
    "steps": f"{_RELAXATION} max_steps",
    "cell_opt": f"{_RELAXATION} relax_cell",
    "fix_sym": f"{_RELAXATION} keep_symmetry",
}

# Section -> option -> what becomes of it.
TRANSLATED: Mapping[str, Mapping[str, str]] = {
    "master": {
        "name": "[Genarris_master] run_name",
        "molecule_path": "[Genarris_master] molecule_path: the first; further conformers are runs of their own",
        "Z": "[Genarris_master] Z",
        "log_level": "[Genarris_master] verbose, for debug",
    },
    "workflow": {"tasks": "[Genarris_master] procedures"},
    "generation": _GENERATED,
    "crystal_generation": _GENERATED,
    "rigid_press": {**_PRESSED, "maxiter": f"{_PRESS} max_steps"},
    "symm_rigid_press": _PRESSED,
    "dedup": {
        "stol": f"{_DUPLICATES} stol",
        "ltol": f"{_DUPLICATES} ltol",
        "angle_tol": f"{_DUPLICATES} angle_tol",
        "energy_key": f"{_DUPLICATES} energy_name",
    },
    "acsf": {"r_cut": "[run_rdf_calc] cutoff"},
    "ap": {
        "n_clusters": f"{_CLUSTERING} num_of_clusters",
        "damping": f"{_CLUSTERING} damping",
        "max_iter": f"{_CLUSTERING} max_iter",
        "convergence_iter": f"{_CLUSTERING} convergence_iter",
        "preference_range": f"{_CLUSTERING} preference_range, of two numbers",
        "clusters_tol": f"{_CLUSTERING} num_of_clusters_tolerance",
    },
    "kmeans": {"n_clusters": f"{_CLUSTERING} num_of_clusters, with cluster_method = minibatch_kmeans"},
    "center": {"filter": f"{_CLUSTERING} cluster_on_energy and energy_name; none for center"},
    "window": {
        "filter": f"{_SELECTION} energy_name",
        "energy_window": f"{_SELECTION} energy_window, above the lowest of all",
        "n_structs_per_cluster": f"{_SELECTION} best_per_cluster",
    },
    "bfgs": _RELAXED,
    "lbfgs": _RELAXED,
    "aims": {
        "command": "aims_command of the step",
        "mpi_launcher": "aims_command of the step",
        "species_dir": "species_dir of the step",
        "num_cores": "num_cores of the step",
        "energy_settings_path": "control_path of the step; the control.in is written",
    },
    "experimental_structure": {"path": "[experimental_structure] path"},
}

# Further names that Genarris 3 takes -> the option.
SYNONYMS: Mapping[str, str] = {
    "specific_radius_proportion": "sr",
    "unit_cell_volume_mean": "ucv_mean",
    "unit_cell_volume_std": "ucv_std",
    "volume_mult": "ucv_mult",
}

_BONDS = {"natural_cutoff_mult": "the bonds of the molecule are found without it"}
_PROGRAM = "the program is no engine here: engine = ase with its calculator takes calculator_settings"
_MODEL = "the model is no engine here: engine = ase with its calculator takes calculator_settings"
_CALCULATION = "each calculation is a work item of its own; num_cores says how many cores it has"
_JOBS = "launchers are written by genarris-fw init"
_VECTORS = "the vectors are those of Run_Rdf_Calc"
_LABELS = "clusters are in the property AP_cluster"
_DRAWN = {
    "max_attempts_per_volume": "cells are drawn anew for every attempt",
    **_BONDS,
    "lattice_norm_dev": "lengths of cells are drawn uniformly",
    "lattice_angle_std": "angles of cells are drawn uniformly",
}
_OPTIMISED = {"energy_method": "the task's name says it"}
_DFT = {"dft_mode": _CALCULATION, "use_slurm": _JOBS}

# Section -> option -> why it has no counterpart.
WITHOUT: Mapping[str, Mapping[str, str]] = {
    "generation": {**_DRAWN, "generation_type": "there is one kind of generation"},
    "crystal_generation": _DRAWN,
    "rigid_press": {**_BONDS, "debug_flag": "see verbose"},
    "symm_rigid_press": {
        **_BONDS,
        "method": "the press has its own minimiser",
        "int_scale": "the press has no such parameter",
        "tol": "it is of a minimiser with numerical gradients; see max_steps",
        "vol_tol": "the press has no such parameter",
        "maxiter": "it is of a minimiser with numerical gradients; see max_steps",
        "debug_flag": "see verbose",
    },
    "dedup": {"group_by_spg": "crystals are compared whatever group they were generated in"},
    "acsf": {
        "g2_params": "see n_D_inter and Rs_range of Run_Rdf_Calc",
        "g3_params": "there are no angular functions",
        "g4_params": "there are no angular functions",
        "vector_pooling": "vectors are the mean over all atoms",
        "pca": "vectors are used whole",
        "n_components": "vectors are used whole",
    },
    "ap": {
        "feature_name": _VECTORS,
        "max_sampling_attempts": "see max_sampled_preferences",
        "max_ap_attempts": "a fit that does not converge is tried at another preference",
        "max_ap_workers": "replicas share the work: num_replicas",
        "debug_mode": "see verbose",
    },
    "kmeans": {"feature_name": _VECTORS, "save_info": "the property AP_cluster and the pool of exemplars say it"},
    "center": {"cluster_name": _LABELS},
    "window": {"cluster_name": _LABELS, "z": "it is that of [master]"},
    "bfgs": _OPTIMISED,
    "lbfgs": _OPTIMISED,
    "maceoff": {"model_size": _MODEL, "save_flag": "every structure is stored when it is done"},
    "uma": {"model_name": _MODEL, "task_name": _MODEL},
    "aimnet": {"model": _MODEL},
    "aims": _DFT,
    "vasp": {
        **dict.fromkeys(("command", "energy_settings_path", "mpi_launcher"), _PROGRAM),
        "num_cores": _CALCULATION,
        **_DFT,
    },
    "dftb": dict.fromkeys(("command", "sk_files", "energy_settings_path"), _PROGRAM),
}

# Tasks that nothing here does.
TASKS_WITHOUT: Mapping[str, str] = {
    "asu_generation": "clusters of several molecules that are no crystals; generation_mode = packing takes two "
    "independent molecules of one kind"
}


def why_without(section: str, option: str) -> str:
    """Return why an option has no counterpart; empty for one that Genarris 3 does not document.

    Parameters
    ----------
    section : str
        Its section, in lower case; that of a task that is listed twice ends in its number.
    option : str
        Its name in lower case.
    """
    place = section if section in WITHOUT else section.rstrip("0123456789").rstrip("_")
    return WITHOUT.get(place, {}).get(option, "")
