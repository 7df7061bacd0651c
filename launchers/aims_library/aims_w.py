"""FHI-aims as a Python module: ``aims_w.aims_w(handle)`` runs it in the current folder, on all ranks together.

``make`` builds ``libaims_w.so`` beside this file; the folder of both is what ``aims_lib_dir`` names.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from mpi4py import MPI  # first: FHI-aims must find its MPI library in memory, initialised

OUTPUT = "aims.out"

# Whoever wants to know which MPI library FHI-aims is linked with asks this.
library = ctypes.CDLL(str(Path(__file__).with_name("libaims_w.so")))
library.aims_w_open.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int)]
library.aims_w_run.argtypes = [ctypes.c_int, ctypes.c_int]
library.aims_w_open.restype = library.aims_w_run.restype = None


def aims_w(communicator: int) -> None:
    """Run FHI-aims on ``control.in`` and ``geometry.in`` of the current folder; other threads go on meanwhile.

    Parameters
    ----------
    communicator : int
        Fortran's handle of it (``communicator.py2f()``); all its ranks make this call.

    Raises
    ------
    OSError
        On all ranks, where ``aims.out`` cannot be written.
    """
    ranks = MPI.Comm.f2py(communicator)
    # The first rank writes the output; what others say is an exception, and goes to the standard output.
    first = ranks.Get_rank() == 0
    status = ctypes.c_int(0)
    if first:
        name = os.fsencode(OUTPUT)
        library.aims_w_open(len(name), name, ctypes.byref(status))
    ranks.Bcast([status, MPI.INT], root=0)
    if status.value:
        raise OSError(f"{Path.cwd() / OUTPUT}: cannot be written (Fortran's status {status.value})")
    library.aims_w_run(communicator, int(first))
