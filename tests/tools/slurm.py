"""A real SLURM on this machine: munged, slurmctld and slurmd as root, with everything of theirs in one folder.

    with Slurm(folder) as slurm:
        job = slurm.sbatch("#!/bin/bash\\nsrun hostname", "--ntasks=2", "--time=1")
        slurm.wait(job, 30)

The only traces outside the folder are munged's socket (a short path in the folder of temporary files) and a lock:
one SLURM at a time, the next one waits for it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
LOCK = Path(tempfile.gettempdir()) / "genarris_fw_tests_slurm.lock"
OVER = ("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "DEADLINE", "PREEMPTED")

CONF = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={munge},cred_expire=10
CredType=cred/munge
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/jobs
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2
MpiDefault=none
ReturnToService=1
KillWait=5
SlurmdTimeout=300
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores}
PartitionName=tests Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def slurm_is_missing() -> str:
    """Return why there can be no SLURM here, in words; empty where there can be one."""
    missing = [program for program in PROGRAMS if not find(program)]
    if missing:
        return f"no {', '.join(missing)} (Debian: apt-get install slurm-wlm munge)"
    return "" if os.geteuid() == 0 else "slurmctld, slurmd and munged are started as root"


def find(program: str) -> str | None:
    """Return the path of a program; those of daemons are not on everybody's PATH."""
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


