#!/bin/bash
#$ -S /bin/bash
#$ -N genarris
#$ -pe smp 16
#$ -l h_rt=24:00:00
#$ -notify
#$ -o FW_job.out
#$ -e FW_job.error

export PATH=/path/to/environment/bin:"$PATH"; genarris-fw recover --dir /path/to/run; export GENARRIS_FW_END="$(python3 -m genarris_fw.schedulers)"; trap : TERM USR1 USR2
cd /path/to/launch
rockets() { if [ $# = 0 ]; then for rocket in $(seq 16); do rlaunch -c /path/to/run rapidfire --nlaunches 0 --sleep 5 & done; else rlaunch -c /path/to/run singleshot "$@" & fi; until wait; do :; done; }; rockets
