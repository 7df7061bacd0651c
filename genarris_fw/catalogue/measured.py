"""Where a run says where the measured crystal is: fields of summaries, properties of structures."""

# Option of a step that names a pool it makes -> field of its summary that says where the measured crystal is in it.
COMPARED = {"output_pool": "experiment", "exemplars_pool": "exemplars_experiment"}

# Properties of the structure of a pool that is the measured crystal; what is made of it has to be compared itself.
RANK, RMSD = "experiment_rank", "experiment_rmsd"
MARKS = (RANK, RMSD)
