#!/bin/bash -l

#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=4
#SBATCH --time=02:00:00
#SBATCH --partition=long
#SBATCH --account=chemistry
#SBATCH --job-name=genarris
#SBATCH --output=genarris-%j.out
#SBATCH --error=genarris-%j.error
#SBATCH --signal=USR1@120
#SBATCH --mem=8000M


export PATH=/path/to/environment/bin:"$PATH"; genarris-fw recover --dir /path/to/run; export GENARRIS_FW_END="$(python3 -m genarris_fw.schedulers)"
cd /path/to/launch
srun --kill-on-bad-exit=0 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" bash -c 'trap "" USR1; exec "$@"' rocket rlaunch -c /path/to/run singleshot

# CommonAdapter (SLURM) completed writing Template
