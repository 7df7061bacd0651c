#!/bin/bash
# One allocation with many rockets, one on each core.   qsub job.sh
#PBS -N genarris
#PBS -l select=1:ncpus=16
#PBS -l walltime=24:00:00
#PBS -j oe

export PATH=@BIN@:"$PATH"
mkdir -p @FOLDER@/launches && cd @FOLDER@/launches || exit 2
@DATABASE_START@
genarris-fw recover --dir @FOLDER@
@JOB_END@
trap : TERM  # the queue's warning is for the rockets: this script waits until they have left
for rocket in $(seq "${NCPUS:-16}"); do
    rlaunch @LAUNCHPAD@ rapidfire --nlaunches 0 --sleep 5 &
done
until wait; do :; done
