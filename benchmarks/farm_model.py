"""A model of the farm, event by event; `simulate_farm.py` makes tables of it.

The database is a server with some slots (cores) and one queue; what it spends on a claim, a commit, a renewal and a
tally is measured (`farm_costs.py`) and drawn from an exponential distribution of that mean; on top of it comes the
network, which takes time but no slot. A replica does what `genarris_fw.farm.replica` does: it claims some seconds of
work, commits twice in that time, tallies every five seconds; its heartbeat renews four times in a lease. Times of
items are log-normal. A killed replica is replaced; its items come back when their lease ends.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from genarris_fw.farm.decisions.replica import IDLE_SLEEP, SECONDS_BETWEEN_CHECKS, SECONDS_PER_CLAIM, most_to_claim
from genarris_fw.farm.heartbeat import BEATS_PER_LEASE


@dataclass
class Costs:
    """What the database spends, in seconds of one slot.

    The defaults are processor seconds of the embedded server (6.0.5, journal on) on 2 cores of a shared virtual
    machine, from ``farm_costs.py`` with 10^5 items waiting.
    """

    look: float = 0.00025  # at how many items wait, and per item that is counted: up to the claim's size
    look_item: float = 0.000001
    claim: float = 0.0020  # a claim, and per item of it
    claim_item: float = 0.00007
    commit: float = 0.0008
    commit_item: float = 0.00014
    renew: float = 0.0007
    renew_item: float = 0.00003
    tally: float = 0.0002


@dataclass
class Setting:
    """What is simulated.

    Attributes
    ----------
    replicas, items : int
        How many.
    seconds, sigma : float
        Mean of an item's time, and the width of its logarithm.
    slots : int
        How many operations the database works on at a time.
    network, journal : float
        Seconds of a round trip, and until the journal has a write: they take no slot.
    lease : float
        Seconds of a lease.
    kills : float
        Kills of a replica per hour and replica.
    restart : float
        Seconds until a killed replica is replaced.
    start : float
        Replicas begin at random times within so many seconds.
    until, operations : float
        The simulation stops at this time, or after so many operations.
    warm_up : float
        What happens before this time is not counted in the averages.
    """

    replicas: int = 1000
    items: int = 1_000_000
    seconds: float = 1.0
    sigma: float = 0.5
    slots: int = 2
    network: float = 0.0005
    journal: float = 0.003
    lease: float = 60.0
    kills: float = 0.0
    restart: float = 60.0
    start: float = 30.0
    until: float = math.inf
    operations: float = math.inf
    warm_up: float = 0.0
    costs: Costs = field(default_factory=Costs)


@dataclass
class Result:
    """What came out; rates and shares are those after the warm-up."""

    done: int = 0
    makespan: float = 0.0
    throughput: float = 0.0
    database: float = 0.0  # share of its slots that are busy
    idle: float = 0.0  # share of the replicas' time that is not work
    claim_p50: float = 0.0
    claim_p99: float = 0.0
    operations: int = 0
    waiting: float = 0.0  # mean number of operations in the database (in work and queued)
    arrivals: float = 0.0  # operations per second
    stay: float = 0.0  # mean seconds of an operation in the database
    lost: int = 0  # leases that ended before their commit
    in_vain: int = 0  # items worked on whose lease was lost meanwhile
    kills: int = 0


class Database:
    """A number of slots and one queue, first come first served."""

    def __init__(self, farm: Simulation, slots: int) -> None:
        self.farm, self.free, self.slots = farm, slots, slots
        self.queue: deque[tuple[float, float, Callable[[], None]]] = deque()
        self.reset()

    def reset(self) -> None:
        """Begin the averages anew."""
        self.since = self.changed = self.farm.now
        self.inside = getattr(self, "inside", 0)
        self.area = self.busy = self.stay = 0.0
        self.arrived = self.served = 0

    def _count(self, change: int) -> None:
        now = self.farm.now
        self.area += self.inside * (now - self.changed)
        self.busy += (self.slots - self.free) * (now - self.changed)
        self.changed, self.inside = now, self.inside + change

    def ask(self, mean: float, then: Callable[[], None]) -> None:
        """Have an operation done; `then` is called when it is."""
        self._count(+1)
        self.arrived += 1
        service = self.farm.chance.expovariate(1.0 / mean) if mean > 0 else 0.0
        self.queue.append((self.farm.now, service, then))
        self._serve()

    def _serve(self) -> None:
        while self.free and self.queue:
            arrived, service, then = self.queue.popleft()
            self.free -= 1
            self.farm.after(service, lambda a=arrived, t=then: self._end(a, t))  # type: ignore[misc]

    def _end(self, arrived: float, then: Callable[[], None]) -> None:
        self._count(-1)
        self.free += 1
        self.served += 1
        self.stay += self.farm.now - arrived
        self._serve()
        then()


class Worker:
    """One replica and its heartbeat."""

    def __init__(self, farm: Simulation, start: float) -> None:
        self.farm, self.alive = farm, True
        self.held: dict[int, int] = {}  # item -> fencing token
        self.mean: float | None = None
        self.renewed = self.checked = -math.inf
        self.sleep = IDLE_SLEEP[0]
        self.seconds = 0.0
        farm.after(start, self._begin)

    def _when_alive(self, then: Callable[[], None]) -> Callable[[], None]:
        return lambda: then() if self.alive else None

    def _ask(self, mean: float, trips: int, then: Callable[[], None], journal: bool = True) -> None:
        """Have the database do something, with some round trips for it; most of it waits for the journal."""
        outside = trips * self.farm.setting.network + (self.farm.setting.journal if journal else 0.0)
        self.farm.database.ask(mean, lambda: self.farm.after(outside, self._when_alive(then)))

    def _begin(self) -> None:
        setting = self.farm.setting
        self.renewed = self.farm.now
        self.farm.after(setting.lease / BEATS_PER_LEASE, self._when_alive(self._renew))
        self.farm.after(setting.lease, self._expire)
        if setting.kills:
            self.farm.after(self.farm.chance.expovariate(setting.kills / 3600.0), self._when_alive(self._die))
        self._next()

    def _next(self) -> None:
        if self.farm.now - self.checked > SECONDS_BETWEEN_CHECKS:
            self.checked = self.farm.now
            self._ask(self.farm.setting.costs.tally, 1, self._claim, journal=False)
        else:
            self._claim()

    def _largest(self) -> int:
        """Return how many items make some seconds of work."""
        return 1 if self.mean is None else claim_size(self.mean)

    def _claim(self) -> None:
        asked, largest, costs = self.farm.now, self._largest(), self.farm.setting.costs
        size = max(1, min(largest, -(-self.farm.waiting() // self.farm.setting.replicas)))

        def claimed() -> None:
            items = self.farm.take(size)
            if items:
                self.farm.claims.append(self.farm.now - asked)
                self.held.update(items)
                self.renewed = self.farm.now  # a claim's lease is a new one
                self.sleep = IDLE_SLEEP[0]
                self._work(list(items))
            elif self.farm.result.done < self.farm.setting.items:
                self.farm.after(self.sleep, self._when_alive(self._claim))
                self.sleep = min(2 * self.sleep, IDLE_SLEEP[1])

        look = 0.0
        if largest > 1:
            look = costs.look + min(self.farm.waiting() / self.farm.setting.replicas, largest) * costs.look_item
        self._ask(look + costs.claim + size * costs.claim_item, 4 if size > 1 else 1, claimed)

    def _work(self, items: list[int]) -> None:
        """Work on items until it is time to commit."""
        spent, finished = 0.0, 0
        for _ in items:
            seconds = self.farm.item_seconds()
            self.mean = seconds if self.mean is None else 0.7 * self.mean + 0.3 * seconds
            spent += seconds
            finished += 1
            if spent > SECONDS_PER_CLAIM / 2:
                break
        self.seconds += spent
        self.farm.after(spent, self._when_alive(lambda: self._commit(items[:finished], items[finished:])))

    def _commit(self, finished: list[int], rest: list[int]) -> None:
        costs = self.farm.setting.costs

        def committed() -> None:
            for item in finished:
                self.farm.commit(item, self.held.pop(item, -1))
            if rest:
                self._work(rest)
            else:
                self._next()

        self._ask(costs.commit + len(finished) * costs.commit_item, 1, committed)

    def _renew(self) -> None:
        setting = self.farm.setting

        def renewed() -> None:
            self.renewed = self.farm.now
            self.farm.after(setting.lease / BEATS_PER_LEASE, self._when_alive(self._renew))

        self._ask(setting.costs.renew + len(self.held) * setting.costs.renew_item, 2, renewed)

    def _expire(self) -> None:
        """Return the items to the others when the lease has not been renewed in time."""
        ends = self.renewed + self.farm.setting.lease
        if ends > self.farm.now:
            self.farm.after(ends - self.farm.now, self._expire)
            return
        self.farm.give_back(self.held)
        if self.alive:
            self.farm.after(self.farm.setting.lease, self._expire)

    def _die(self) -> None:
        self.alive = False
        self.farm.result.kills += 1
        self.farm.replace(self)


class Simulation:
    """The farm in simulated time.

    Parameters
    ----------
    setting : Setting
        What is simulated.
    seed : int
        Of all that is random.
    """

    def __init__(self, setting: Setting, seed: int = 0) -> None:
        self.setting, self.chance, self.result = setting, random.Random(seed), Result()
        self.now, self._events, self._number = 0.0, [], 0  # type: ignore[var-annotated]
        self.database = Database(self, setting.slots)
        self.fresh, self.returned = 0, deque()  # type: ignore[var-annotated]
        self.tokens: dict[int, int] = {}
        self.times_done = bytearray(setting.items)
        self.claims: list[float] = []
        self._mu = math.log(setting.seconds) - setting.sigma**2 / 2 if setting.seconds > 0 else None
        self._done_before, self._began = 0, 0.0
        self._work_before = 0.0
        self.workers = [Worker(self, self.chance.uniform(0, setting.start)) for _ in range(setting.replicas)]
        self._gone: list[Worker] = []

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        """Have something happen later."""
        self._number += 1
        heapq.heappush(self._events, (self.now + seconds, self._number, then))

    def item_seconds(self) -> float:
        """Draw the time of an item."""
        return 0.0 if self._mu is None else self.chance.lognormvariate(self._mu, self.setting.sigma)

    def waiting(self) -> int:
        """Return how many items wait."""
        return self.setting.items - self.fresh + len(self.returned)

    def take(self, number: int) -> dict[int, int]:
        """Lease up to so many items; return them with their fencing tokens."""
        taken = {}
        for _ in range(min(number, self.waiting())):
            if self.returned:
                item = self.returned.popleft()
            else:
                item = self.fresh
                self.fresh += 1
            taken[item] = self.tokens.get(item, 0)
        return taken

    def give_back(self, held: dict[int, int]) -> None:
        """Return items whose lease has ended."""
        for item in held:
            self.tokens[item] = self.tokens.get(item, 0) + 1
            self.returned.append(item)
        self.result.lost += len(held)
        held.clear()

    def commit(self, item: int, token: int) -> None:
        """Count an item as done, unless its lease was lost."""
        if token != self.tokens.get(item, 0):
            self.result.in_vain += 1
            return
        self.times_done[item] += 1
        self.result.done += 1

    def replace(self, worker: Worker) -> None:
        """Start a new replica in the place of a killed one."""
        self._gone.append(worker)
        self.workers[self.workers.index(worker)] = Worker(self, self.setting.restart)

    def run(self) -> Result:
        """Simulate until all items are done, or a limit is reached."""
        warm = self.setting.warm_up <= 0
        while self._events and self.result.done < self.setting.items:
            time, _, then = heapq.heappop(self._events)
            if time > self.setting.until or self.database.arrived > self.setting.operations:
                break
            self.now = time
            then()
            if not warm and self.now >= self.setting.warm_up:
                warm = True
                self.database.reset()
                self.claims.clear()
                self._done_before, self._began, self._work_before = self.result.done, self.now, self._worked()
        return self._summary()

    def _worked(self) -> float:
        return sum(worker.seconds for worker in (*self.workers, *self._gone))

    def _summary(self) -> Result:
        result, database = self.result, self.database
        database._count(0)
        elapsed = max(self.now - self._began, 1e-12)
        claims = sorted(self.claims) or [0.0]
        result.makespan = self.now
        result.throughput = (result.done - self._done_before) / elapsed
        result.database = database.busy / elapsed / database.slots
        result.idle = max(0.0, 1.0 - (self._worked() - self._work_before) / (elapsed * self.setting.replicas))
        result.claim_p50, result.claim_p99 = (claims[int(q * (len(claims) - 1))] for q in (0.5, 0.99))
        result.operations, result.arrivals = database.served, database.arrived / elapsed
        result.waiting, result.stay = database.area / elapsed, database.stay / max(1, database.served)
        return result


def claim_size(seconds: float) -> int:
    """Return how many items of this many seconds a replica claims."""
    return most_to_claim(seconds, math.inf)


def saturation(seconds: float, slots: int, costs: Costs, lease: float = 60.0) -> float:
    """Return how many replicas the database can serve at most, from the costs alone."""
    size = claim_size(seconds)
    commits = max(1.0, min(float(size), size * seconds / (SECONDS_PER_CLAIM / 2)))
    look = costs.look + size * costs.look_item if size > 1 else 0.0
    items = costs.claim + look + costs.commit * commits + size * (costs.claim_item + costs.commit_item)
    held = size / 2 * costs.renew_item
    beside = (costs.renew + held) * BEATS_PER_LEASE / lease + costs.tally / max(SECONDS_BETWEEN_CHECKS, size * seconds)
    return slots / (items / (size * seconds) + beside)
