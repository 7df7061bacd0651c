"""Where a calculation computes and where its files go: a scratch folder for each attempt, one folder for results."""

from __future__ import annotations

import shutil
import socket
import tempfile
import uuid
from pathlib import Path

from genarris_fw.engines.aims.job import CONTROL, GEOMETRY, HESSIAN, NEXT_STEP
from genarris_fw.engines.aims.launching import ERRORS, OUTPUT
from genarris_fw.errors import EngineError
from genarris_fw.files import whole_file

# The output comes last: while it is not there, the folder holds no finished calculation.
KEPT = (CONTROL, GEOMETRY, NEXT_STEP, HESSIAN, ERRORS, OUTPUT)


class Place:
    """The folders of one calculation.

    Parameters
    ----------
    results : Path or None
        Where the files are kept; None: nowhere.
    scratch : str or None
        Where the attempts compute; None: beside the results, or in the system's temporary folder.
    keep : list of str
        Names of further files to keep.
    """

    def __init__(self, results: Path | None, scratch: str | None, keep: list[str]) -> None:
        self.results = results.absolute() if results else None  # a library may change the working directory
        if scratch:
            self._root = Path(scratch)
        else:
            self._root = self.results.parent if self.results else Path(tempfile.gettempdir())
        self._keep = tuple(keep)

    def new_attempt(self) -> Path:
        """Make a folder that nobody else uses: an attempt believed lost may still be running elsewhere."""
        name = self.results.name if self.results else "aims"
        folder = self._root / f".{name}-{socket.gethostname()}-{uuid.uuid4().hex[:12]}"
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise unwritable(folder, error) from None
        return folder

    def keep_output_of(self, attempt: int) -> None:
        """Keep the output of an earlier attempt under a name of its own."""
        if self.results is not None and (self.results / OUTPUT).exists():
            (self.results / OUTPUT).replace(self.results / f"{OUTPUT}.{attempt}")

    def publish(self, folder: Path, finished: bool) -> None:
        """Move an attempt's files to the results, each at once, the output last; remove the scratch folder.

        Of a finished calculation the Hessian is not kept (6 MB for 160 atoms), unless ``keep`` names it.

        Raises
        ------
        EngineError
            Kind ``output`` where the folder cannot be written; the scratch folder stays.
        """
        try:
            if self.results is not None:
                self.results.mkdir(parents=True, exist_ok=True)
                (self.results / OUTPUT).unlink(missing_ok=True)
                if finished and HESSIAN not in self._keep:
                    (folder / HESSIAN).unlink(missing_ok=True)
                for name in (*(name for name in self._keep if name not in KEPT), *KEPT):
                    _move(folder / name, self.results / name)
        except OSError as error:
            raise unwritable(self.results or folder, error, f"; the files are in {folder}") from None
        shutil.rmtree(folder, ignore_errors=True)


def unwritable(folder: Path, error: OSError, more: str = "") -> EngineError:
    """Return the error for a folder that cannot be written."""
    return EngineError(
        f"{folder}: cannot be written ({error.strerror or error}); free space, or choose another aims_output_dir "
        f"or scratch_dir{more}",
        kind="output",
    )


def _move(source: Path, target: Path) -> None:
    """Move a file, also from another file system; where there is none, none is left of an earlier attempt."""
    if not source.is_file() or (source.name == ERRORS and not source.stat().st_size):
        target.unlink(missing_ok=True)
        return
    try:
        source.replace(target)
    except OSError:
        with whole_file(target) as beside:
            shutil.copyfile(source, beside)
