#!/bin/bash
# One allocation with many rockets, one on each core.   qsub job.sh
#PBS -N genarris
#PBS -l select=1:ncpus=16
#PBS -l walltime=24:00:00
#PBS -j oe

export PATH=/path/to/environment/bin:"$PATH"
mkdir -p /path/to/run/launches && cd /path/to/run/launches || exit 2
# the database is the one that my_launchpad.yaml names
genarris-fw recover --dir /path/to/run
export GENARRIS_FW_END="$(python3 -m genarris_fw.schedulers)"
trap : TERM  # the queue's warning is for the rockets: this script waits until they have left
for rocket in $(seq "${NCPUS:-16}"); do
    rlaunch -c /path/to/run rapidfire --nlaunches 0 --sleep 5 &
done
until wait; do :; done
