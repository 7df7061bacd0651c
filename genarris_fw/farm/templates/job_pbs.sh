#!/bin/bash
# One allocation with many rockets, one on each core.   qsub job.sh
#PBS -N genarris
#PBS -l select=1:ncpus=16:mpiprocs=16
#PBS -l walltime=24:00:00
#PBS -j oe

export PATH=@BIN@:"$PATH"
mkdir -p @FOLDER@/launches && cd @FOLDER@/launches || exit 2
@DATABASE_START@
genarris-fw recover --dir @FOLDER@
mpiexec -n 16 rlaunch -c @FOLDER@ rapidfire --nlaunches 0 --sleep 5
