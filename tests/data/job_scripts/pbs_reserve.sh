#!/bin/bash

#PBS -l nodes=1:ppn=4
#PBS -l walltime=02:00:00
#PBS -q long
#PBS -A chemistry
#PBS -N genarris
#PBS -o FW_job.out
#PBS -e FW_job.error
#PBS -l pmem=2000mb

export PATH=/path/to/environment/bin:"$PATH"; genarris-fw recover --dir /path/to/run; export GENARRIS_FW_END="$(python3 -m genarris_fw.schedulers)"; trap : TERM
cd /path/to/launch
rlaunch -c /path/to/run singleshot

# CommonAdapter (PBS) completed writing Template
