#!/bin/bash
# One allocation with many rockets, one on each slot.   qsub job.sh
#$ -N genarris
#$ -S /bin/bash
#$ -pe smp 16
#$ -l h_rt=24:00:00
#$ -j y
#$ -notify

export PATH=@BIN@:"$PATH"
mkdir -p @FOLDER@/launches && cd @FOLDER@/launches || exit 2
@DATABASE_START@
genarris-fw recover --dir @FOLDER@
@JOB_END@
trap : TERM USR1 USR2  # the queue's warnings are for the rockets: this script waits until they have left
for rocket in $(seq "${NSLOTS:-16}"); do
    rlaunch @LAUNCHPAD@ rapidfire --nlaunches 0 --sleep 5 &
done
until wait; do :; done
