"""One rank of a test of FHI-aims' library: two sub-communicators work at the same time, each rank tells what it saw.

``aims_library_ranks.py run LIBRARY_DIR FOLDER`` runs the library in the folders ``FOLDER/0``, ``FOLDER/1``, ...;
``engine`` evaluates ``FOLDER/n/start.in`` with the engine; ``single`` runs it in ``FOLDER/0`` with a library
that rank 1 looks for elsewhere; ``unwritable`` calls the module there, where ``aims.out`` cannot be opened.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from aims_inputs import control

from genarris_fw.crystal import read
from genarris_fw.engines import Context, get
from genarris_fw.engines.aims.library import load, run
from genarris_fw.errors import EngineError
from genarris_fw.farm.crews.crew import world


def main(what: str, library_dir: str, place: str) -> None:
    everybody, folder = world(), Path(place)
    team = everybody.Split(everybody.rank % 2, everybody.rank)
    before, found = Path.cwd(), []
    print("before the calls", flush=True)
    if what == "single":
        elsewhere = library_dir if everybody.rank != 1 else "/nowhere/at/all"
        found.append(told(run, everybody, elsewhere, folder / "0", Context()))
    elif what == "unwritable":
        os.chdir(folder / "0")
        try:
            load(library_dir)[0](everybody.py2f())
        except OSError as error:
            found.append(str(error))
        os.chdir(before)
    else:
        for one in sorted(folder.glob("[0-9]*"))[everybody.rank % 2 :: 2]:
            if what == "run":
                found.append(told(run, team, library_dir, one, Context()))
            else:
                engine = get("aims", aims_lib_dir=library_dir, control=control(["C", "N", "O", "H"]))
                context = Context(one / "results", communicator=team)
                found.append(engine.evaluate(read(one / "start.in")[0], context=context).energy)
    print("after the calls", flush=True)
    seen = {"found": found, "stayed": Path.cwd() == before}
    (folder / f"rank_{everybody.rank}.json").write_text(json.dumps(seen))


def told(function: Any, *arguments: Any) -> list[Any]:
    """Return the kind, permanence and words of the EngineError that a call raises, or nothing."""
    try:
        function(*arguments)
    except EngineError as error:
        return [error.kind, error.permanent, str(error)]
    return []


if __name__ == "__main__":
    main(*sys.argv[1:4])
