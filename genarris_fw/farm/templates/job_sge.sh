#!/bin/bash
# One allocation with many rockets, one on each slot.   qsub job.sh
#$ -N genarris
#$ -pe smp 16
#$ -l h_rt=24:00:00
#$ -j y

export PATH=@BIN@:"$PATH"
mkdir -p @FOLDER@/launches && cd @FOLDER@/launches || exit 2
@DATABASE_START@
genarris-fw recover --dir @FOLDER@
for rocket in $(seq "${NSLOTS:-16}"); do
    rlaunch -c @FOLDER@ rapidfire --nlaunches 0 --sleep 5 &
done
wait
