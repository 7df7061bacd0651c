#!/bin/bash -l

#SBATCH --nodes=1
#SBATCH --ntasks-per-node=16
#SBATCH --cpus-per-task=1
#SBATCH --time=24:00:00
#SBATCH --job-name=genarris
#SBATCH --output=genarris-%j.out
#SBATCH --error=genarris-%j.error
#SBATCH --signal=USR1@120


export PATH=/path/to/environment/bin:"$PATH"; genarris-fw recover --dir /path/to/run; export GENARRIS_FW_END="$(python3 -m genarris_fw.schedulers)"
cd /path/to/launch
rockets() { if [ $# = 0 ]; then tasks=; set -- rapidfire --nlaunches 0 --sleep 5; else tasks=--ntasks=1; set -- singleshot "$@"; fi; srun $tasks --kill-on-bad-exit=0 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" bash -c 'trap "" USR1; exec "$@"' rocket rlaunch -c /path/to/run "$@"; }; rockets

# CommonAdapter (SLURM) completed writing Template
