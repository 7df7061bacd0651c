#!/bin/bash
#$ -S /bin/bash
#$ -N genarris
#$ -q long
#$ -A chemistry
#$ -pe smp 4
#$ -l h_rt=02:00:00
#$ -l h_vmem=2000M
#$ -notify
#$ -o FW_job.out
#$ -e FW_job.error

export PATH=/path/to/environment/bin:"$PATH"; genarris-fw recover --dir /path/to/run; export GENARRIS_FW_END="$(python3 -m genarris_fw.schedulers)"; trap : TERM USR1 USR2
cd /path/to/launch
rlaunch -c /path/to/run singleshot
