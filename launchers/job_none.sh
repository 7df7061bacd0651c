#!/bin/bash
# Many rockets on this machine, without a queueing system.   ROCKETS=4 bash job.sh

export PATH=/path/to/environment/bin:"$PATH"
mkdir -p /path/to/run/launches && cd /path/to/run/launches || exit 2
# the database is the one that my_launchpad.yaml names
genarris-fw recover --dir /path/to/run
for rocket in $(seq "${ROCKETS:-$(nproc)}"); do
    rlaunch -c /path/to/run rapidfire --nlaunches 0 --sleep 5 &
done
wait
