#!/bin/bash
# One allocation with many rockets, one on each task.   sbatch job.sh
#SBATCH --job-name=genarris
#SBATCH --nodes=1
#SBATCH --ntasks=16
#SBATCH --cpus-per-task=1
#SBATCH --time=24:00:00
#SBATCH --output=genarris-%j.out
# The rockets are warned ahead of the end, to give back what they hold; after a node has failed, the job goes on.
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append

export PATH=/path/to/environment/bin:"$PATH"
mkdir -p /path/to/run/launches && cd /path/to/run/launches || exit 2
# the database is the one that my_launchpad.yaml names
genarris-fw recover --dir /path/to/run
export GENARRIS_FW_END="$(python3 -m genarris_fw.schedulers)"
# A rocket between two fireworks takes no notice of the warning.
srun --kill-on-bad-exit=0 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" \
    bash -c 'trap "" USR1; exec "$@"' rocket rlaunch -c /path/to/run rapidfire --nlaunches 0 --sleep 5
