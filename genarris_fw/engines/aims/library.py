"""FHI-aims as a library in this process: the module ``aims_w``, called by all ranks of a communicator.

Nothing can be done about a call that is under way. The library may end the whole process (Fortran's ``stop``,
``MPI_Abort``), and no Python runs in this thread until it returns, so there is no watchdog and no stop at a deadline.
What guards a farm against both works from outside: the lease's heartbeat is a process of its own, the crew's lifelines
notice a rank that is gone and end the ranks that wait for it, and the queue ends a job whose time is over; the work
item is then given to another replica.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from genarris_fw.engines.aims.launching import ERRORS, OUTPUT
from genarris_fw.engines.base import Context
from genarris_fw.errors import EngineError

if TYPE_CHECKING:
    from mpi4py.MPI import Comm

MODULE = "aims_w"
MAKE_IT = "build it as launchers/aims_library/README.md says"
# The first rank's standard output, while the library runs.
SPOKEN = f"{OUTPUT}.stdout"


def run(communicator: Comm, library_dir: str, folder: Path, context: Context) -> None:
    """Run FHI-aims on the ``control.in`` and ``geometry.in`` of a folder; all ranks of the communicator call this.

    What it writes is in ``aims.out`` of the folder, complete, when this returns: its own file of that name, or else
    what the first rank wrote to the standard output. What other ranks write there goes to ``aims.out.err``. The
    working directory is the folder meanwhile, in the whole process.

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm
        Whose ranks compute together.
    library_dir : str
        The folder of the module ``aims_w``, made by ``launchers/aims_library`` or by f2py as for Genarris 2.0.
    folder : Path
        Seen by all ranks; nobody else uses it.
    context : Context
        Not looked at: a call cannot be ended early.

    Raises
    ------
    EngineError
        On all ranks the same: ``missing`` where the module cannot be loaded (no such folder, built for another
        Python, other libraries or another MPI library than mpi4py's), or where a rank does not see the folder;
        ``crash`` where the call raised.
    """
    first = communicator.Get_rank() == 0
    with _agreed(communicator):
        call, libraries = load(library_dir)
        file = _file_for_stdout(folder, first)
    _unlimited_stack()
    with _agreed(communicator), _inside(folder), _stdout_to(file, libraries):
        try:
            call(communicator.py2f())
        except Exception as error:
            raise EngineError(f"{MODULE}: {type(error).__name__}: {error}", "crash") from error
    if first:
        _keep_spoken(folder)


@cache
def load(library_dir: str) -> tuple[Callable[[int], object], list[ctypes.CDLL]]:
    """Import ``aims_w`` from a folder, and from nowhere else.

    Parameters
    ----------
    library_dir : str
        The folder.

    Returns
    -------
    call : callable
        Runs FHI-aims in the current folder; takes Fortran's handle of a communicator.
    libraries : list of ctypes.CDLL
        The shared libraries of the module that are known.

    Raises
    ------
    EngineError
        Kind ``missing``.
    """
    version = mpi().Get_library_version()  # the library must find MPI in memory, and initialised
    module = _module(Path(library_dir).absolute())
    call = getattr(module, MODULE, None)
    if not callable(call):
        raise EngineError(f"{module.__file__}: it has no function {MODULE}; {MAKE_IT}", "missing", True)
    libraries = _libraries(module)
    for library in libraries:
        _refuse_other_mpi(library, str(module.__file__), version)
    return call, libraries


def mpi() -> ModuleType:
    """Return mpi4py's module ``MPI``, which initialises MPI.

    Raises
    ------
    EngineError
        Kind ``missing`` where mpi4py or an MPI library is not there.
    """
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        said = str(error).splitlines()[-1] if str(error) else type(error).__name__
        message = f"aims_lib_dir needs mpi4py and the MPI library of FHI-aims ({said}); pip install mpi4py, and set "
        raise EngineError(f"{message}MPI4PY_LIBMPI to its libmpi.so", "missing", True) from error
    return MPI


def _module(folder: Path) -> ModuleType:
    if not folder.is_dir():
        raise EngineError(f"aims_lib_dir: {folder}: there is no such folder on this machine; correct it", "missing")
    spec = PathFinder.find_spec(MODULE, [str(folder)])
    if spec is None or spec.loader is None or spec.origin is None:
        raise _not_there(folder)
    try:
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    except (ImportError, OSError) as error:
        raise _not_loaded(Path(spec.origin), " ".join(str(error).split())) from error
    except Exception as error:
        raise EngineError(f"{spec.origin}: {type(error).__name__}: {error}; {MAKE_IT}", "missing", True) from error
    return module


def _not_there(folder: Path) -> EngineError:
    """Say why the module is not found: not made, or made by another Python."""
    others = sorted(path.name for path in folder.glob(f"{MODULE}*.so"))
    if others:
        here = f"Python {sys.version_info.major}.{sys.version_info.minor} (it would be {MODULE}{EXTENSION_SUFFIXES[0]})"
        message = f"aims_lib_dir: {folder}: {others[0]} is built for another Python than this {here}; {MAKE_IT}"
        return EngineError(message, "missing", True)
    return EngineError(f"aims_lib_dir: {folder}: there is no module {MODULE}; {MAKE_IT}", "missing")


def _not_loaded(file: Path, said: str) -> EngineError:
    """Say what to do about what the dynamic linker or Python says."""
    if "undefined symbol" in said:
        advice = f"it was linked with other libraries than are loaded here; {MAKE_IT}"
    elif "cannot open shared object file" in said:
        advice = "load the modules it was built with (LD_LIBRARY_PATH), or build it again"
    elif "version" in said and "not found" in said:
        advice = f"it was built on a newer system; {MAKE_IT} on this one"
    else:
        advice = MAKE_IT
    return EngineError(f"{file}: cannot be loaded ({said}); {advice}", "missing", "undefined symbol" in said)


def _libraries(module: ModuleType) -> list[ctypes.CDLL]:
    """The shared libraries that a module is, or holds as ctypes has loaded them."""
    held = [value for value in vars(module).values() if isinstance(value, ctypes.CDLL)]
    if str(module.__file__).endswith(tuple(EXTENSION_SUFFIXES)):
        held.append(ctypes.CDLL(str(module.__file__)))
    return held


def _refuse_other_mpi(library: ctypes.CDLL, file: str, ours: str) -> None:
    """Ask the MPI library that FHI-aims is linked with whether it is the initialised one, mpi4py's."""
    initialized = ctypes.c_int(1)
    version, length = ctypes.create_string_buffer(8192), ctypes.c_int()
    with suppress(AttributeError):  # one that is linked statically, and keeps its names to itself
        library.MPI_Initialized(ctypes.byref(initialized))
        library.MPI_Get_library_version(version, ctypes.byref(length))
    if not initialized.value:
        its = version.value.decode(errors="replace")
        raise EngineError(
            f"{file}: FHI-aims is linked with another MPI library ({_short(its)}) than mpi4py uses ({_short(ours)}); "
            "set MPI4PY_LIBMPI to the libmpi.so of FHI-aims, and start with the mpirun of the same library",
            "missing",
            True,
        )


def _short(version: str) -> str:
    return " ".join(version.partition("\n")[0].split(",")[0].split())


@contextmanager
def _agreed(communicator: Comm) -> Iterator[None]:
    """Make a failure of some ranks one of all, so that none waits for the others in vain."""
    failure: EngineError | None = None
    try:
        yield
    except EngineError as error:
        failure = error
    except OSError as error:
        failure = EngineError(str(error), "crash")
    rank, size = communicator.Get_rank(), communicator.Get_size()
    failed = np.array([size if failure is None else rank])
    every = np.empty(size, failed.dtype)
    communicator.Allgather(failed, every)
    first = int(every.min())
    if first == size:
        return
    told = _tell(communicator, first, failure)
    if size > 1:
        told["message"] = f"rank {first} of {size} on {told['host']}: {told['message']}"
    raise EngineError(told["message"], told["kind"], told["permanent"]) from failure


def _tell(communicator: Comm, root: int, failure: EngineError | None) -> dict[str, Any]:
    """Return the failure of one rank on all."""
    data = np.empty(0, np.uint8)
    if failure is not None and communicator.Get_rank() == root:
        host = socket.gethostname()
        told = {"message": str(failure), "kind": failure.kind, "permanent": failure.permanent, "host": host}
        data = np.frombuffer(json.dumps(told).encode(), np.uint8).copy()
    length = np.array([data.size])
    communicator.Bcast(length, root=root)
    if not data.size:
        data = np.empty(int(length[0]), np.uint8)
    communicator.Bcast(data, root=root)
    found: dict[str, Any] = json.loads(data.tobytes())
    return found


def _unlimited_stack() -> None:
    """Lift the limit of the main thread's stack as far as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _file_for_stdout(folder: Path, first: bool) -> int:
    """Open the file that this rank's standard output goes to; what an earlier run has left there is removed."""
    if not folder.is_dir():
        raise EngineError(f"{folder}: there is no such folder; use a file system that all nodes share", "missing")
    if first:
        (folder / OUTPUT).unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if first else os.O_APPEND)
    return os.open(folder / (SPOKEN if first else ERRORS), flags, 0o644)


@contextmanager
def _stdout_to(file: int, libraries: list[ctypes.CDLL]) -> Iterator[None]:
    """Send this process's standard output to an open file, which is closed at the end."""
    _flush(libraries)
    before = os.dup(1)
    os.dup2(file, 1)
    os.close(file)
    try:
        yield
    finally:
        _flush(libraries)
        os.dup2(before, 1)
        os.close(before)


def _flush(libraries: list[ctypes.CDLL]) -> None:
    """Have C and gfortran write what they hold back; Intel's Fortran holds nothing back."""
    sys.stdout.flush()
    ctypes.CDLL(None).fflush(None)
    for library in libraries:
        with suppress(AttributeError):
            library._gfortran_flush_i4(None)  # all units


def _keep_spoken(folder: Path) -> None:
    """Make the first rank's standard output the output, where FHI-aims wrote no file; else keep it with the errors."""
    spoken, output, errors = folder / SPOKEN, folder / OUTPUT, folder / ERRORS
    if not output.exists():
        spoken.replace(output)
    else:
        said = spoken.read_bytes()
        if said:
            with errors.open("ab") as file:
                file.write(said)
        spoken.unlink()
    if errors.exists() and not errors.stat().st_size:
        errors.unlink()
