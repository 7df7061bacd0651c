#!/bin/bash
# One allocation with many rockets, one on each task.   sbatch job.sh
#SBATCH --job-name=genarris
#SBATCH --nodes=1
#SBATCH --ntasks=16
#SBATCH --cpus-per-task=1
#SBATCH --time=24:00:00
#SBATCH --output=genarris-%j.out

export PATH=@BIN@:"$PATH"
mkdir -p @FOLDER@/launches && cd @FOLDER@/launches || exit 2
@DATABASE_START@
genarris-fw recover --dir @FOLDER@
srun --kill-on-bad-exit=0 rlaunch -c @FOLDER@ rapidfire --nlaunches 0 --sleep 5
