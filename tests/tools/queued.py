"""A sleepy run whose rockets are started by a real SLURM, through ``genarris-fw init`` and ``qlaunch``."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from command import genarris, python_path
from killing import TOOLS, Farm
from slurm import Slurm
from waiting import wait_until

BIN = Path(sys.executable).parent


class QueuedFarm(Farm):
    """A farm that reaches its rockets only through the queue."""

    def __init__(self, uri: str, folder: Path, slurm: Slurm) -> None:
        super().__init__(uri, folder)
        self.slurm = slurm
        self.launches = folder / "launches"
        self.launches.mkdir()
        done = genarris("init", "--queue", "slurm", "--uri", uri, "--force", cwd=folder)
        assert done.returncode == 0, done.stderr
        # FireWorks waits for 5 s after every submission.
        with (folder / "FW_config.yaml").open("a") as file:
            file.write("QUEUE_UPDATE_INTERVAL: 1\n")
        self.ask(ntasks_per_node=3, walltime="'00:05:00'", signal="null")

    def ask(self, **fields: object) -> None:
        """Change fields of my_qadapter.yaml, as a user does with an editor."""
        path = self.folder / "my_qadapter.yaml"
        text = path.read_text()
        for name, value in fields.items():
            text, found = re.subn(rf"^{name}: [^#\n]*", f"{name}: {value} ", text, flags=re.MULTILINE)
            assert found == 1, name
        path.write_text(text)

    def qlaunch(self, *words: str, seconds: float = 120) -> list[int]:
        """Call ``qlaunch`` in the run's folder; return the jobs that it submitted."""
        before = self.slurm.jobs("all")
        done = subprocess.run(
            [BIN / "qlaunch", "--launch_dir", self.launches, *words], cwd=self.folder,
            env=self.slurm.whole(PYTHONPATH=python_path(TOOLS)), capture_output=True, text=True, timeout=seconds,
            check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == 0 and "Traceback" not in said and "ERROR" not in said, said
        return sorted(set(self.slurm.jobs("all")) - set(before))

    def qlaunch_again(self, *words: str) -> int:
        """After a job's end as a surprise: ``recover`` until a firework is ready, then ``qlaunch``; return the job.

        A rocket that was killed before it could leave has left nothing ready; one that was killed between its
        checkout and its lease is known as lost only after a minute. One that is about to leave may take what is ready.
        """
        ready = {"spec.run": self.run, "state": "READY"}
        jobs: list[int] = []

        def submitted() -> bool:
            done = genarris("recover", cwd=self.folder)
            assert done.returncode == 0, done.stdout + done.stderr
            if self.launchpad.fireworks.count_documents(ready):
                jobs.extend(self.qlaunch(*words))
            return bool(jobs)

        self.wait_until(submitted)
        [job] = jobs
        return job

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        wait_until(condition, 240, lambda: f"{self.done()} items done: {self.outputs()}")

    def outputs(self) -> str:
        """Return what the jobs wrote."""
        places = [*self.launches.rglob("*.out"), *self.launches.rglob("*.error")]
        return "\n".join(f"== {path}\n{path.read_text()[-3000:]}" for path in places) + self.slurm.listing()
