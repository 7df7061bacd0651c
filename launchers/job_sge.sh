#!/bin/bash
# One allocation with many rockets, one on each slot.   qsub job.sh
#$ -N genarris
#$ -S /bin/bash
#$ -pe smp 16
#$ -l h_rt=24:00:00
#$ -j y
#$ -notify

export PATH=/path/to/environment/bin:"$PATH"
mkdir -p /path/to/run/launches && cd /path/to/run/launches || exit 2
# the database is the one that my_launchpad.yaml names
genarris-fw recover --dir /path/to/run
export GENARRIS_FW_END="$(python3 -m genarris_fw.schedulers)"
trap : TERM USR1 USR2  # the queue's warnings are for the rockets: this script waits until they have left
for rocket in $(seq "${NSLOTS:-16}"); do
    rlaunch -c /path/to/run rapidfire --nlaunches 0 --sleep 5 &
done
until wait; do :; done
