#!/bin/bash

#PBS -l nodes=1:ppn=16
#PBS -l walltime=24:00:00
#PBS -N genarris
#PBS -o FW_job.out
#PBS -e FW_job.error

export PATH=/path/to/environment/bin:"$PATH"; genarris-fw recover --dir /path/to/run; export GENARRIS_FW_END="$(python3 -m genarris_fw.farm.schedulers)"; trap : TERM
cd /path/to/launch
for rocket in $(seq 16); do rlaunch -c /path/to/run rapidfire --nlaunches 0 --sleep 5 & done; until wait; do :; done

# CommonAdapter (PBS) completed writing Template