class Slurm:
    """One controller and one node, from ``with`` to its end.

    Attributes
    ----------
    environment : dict
        What the queue's programs (sbatch, qlaunch, ...) need in their environment.
    accounts : Path
        A line for each job that ended, as SLURM's own ``jobcomp/filetxt`` writes it.
    node : str
        Name of the node.
    """

    def __init__(self, folder: Path, cores: int = 4, patience: float = 500) -> None:
        self.folder, self.cores, self.patience = Path(folder).absolute() / "slurm", cores, patience
        self.node = socket.gethostname().partition(".")[0]
        self.environment = {"SLURM_CONF": str(self.folder / "slurm.conf")}
        self.accounts = self.folder / "jobs"
        self.daemons: list[subprocess.Popen] = []

    # ---- from start to end

    def __enter__(self) -> Slurm:
        if reason := slurm_is_missing():
            pytest.skip(reason)
        self._lock = LOCK.open("w")
        self._until(self._locked, self.patience, "another SLURM on this machine does not end")
        self.munge = Path(tempfile.mkdtemp(prefix="munge-"))
        self.munge.chmod(0o711)  # as munged wants it: the socket is for everybody
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if len(self.daemons) == 3 and all(daemon.poll() is None for daemon in self.daemons):
            self._cancel_all()
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for pid in self._processes():  # what a job left behind, or steps of a job that did not end
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.munge, ignore_errors=True)
        self._lock.close()

    def _cancel_all(self) -> None:
        with suppress(subprocess.SubprocessError, TimeoutError):
            self.run("scancel", "--full", "--state=RUNNING", check=False)
            self.run("scancel", "--state=PENDING", check=False)
            self._until(lambda: not self.run("squeue", "-h", check=False).stdout.strip(), 60, "jobs do not end")

    def _start(self) -> None:
        for name in ("state", "spool"):
            (self.folder / name).mkdir(parents=True)
        controller, node = _free_ports(2)
        conf = CONF.format(
            host=self.node, folder=self.folder, munge=self.munge / "socket", cores=self.cores,
            controller=controller, node=node,
        )  # fmt: skip
        (self.folder / "slurm.conf").write_text(conf)
        self.accounts.touch()
        key = self.munge / "key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        own = ("key", "socket", "pid", "log", "seed")
        options = [f"--{'socket' if name == 'socket' else f'{name}-file'}={self.munge / name}" for name in own]
        self._daemon("munged", "--foreground", *options)
        self._until((self.munge / "socket").exists, 60, "munged does not start")
        self._daemon("slurmctld", "-D", "-f", self.folder / "slurm.conf")
        self._daemon("slurmd", "-D", "-f", self.folder / "slurm.conf")
        self._until(lambda: self.node_state().startswith("idle"), 120, "the node does not come up")

    def _daemon(self, program: str, *words: str | Path) -> None:
        command = [find(program) or program, *words]
        with (self.folder / f"{program}.out").open("wb") as output:
            self.daemons.append(
                subprocess.Popen(
                    command,
                    env=self.whole(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def whole(self, **more: str) -> dict[str, str]:
        """Return this process' environment with the queue's."""
        return {**os.environ, **self.environment, **more}

    def _locked(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _until(self, condition: Callable[[], bool], seconds: float, complaint: str) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{complaint}: {self.logs()}")
            time.sleep(0.2)

    def _processes(self) -> list[int]:
        """Return the processes that were started with this SLURM's configuration, this one left out."""
        return [
            process.pid
            for process in psutil.process_iter(["environ"])
            if (process.info["environ"] or {}).get("SLURM_CONF") == self.environment["SLURM_CONF"]
            and process.pid != os.getpid()
        ]

    # ---- in use

    def run(self, *words: str | Path, timeout: float = 120, check: bool = True) -> subprocess.CompletedProcess:
        """Run one of the queue's programs; with `check`, its failure is an AssertionError with what it said."""
        done = subprocess.run(
            words, env=self.whole(), capture_output=True, text=True, timeout=timeout, check=False
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}{self.logs()}"
        return done

    def sbatch(self, script: Path | str, *options: str, cwd: Path | None = None, **environment: str) -> int:
        """Submit a script (a file, or its text); return the job's id."""
        if isinstance(script, str):
            text, script = script, self.folder / f"script-{secrets.token_hex(4)}.sh"
            script.write_text(text)
        words = ["sbatch", "--parsable", *options, str(script)]
        done = subprocess.run(
            words, cwd=cwd or self.folder, env=self.whole(**environment),
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return int(done.stdout.strip().partition(";")[0])

    def jobs(self, states: str = "PENDING,RUNNING") -> list[int]:
        """Return the ids of the jobs in these states (``all``: also those that ended in the last minutes)."""
        return sorted(int(word) for word in self.run("squeue", "-h", f"--states={states}", "-o", "%A").stdout.split())

    def state(self, job: int) -> str:
        """Return a job's state (PENDING, RUNNING, COMPLETED, ...); empty when SLURM has forgotten it."""
        done = self.run("scontrol", "show", "job", "-o", str(job), check=False)
        return next((word.partition("=")[2] for word in done.stdout.split() if word.startswith("JobState=")), "")

    def wait(self, job: int, timeout: float, states: tuple[str, ...] = OVER) -> str:
        """Wait until a job is over, or in one of `states`; return the state."""
        try:
            self._until(lambda: self.state(job) in states, timeout, f"job {job} is none of {states}")
        except TimeoutError as error:
            raise TimeoutError(f"it is {self.state(job)}: {error}") from None
        return self.state(job)

    def node_state(self) -> str:
        """Return the node's state as sinfo says it: idle, mixed, allocated, drained, draining, down ..."""
        return self.run("sinfo", "-h", "-o", "%T", check=False).stdout.strip()

    def listing(self) -> str:
        """Return the account listing: the jobs that ended, and those that SLURM still knows."""
        keys = ("JobId", "Name", "JobState", "ExitCode", "StartTime", "EndTime", "TimeLimit", "NodeList", "ProcCnt")
        lines = ["  ".join(f"{key:12}" for key in keys)]
        for record in self.accounts.read_text().splitlines():
            fields = dict(word.split("=", 1) for word in record.split() if "=" in word)
            lines.append("  ".join(f"{fields.get(key, ''):12}" for key in keys))
        return "\n".join(lines) + "\n" + self.run("squeue", "-l", check=False).stdout

    def logs(self) -> str:
        """Return the ends of the daemons' logs, for a test that fails."""
        texts = [*self.folder.glob("*.log"), *self.folder.glob("*.out"), *self.munge.glob("log")]
        return "".join(f"\n== {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in texts)


def _free_ports(number: int) -> list[int]:
    """Return ports that nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
