#!/bin/bash
# One allocation with many rockets, one on each slot.   qsub job.sh
#$ -N genarris
#$ -pe smp 16
#$ -l h_rt=24:00:00
#$ -j y

export PATH=/path/to/environment/bin:"$PATH"
mkdir -p /path/to/run/launches && cd /path/to/run/launches || exit 2
# the database is the one that my_launchpad.yaml names
genarris-fw recover --dir /path/to/run
for rocket in $(seq "${NSLOTS:-16}"); do
    rlaunch -c /path/to/run rapidfire --nlaunches 0 --sleep 5 &
done
wait
