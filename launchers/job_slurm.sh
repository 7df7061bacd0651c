#!/bin/bash
# One allocation with many rockets, one on each task.   sbatch job.sh
#SBATCH --job-name=genarris
#SBATCH --nodes=1
#SBATCH --ntasks=16
#SBATCH --cpus-per-task=1
#SBATCH --time=24:00:00
#SBATCH --output=genarris-%j.out

export PATH=/path/to/environment/bin:"$PATH"
mkdir -p /path/to/run/launches && cd /path/to/run/launches || exit 2
# the database is the one that my_launchpad.yaml names
genarris-fw recover --dir /path/to/run
srun --kill-on-bad-exit=0 rlaunch -c /path/to/run rapidfire --nlaunches 0 --sleep 5
