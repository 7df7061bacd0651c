"""The files with which FireWorks' own commands and a queueing system work on a folder's database.

They are made from the templates in ``templates/``; the folder ``launchers/`` of the repository shows them as made
for :data:`EXAMPLE`.
"""

from __future__ import annotations

import json
import re
import shlex
import socket
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from genarris_fw.database.find import Database
from genarris_fw.database.launchpads import database_name
from genarris_fw.database.redaction import without_password
from genarris_fw.errors import InputError

QUEUES = ("slurm", "pbs", "sge", "none")
SGE_TEMPLATE = "sge_template.txt"
QUEUE_JOBS = ("job_slurm.sh", "job_pbs.sh", "job_sge.sh")
_PRIVATE = ("my_launchpad.yaml",)


@dataclass(frozen=True)
class Destination:
    """What the templates are filled with.

    Attributes
    ----------
    folder : str
        The run's folder, absolute.
    uri : str
        The database; a password in it is left out of the files.
    origin : str
        Where the URI comes from, for a comment.
    embedded : bool
        The database is the folder's own, which a job starts.
    programs : str
        The folder of the programs (``bin/`` of the environment).
    host : str
        What the machine calls itself.
    """

    folder: str
    uri: str
    origin: str
    embedded: bool
    programs: str
    host: str

    @classmethod
    def here(cls, folder: Path, database: Database) -> Destination:
        """Return the place for a folder on this machine and in this environment."""
        folder = Path(folder).absolute()
        return cls(
            folder=str(folder),
            uri=database.uri,
            origin=database.origin,
            # Another folder's server is not for these jobs to start and stop.
            embedded=database.server is not None and database.server.folder == folder,
            programs=str(Path(sys.executable).parent),
            host=socket.gethostname(),
        )


EXAMPLE = Destination(
    folder="/path/to/run",
    uri="mongodb://127.0.0.1:27017/genarris",
    origin="an example",
    embedded=False,
    programs="/path/to/environment/bin",
    host="my_machine",
)


def render(template: str, place: Destination) -> str:
    """Return a template filled for a place; paths are quoted for the shell or for YAML as they need it."""
    folder = shlex.quote(place.folder)
    start, recover = f"genarris-fw db start --dir {folder}", f"genarris-fw recover --dir {folder}"
    end = 'export GENARRIS_FW_END="$(python3 -m genarris_fw.schedulers)"'  # asked once, not by every rocket
    before = [f'export PATH={shlex.quote(place.programs)}:"$PATH"', *([start] if place.embedded else []), recover, end]
    stop = f"stop_database() {{ genarris-fw db stop --dir {folder}; }}"
    values = {
        "FOLDER": folder,
        "FOLDER_YAML": json.dumps(place.folder, ensure_ascii=False),
        "BIN": shlex.quote(place.programs),
        "URI": json.dumps(without_password(place.uri)),
        "DATABASE": json.dumps(database_name(place.uri)),
        "ORIGIN": f"Found by genarris-fw init: {' '.join(place.origin.split())}.",
        "NAME": json.dumps(place.host),
        "PRE_ROCKET": "; ".join(before),
        "JOB_END": end,
        "TEMPLATE_YAML": json.dumps(f"{place.folder}/{SGE_TEMPLATE}", ensure_ascii=False),
        "LAUNCHPAD": f"-c {folder}",
        "DATABASE_START": "# the database is the one that my_launchpad.yaml names",
    }
    if place.embedded:
        if template in QUEUE_JOBS:  # other nodes of the job must reach it
            start = start.replace("db start", "db start --in-allocation")
            values["LAUNCHPAD"] = f"-l {folder}/genarris_db/my_launchpad.yaml"
        values["DATABASE_START"] = "\n".join((start + " || exit 2", stop, "trap stop_database EXIT"))
    text = (resources.files("genarris_fw.farm.launch") / "templates" / template).read_text(encoding="utf-8")
    return re.sub(r"@([A-Z_]+)@", lambda found: values[found[1]], text)


def launcher_files(place: Destination, queue: str) -> dict[str, str]:
    """Return the files for one folder.

    Parameters
    ----------
    place : Place
        What they are filled with.
    queue : {'slurm', 'pbs', 'sge', 'none'}
        The queueing system.

    Returns
    -------
    dict
        File name -> text.
    """
    names = {name: name for name in ("FW_config.yaml", "my_launchpad.yaml", "my_fworker.yaml")}
    if queue != "none":
        names["my_qadapter.yaml"] = f"my_qadapter_{queue}.yaml"
        names["my_qadapter_reserve.yaml"] = f"my_qadapter_reserve_{queue}.yaml"
    if queue == "sge":
        names[SGE_TEMPLATE] = SGE_TEMPLATE
    names["job.sh"] = f"job_{queue}.sh"
    return {name: render(template, place) for name, template in names.items()}


def example_files() -> dict[str, str]:
    """Return every template as filled for :data:`EXAMPLE`: the content of the repository's ``launchers/``."""
    folder = resources.files("genarris_fw.farm.launch") / "templates"
    return {item.name: render(item.name, EXAMPLE) for item in folder.iterdir() if item.is_file()}


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Write the files into the folder; those that are there are overwritten.

    Raises
    ------
    InputError
        When a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = folder / name
            path.touch(mode=0o600 if name in _PRIVATE else 0o666)
            if name in _PRIVATE:
                path.chmod(0o600)
            path.write_text(text, encoding="utf-8")
            if path.suffix == ".sh":
                path.chmod(path.stat().st_mode | 0o111)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to ({error.strerror})") from error
