"""A procedure for the tests of MPI: every item is done by all ranks of its replica together."""

from __future__ import annotations

import sys
import time
from typing import Any

from sleepy import Sleepy, SleepyStep

from genarris_fw.catalogue.work_items import Item
from genarris_fw.farm.crews import crew
from genarris_fw.farm.lifeline import Lifeline
from genarris_fw.procedures.kit.base import Outcome, explicit_serialize


@explicit_serialize
class Crews(Sleepy):
    """For every item, the sum over the ranks of its replica; ``broken`` items fail on the last rank."""

    def work(self, campaign: SleepyStep, item: Item) -> Outcome:
        number, mine = item.payload["number"], crew.current()
        assert mine is not None
        found = mine.call(
            "crews:sum_of_ranks",
            number=number,
            seconds=campaign.options.seconds,
            busy=campaign.options.busy,
            broken=number in campaign.options.broken,
        )
        name = f"geometry_{campaign.step}_{number:05d}"
        document = {"struct_id": name, "n_atoms": 0, "properties": found}
        return Outcome({"square": number**2, "struct_id": name} | found, structures=[document])


def sum_of_ranks(communicator: Any, number: int, seconds: float, busy: float, broken: bool) -> dict[str, Any]:
    """Wait together, then sum the item's number over all ranks."""
    time.sleep(seconds)
    begun = time.thread_time()
    while time.thread_time() - begun < busy:
        pass
    if broken and communicator.rank == communicator.size - 1:
        raise ValueError(f"number {number} is broken")
    return {"ranks": communicator.size, "total": -1 if broken else communicator.allreduce(number)}


def one_waits_in_vain(communicator: Any) -> None:
    """Fail on one rank while the others wait for it."""
    if communicator.rank == 1:
        raise ValueError("no")
    communicator.Barrier()


def processor_seconds(communicator: Any, padding: str = "") -> None:
    """Say how much processor time a rank of the crew has taken since the call before."""
    global _spent
    if communicator.rank and padding:
        print(f"with {len(padding)} characters, waited at the price of {time.process_time() - _spent:.3f}", flush=True)
    _spent = time.process_time()


_spent = 0.0


def main(function: str) -> None:
    """Be one rank of a crew that has no run, only calls."""
    line = Lifeline(stuck_seconds=1.0)
    everybody = crew.world()
    mine = crew.assemble(everybody, 1, line)
    if not mine.leads:
        mine.follow()
    else:
        mine.call(f"crews:{function}")
        if function == "processor_seconds":
            time.sleep(3)
            mine.call("crews:processor_seconds", padding="x" * 1_000_000)
        print("came back", flush=True)
    mine.dismiss()
    crew.depart(everybody, 0)


if __name__ == "__main__":
    main(sys.argv[1])
