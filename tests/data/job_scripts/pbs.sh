#!/bin/bash

#PBS -l nodes=1:ppn=16
#PBS -l walltime=24:00:00
#PBS -N genarris
#PBS -o FW_job.out
#PBS -e FW_job.error

export PATH=/path/to/environment/bin:"$PATH"; genarris-fw recover --dir /path/to/run; export GENARRIS_FW_END="$(python3 -m genarris_fw.schedulers)"; trap : TERM
cd /path/to/launch
rockets() { if [ $# = 0 ]; then for rocket in $(seq 16); do rlaunch -c /path/to/run rapidfire --nlaunches 0 --sleep 5 & done; else rlaunch -c /path/to/run singleshot "$@" & fi; until wait; do :; done; }; rockets

# CommonAdapter (PBS) completed writing Template
