#!/bin/bash
# Many rockets on this machine, without a queueing system.   ROCKETS=4 bash job.sh

export PATH=@BIN@:"$PATH"
mkdir -p @FOLDER@/launches && cd @FOLDER@/launches || exit 2
@DATABASE_START@
genarris-fw recover --dir @FOLDER@
for rocket in $(seq "${ROCKETS:-$(nproc)}"); do
    rlaunch -c @FOLDER@ rapidfire --nlaunches 0 --sleep 5 &
done
wait
