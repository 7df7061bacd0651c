"""The protocol of docs/protocol.md as a program: each operation of the database is one step, anything may come between.

A freeze is nothing but the steps of others in between; a clock that jumps is a lease that ends at any moment, that of a
living holder too. What a process has read is part of the state. A step of a run has two rockets on the workflow's path
(the second is there when recovery has made the firework ready again, whether the first one lives or not) and side
replicas; a successor is a rocket that ends and is recovered at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from explorer import Label

PATH = 2  # rockets that may be on the path at once
UNFINISHED = ("waiting", "leased", "committed")
OVER = ("done", "failed")
NAMES = "abc"


class Condition(NamedTuple):
    """What the protocol asks for; without it, the fault is found in this configuration, with so many lost leases."""

    says: str
    configuration: str
    expiries: int


CONDITIONS = {
    "token raised": Condition("who takes a lease raises its token", "plan of two", 2),
    "planned apart": Condition("a round's items are inserted as planned, not as waiting", "plan and rounds", 0),
    "planned taken over": Condition(
        "what is planned under a lower token becomes the new holder's own, with its payload", "failures", 1
    ),
    "taken over whole": Condition("what its planner removes at that moment is inserted again", "failures", 1),
    "record fenced": Condition("a round is recorded only under the newest token", "failures", 1),
    "removed exactly": Condition(
        "an overtaken holder removes what is planned under its own round and token alone", "plan of two", 1
    ),
    "released exactly": Condition(
        "only what is planned under the recorded round and token is released", "plan and rounds", 1
    ),
    "takeover releases": Condition("who takes a lease over releases the last recorded round", "failures", 1),
    "committed unfinished": Condition("an item whose followers are not inserted is not done", "rounds", 0),
    "following after": Condition("what follows from an item is inserted after its commit, not before", "rounds", 0),
    "settled in order": Condition("an item is done after what follows from it is there, not before", "rounds", 0),
    "keys stay": Condition("an item that is there is never inserted again", "rounds", 0),
    "claim fenced": Condition("an item's outcome is written only under its newest token", "rounds", 1),
    "commit fenced": Condition("the result is committed only under the newest token", "run again", 1),
    "committed last": Condition("nothing is visible before the commit", "failures", 0),
    "takeover publishes": Condition("who takes over a committed lease publishes that result", "run again", 1),
    "published first": Condition("the lease is collected after all is visible", "run again", 0),
    "published fenced": Condition("a lower token does not overwrite what a higher one has published", "run again", 1),
}


# These follow from the others: without one of them, nothing is found.
SPARE = {
    "undecided": "a round is recorded, and a result committed, only where nothing is committed yet",
    "recovery raises": "recovery raises the token before the next holder does",
    "second look": "the holder looks once more after it has noted that all is planned; here, a look is one step",
}


class Item(NamedTuple):
    """A work item; `basis` is its payload: the items that were done when it was planned."""

    state: str = "absent"
    round: int = 0
    token: int = 0
    basis: int = 0


class Lease(NamedTuple):
    """The lease of a firework on the path; `planned` are the items of its recorded rounds."""

    token: int = 0
    round: int = 0
    under: int = 0
    planned: int = 0
    held: bool = False  # somebody has taken it, and it was not given back
    noted: bool = False  # that all is planned
    committed: tuple[int, int] | None = None
    collected: bool = False


class Rocket(NamedTuple):
    """A process: where it is in its program, and what it knows."""

    at: str = "none"
    gate: bool = True
    token: int = 0
    round: int = 0
    under: int = 0
    item: int = 0
    claim: bool = False
    basis: int = 0
    result: tuple[int, int] = (0, 0)  # token of the commit, done items
    then: str = ""


class State(NamedTuple):
    """The database, the processes, and what may yet go wrong."""

    firework: str
    ready: bool
    plan: Lease
    gate: Lease
    items: tuple[Item, ...]
    rockets: tuple[Rocket, ...]
    pool: tuple[int, int, int] = (0, 0, 0)  # token of who published, token of the commit, items
    summary: tuple[int, int, int] = (0, 0, 0)
    fence: int = 0  # lower tokens are refused by the run's document
    kills: int = 0
    expiries: int = 0
    failures: int = 0
    retries: int = 0
    effects: int = 0  # the items that were ever committed
    fault: str = ""


NOBODY, IDLE, GONE = Rocket(), Rocket("idle"), Rocket("gone")
WAITING, LEASED = Item("waiting"), Item("leased")
Steps = Iterator[tuple[Label, State]]


@dataclass(frozen=True)
class Configuration:
    """What is explored.

    Parameters
    ----------
    plan : bool
        The firework that plans round 0 is explored as well.
    first : tuple of int
        The items of round 0.
    following : dict of int to int
        The item that follows from an item.
    next_round : callable
        From the done items (bits) to the items of the next round.
    sides, kills, expiries, failures, retries : int
        How many side replicas there are, and how often a process is killed, the lease of a living one ends, an item
        fails, and a finished step is run again for its failed items.
    """

    name: str
    plan: bool = False
    first: tuple[int, ...] = (0,)
    following: tuple[tuple[int, int], ...] = ()
    next_round: Callable[[int], tuple[int, ...]] = lambda done: ()
    sides: int = 2
    kills: int = 1
    expiries: int = 1
    failures: int = 0
    retries: int = 0


class ProtocolModel:
    """One step of a run, carried out by the protocol.

    Parameters
    ----------
    configuration : Configuration
        Which items, processes and faults there are.
    without : str, optional
        The condition that is left out (`CONDITIONS`, `SPARE`).
    rule : str, optional
        ``new``; ``today``: no recorded rounds, the pool before the look at the lease; or ``forgiving``: what has failed
        may wait again, unless the lease says that all is planned, and the holder looks once more after that.
    alike : bool, optional
        States that differ in the order of equal processes are one; not where a process has to be followed.
    """

    def __init__(self, configuration: Configuration, without: str = "", rule: str = "new", alike: bool = True) -> None:
        self.configuration = configuration
        self.conditions = {*CONDITIONS, *SPARE} - {without}
        self.alike = alike
        self.today, self.forgiving = rule == "today", rule == "forgiving"
        self.follower = dict(configuration.following)
        self.most_tokens = 4 + 2 * (configuration.kills + configuration.expiries + configuration.retries)
        self.programs = {
            name.removeprefix("at_").replace("_", " "): getattr(self, name) for name in dir(self) if name[:3] == "at_"
        }

    def first(self) -> State:
        one = self.configuration
        items = [Item() for _ in NAMES]
        if not one.plan:
            for i in one.first:
                items[i] = WAITING
        first = State(
            firework="plan" if one.plan else "gate",
            ready=True,
            plan=Lease() if one.plan else Lease(collected=True),
            gate=Lease(),
            items=tuple(items),
            rockets=(NOBODY,) * PATH + (IDLE,) * one.sides,
            kills=one.kills,
            expiries=one.expiries,
            failures=one.failures,
            retries=one.retries,
        )
        return _launch(first)

    def canonical(self, state: State) -> State:
        """Rockets on the path are alike, and so are sides: their order means nothing."""
        if not self.alike:
            return state
        rockets = state.rockets
        ordered = (*sorted(rockets[:PATH]), *sorted(rockets[PATH:]))
        return state if ordered == rockets else state._replace(rockets=ordered)

    # What may happen next

    def steps(self, state: State) -> Steps:
        for n, rocket in enumerate(state.rockets):
            if rocket.at not in ("none", "gone"):
                yield from self.programs[rocket.at](state, n, rocket)
        yield from self._faults(state)

    def _faults(self, state: State) -> Steps:
        lease = getattr(state, state.firework, None)
        # What is recovered more often than processes can be lost would never end.
        if lease is not None and not state.ready and lease.token < self.most_tokens:
            lives = any(
                r.at in ("starting", "finishing") or (lease.held and r.token == lease.token)
                for r in state.rockets[:PATH]
                if r.at != "none" and r.gate == (state.firework == "gate")
            )
            if not lives or state.expiries:
                raised = lease.held and "recovery raises" in self.conditions
                lease = lease._replace(token=lease.token + raised, held=raised)
                fence = max(state.fence, lease.token) if raised and state.firework == "gate" else state.fence
                more = {state.firework: lease, "fence": fence}
                after = state._replace(ready=True, expiries=state.expiries - lives, **more)
                yield (
                    ("recovery", "makes it ready again, though it lives" if lives else "makes it ready again"),
                    _launch(after),
                )
        for i, item in enumerate(state.items):
            if item.state == "leased":
                n = next((n for n, r in enumerate(state.rockets) if r.claim and r.item == i), None)
                if n is None:
                    yield ("reaping", "a lost item waits", i), _item(state, i, item._replace(state="waiting"))
                elif state.expiries:
                    after = _put(state, n, state.rockets[n]._replace(claim=False), expiries=state.expiries - 1)
                    yield (
                        ("reaping", "an item of a living replica waits", i),
                        _item(after, i, item._replace(state="waiting")),
                    )
        if state.kills:
            for n, rocket in enumerate(state.rockets):
                if rocket.at not in ("none", "gone"):
                    yield (n, "is killed"), _put(state, n, NOBODY if n < PATH else GONE, kills=state.kills - 1)
        if state.retries and state.firework == "done" and any(item.state == "failed" for item in state.items):
            items = tuple(item._replace(state="waiting") if item.state == "failed" else item for item in state.items)
            token = state.gate.token + 1
            more = {"gate": Lease(token), "items": items, "fence": token, "retries": state.retries - 1}
            yield ("retry", "runs the step again"), _launch(state._replace(firework="gate", ready=True, **more))

    # On the path

    def at_starting(self, state: State, n: int, rocket: Rocket) -> Steps:
        name = "gate" if rocket.gate else "plan"
        lease: Lease = getattr(state, name)
        if lease.collected:
            yield (n, "finds its work collected"), _put(state, n, rocket._replace(at="finishing"))
            return
        held = lease.held and any(r.token == lease.token and r.gate == rocket.gate for r in state.rockets[:PATH])
        if held and not state.expiries:
            return
        raised = "token raised" in self.conditions or not lease.token
        taken = lease._replace(token=lease.token + raised, held=True, noted=False)
        more = {name: taken, "expiries": state.expiries - held}
        mine = rocket._replace(token=taken.token)
        if lease.committed and "takeover publishes" in self.conditions:
            mine = mine._replace(at="publishing the pool" if rocket.gate else "releasing", result=lease.committed)
            mine = mine if rocket.gate else mine._replace(under=lease.committed[0])
        elif not rocket.gate:
            mine = mine._replace(at="planning", item=0)
        elif lease.round and "takeover releases" in self.conditions:
            mine = mine._replace(at="releasing", round=lease.round, under=lease.under)
        else:
            mine = mine._replace(at="working", round=lease.round)
        if rocket.gate and taken.token > 1 and not self.today:
            mine = mine._replace(then=mine.at, at="fencing")
        yield (n, f"takes the lease of the {name}"), _put(state, n, mine, **more)

    def at_fencing(self, state: State, n: int, rocket: Rocket) -> Steps:
        fence = max(state.fence, rocket.token)
        yield (n, "fences the run's document"), _put(state, n, rocket._replace(at=rocket.then, then=""), fence=fence)

    def at_working(self, state: State, n: int, rocket: Rocket) -> Steps:
        if rocket.token != state.gate.token:
            yield (n, "sees that it was overtaken"), _put(state, n, NOBODY)
        yield from self.at_idle(state, n, rocket)
        if not self._unfinished(state):
            yield (n, "finds nothing unfinished"), _put(state, n, rocket._replace(at="reading"))

    def at_reading(self, state: State, n: int, rocket: Rocket) -> Steps:
        mine = rocket._replace(at="planning", basis=_done(state), item=0, under=0)
        yield (n, "reads the outcomes"), _put(state, n, mine)

    def at_planning(self, state: State, n: int, rocket: Rocket) -> Steps:
        """Insert one item of the round, where it is not there; `under` counts those that are new."""
        wanted = self._wanted(rocket)
        if not wanted:
            yield from self._planned(state, n, rocket, "has nothing to plan")
            return
        i = wanted[rocket.item]
        there = state.items[i].state
        if there == "planned" and "planned taken over" in self.conditions:
            yield (n, "finds it planned by another", i), _put(state, n, rocket._replace(at="taking over"))
        elif there == "absent" or (there == "done" and "keys stay" not in self.conditions):
            yield from self._planned(self._insert(state, i, rocket), n, rocket, "plans", i, new=True)
        else:
            yield from self._planned(state, n, rocket, "finds it there already", i)

    def at_taking_over(self, state: State, n: int, rocket: Rocket) -> Steps:
        """Replace an item that is planned under a lower token; that one's holder may be removing it meanwhile."""
        i = self._wanted(rocket)[rocket.item]
        there = state.items[i]
        lower = there.state == "planned" and there.token <= rocket.token
        if lower or (there.state == "absent" and "taken over whole" in self.conditions):
            yield from self._planned(self._insert(state, i, rocket), n, rocket, "plans it instead", i, new=True)
        else:
            yield from self._planned(state, n, rocket, "finds nothing to take over", i)

    def _insert(self, state: State, i: int, rocket: Rocket) -> State:
        if self.today or "planned apart" not in self.conditions:
            return _item(state, i, Item("waiting", basis=rocket.basis))
        return _item(state, i, Item("planned", rocket.round + rocket.gate, rocket.token, rocket.basis))

    def _planned(self, state: State, n: int, rocket: Rocket, said: str, *about: int, new: bool = False) -> Steps:
        """Go on to the next item of the round, or to what comes after the last."""
        number = rocket.under + new
        if rocket.item + 1 < len(self._wanted(rocket)):
            mine = rocket._replace(at="planning", item=rocket.item + 1, under=number)
        elif not rocket.gate:
            mine = rocket._replace(at="committing the plan", item=0, under=0)
        elif number:
            mine = rocket._replace(at="working" if self.today else "recording", item=0, under=0)
        else:
            mine = rocket._replace(at="preparing" if self.today else "noting", item=0, under=0)
        yield (n, said, *about), _put(state, n, mine)

    def at_committing_the_plan(self, state: State, n: int, rocket: Rocket) -> Steps:
        lease = state.plan
        if self._may_decide(rocket, lease):
            planned = sum(1 << i for i in self.configuration.first)
            state = state._replace(plan=lease._replace(committed=(rocket.token, 0), planned=planned))
            yield (n, "commits the plan"), _put(state, n, rocket._replace(at="releasing", under=rocket.token))
        else:
            yield (n, "cannot commit the plan"), _put(state, n, rocket._replace(at="removing"))

    def at_recording(self, state: State, n: int, rocket: Rocket) -> Steps:
        lease, round_ = state.gate, rocket.round + 1
        if self._may_decide(rocket, lease) or "record fenced" not in self.conditions:
            planned = lease.planned | sum(1 << i for i in self._wanted(rocket))
            state = state._replace(gate=lease._replace(round=round_, under=rocket.token, planned=planned))
            mine = rocket._replace(at="releasing", round=round_, under=rocket.token, basis=0)
            yield (n, "records the round"), _put(state, n, mine)
        else:
            yield (n, "cannot record the round"), _put(state, n, rocket._replace(at="removing"))

    def at_removing(self, state: State, n: int, rocket: Rocket) -> Steps:
        round_ = rocket.round + 1 if rocket.gate else 0
        own = ("planned", round_, rocket.token)[: 3 if "removed exactly" in self.conditions else 1]
        items = tuple(Item() if item[: len(own)] == own else item for item in state.items)
        yield (n, "removes what it planned"), _put(state, n, NOBODY, items=items)

    def at_releasing(self, state: State, n: int, rocket: Rocket) -> Steps:
        """Release one item of the recorded round."""
        exactly = "released exactly" in self.conditions
        mine = [
            i
            for i, item in enumerate(state.items)
            if item.state == "planned" and (not exactly or (item.round == rocket.round and item.token == rocket.under))
        ]
        if mine:
            i = mine[0]
            state = _item(state, i, Item("waiting", basis=state.items[i].basis))
        if len(mine) > 1:
            yield (n, "releases", *mine[:1]), _put(state, n, rocket)
        else:
            after = rocket._replace(at="working" if rocket.gate else "opening the gate", under=0)
            yield (n, "releases", *mine[:1]), _put(state, n, after)

    def at_noting(self, state: State, n: int, rocket: Rocket) -> Steps:
        lease = state.gate
        if self._may_decide(rocket, lease):
            after = state._replace(gate=lease._replace(noted=True))
            then = "looking again" if "second look" in self.conditions else "preparing"
            yield (n, "notes that all is planned"), _put(after, n, rocket._replace(at=then))
        else:
            yield (n, "cannot note that all is planned"), _put(state, n, NOBODY)

    def at_looking_again(self, state: State, n: int, rocket: Rocket) -> Steps:
        if self._unfinished(state) or (self.forgiving and _done(state) != rocket.basis):
            yield (n, "finds something unfinished"), _put(state, n, rocket._replace(at="working", basis=0))
        else:
            yield (n, "finds nothing unfinished, again"), _put(state, n, rocket._replace(at="preparing"))

    def at_opening_the_gate(self, state: State, n: int, rocket: Rocket) -> Steps:
        """A gate's tokens are higher than those of every plan that was overtaken."""
        gate = state.gate._replace(token=max(state.gate.token, rocket.token - 1))
        yield (n, "opens the gate's lease"), _put(state, n, rocket._replace(at="collecting"), gate=gate)

    def at_preparing(self, state: State, n: int, rocket: Rocket) -> Steps:
        result = (rocket.token, _done(state))
        if self.today or "committed last" not in self.conditions:
            state = state._replace(pool=(rocket.token, *result))
            mine = rocket._replace(at="looking at the lease" if self.today else "committing", result=result, basis=0)
            yield (n, "replaces the pool"), _put(state, n, mine)
        else:
            yield (n, "prepares the result"), _put(state, n, rocket._replace(at="committing", result=result, basis=0))

    def at_looking_at_the_lease(self, state: State, n: int, rocket: Rocket) -> Steps:
        if rocket.token == state.gate.token:
            yield (n, "sees that the lease is its own"), _put(state, n, rocket._replace(at="publishing the summary"))
        else:
            yield (n, "sees that it was overtaken"), _put(state, n, NOBODY)

    def at_committing(self, state: State, n: int, rocket: Rocket) -> Steps:
        lease = state.gate
        if self._may_decide(rocket, lease) or "commit fenced" not in self.conditions:
            fault = "the step is committed twice" if lease.committed else ""
            state = state._replace(gate=lease._replace(committed=rocket.result), fault=fault)
            then = "publishing the pool" if "published first" in self.conditions else "collecting"
            yield (n, "commits the step"), _put(state, n, rocket._replace(at=then))
        else:
            yield (n, "cannot commit"), _put(state, n, NOBODY)

    def at_publishing_the_pool(self, state: State, n: int, rocket: Rocket) -> Steps:
        new, fault = self._published(state.pool, rocket, state.pool[0])
        after = state._replace(pool=new, fault=fault)
        yield (n, "publishes the pool"), _put(after, n, rocket._replace(at="publishing the summary"))

    def at_publishing_the_summary(self, state: State, n: int, rocket: Rocket) -> Steps:
        if state.fence > rocket.token and "published fenced" in self.conditions:
            yield (n, "may not publish the summary"), _put(state, n, NOBODY)
            return
        new, fault = self._published(state.summary, rocket, 0)
        then = "collecting" if "published first" in self.conditions else "finishing"
        yield (n, "publishes the summary"), _put(state._replace(summary=new, fault=fault), n, rocket._replace(at=then))

    def _published(self, there: tuple[int, int, int], rocket: Rocket, fence: int) -> tuple[tuple[int, int, int], str]:
        """What is visible after a rocket's write, and what is wrong with that."""
        if fence > rocket.token and "published fenced" in self.conditions:
            return there, ""
        older = "the result of an older commit replaces that of a newer one" if rocket.result[0] < there[1] else ""
        return (rocket.token, *rocket.result), older

    def at_collecting(self, state: State, n: int, rocket: Rocket) -> Steps:
        name = "gate" if rocket.gate else "plan"
        lease: Lease = getattr(state, name)
        if rocket.token == lease.token and not lease.collected:
            state = state._replace(**{name: lease._replace(collected=True, held=False)})
            if self.today:
                state = state._replace(gate=state.gate._replace(committed=rocket.result))
            mine = Rocket("finishing", rocket.gate, rocket.token)
            if rocket.gate and "published first" not in self.conditions:
                mine = rocket._replace(at="publishing the pool")
            yield (n, "closes the lease"), _put(state, n, mine)
        else:
            yield (n, "sees that it was overtaken"), _put(state, n, NOBODY)

    def at_finishing(self, state: State, n: int, rocket: Rocket) -> Steps:
        now = "gate" if rocket.gate else "plan"
        if state.firework == now and getattr(state, now).collected:
            then = "done" if rocket.gate else "gate"
            state = state._replace(firework=then, ready=not rocket.gate)  # launched as soon as this one has ended
        yield (n, "ends its firework"), _put(state, n, NOBODY)

    # Work on items, by sides and gates

    def at_idle(self, state: State, n: int, rocket: Rocket) -> Steps:
        for i, item in enumerate(state.items):
            if item.state == "waiting":
                after = _item(state, i, item._replace(state="leased"))
                yield (n, "claims", i), _put(after, n, rocket._replace(at="holding", item=i, claim=True))
            elif item.state == "committed":
                yield (n, "finds it committed", i), _put(state, n, rocket._replace(at="settling", item=i))

    def at_holding(self, state: State, n: int, rocket: Rocket) -> Steps:
        i = rocket.item
        back = _back(n, rocket)
        if i in self.follower and "following after" not in self.conditions:
            after = self._follow(state, self.follower[i])
            yield (n, "inserts what follows", i), _put(after, n, rocket._replace(at="holding still"))
            return
        if rocket.claim or "claim fenced" not in self.conditions:
            fault = "an item's effect is there twice" if state.effects >> i & 1 else ""
            then = "committed" if i in self.follower else "done"
            mine = rocket._replace(at="settling", claim=False) if i in self.follower else back
            after = _item(state, i, state.items[i]._replace(state=then))
            for m, other in enumerate(after.rockets):
                if m != n and other.claim and other.item == i:
                    after = _put(after, m, other._replace(claim=False))
            yield (n, "commits the item", i), _put(after, n, mine, effects=state.effects | 1 << i, fault=fault)
        else:
            yield (n, "cannot commit the item", i), _put(state, n, back)
        if state.failures and rocket.claim and i == 0:
            failed = _item(state, i, state.items[i]._replace(state="failed"))
            if n >= PATH and not self.forgiving:
                waiting = _item(state, i, state.items[i]._replace(state="waiting"))
                yield (
                    (n, "gives it back: it may be its own fault", i),
                    _put(waiting, n, back, failures=state.failures - 1),
                )
            then = rocket._replace(at="forgiving", claim=False) if n >= PATH and self.forgiving else back
            yield (n, "gives the item up", i), _put(failed, n, then, failures=state.failures - 1)

    def at_holding_still(self, state: State, n: int, rocket: Rocket) -> Steps:
        back, i = _back(n, rocket), rocket.item
        if rocket.claim:
            yield (n, "commits the item", i), _put(_item(state, i, Item("done")), n, back)
        else:
            yield (n, "cannot commit the item", i), _put(state, n, back)

    def at_forgiving(self, state: State, n: int, rocket: Rocket) -> Steps:
        yield (n, "does not forgive", 0), _put(state, n, IDLE)
        after = _item(state, 0, state.items[0]._replace(state="waiting"))
        yield (n, "forgives", 0), _put(after, n, rocket._replace(at="looking for the end"))

    def at_looking_for_the_end(self, state: State, n: int, rocket: Rocket) -> Steps:
        then = rocket._replace(at="taking back") if state.gate.noted or state.gate.committed else IDLE
        yield (n, "looks whether the step ends"), _put(state, n, then)

    def at_taking_back(self, state: State, n: int, rocket: Rocket) -> Steps:
        if state.items[0].state == "waiting":
            state = _item(state, 0, state.items[0]._replace(state="failed"))
        yield (n, "takes the forgiveness back", 0), _put(state, n, IDLE)

    def at_settling(self, state: State, n: int, rocket: Rocket) -> Steps:
        if "settled in order" in self.conditions:
            after, said = self._follow(state, self.follower[rocket.item]), "inserts what follows"
        else:
            after, said = self._settle(state, rocket.item), "says that the item is done"
        yield (n, said, rocket.item), _put(after, n, rocket._replace(at="settled"))

    def at_settled(self, state: State, n: int, rocket: Rocket) -> Steps:
        if "settled in order" in self.conditions:
            after, said = self._settle(state, rocket.item), "says that the item is done"
        else:
            after, said = self._follow(state, self.follower[rocket.item]), "inserts what follows"
        yield (n, said, rocket.item), _put(after, n, _back(n, rocket))

    def _follow(self, state: State, i: int) -> State:
        again = state.items[i].state == "done" and "keys stay" not in self.conditions
        return _item(state, i, WAITING) if again or state.items[i].state == "absent" else state

    def _settle(self, state: State, i: int) -> State:
        return _item(state, i, state.items[i]._replace(state="done"))

    # What is asked of every state

    def wrong(self, state: State) -> str:
        if state.fault:
            return state.fault
        gate, items = state.gate, state.items
        for i, item in enumerate(items):
            if item.state in ("absent", "planned"):
                continue
            if i in self.follower.values():
                from_ = next(j for j, k in self.follower.items() if k == i)
                if items[from_].state not in ("committed", "done") and item.state == "done":
                    return f"{NAMES[i]} is done, and {NAMES[from_]}, from which it follows, is not"
            elif i in self.configuration.first:
                if self.configuration.plan and not state.plan.committed:
                    return f"{NAMES[i]} counts, and its plan does not"
            elif not self.today and not gate.planned >> i & 1:
                return f"{NAMES[i]} counts, and no recorded round has it"
        if gate.committed is None:
            seen = state.pool[1] or state.summary[1]
            if (
                seen
                and not self.configuration.retries
                and (not self.today or any(i.state in UNFINISHED for i in items))
            ):
                return (
                    "a result is visible before the step's last item is done" if self.today else "visible uncommitted"
                )
            return ""
        if any(item.state in UNFINISHED for item in items):
            return "the step is committed before its last item is done"
        done = _done(state)
        if gate.committed[1] != done:
            return "the committed result is not that of the done items"
        begun = done & sum(1 << i for i in (*self.configuration.first, *self.follower.values()))
        for i in self.configuration.first:
            if items[i].state not in OVER:
                return f"the step is committed, and {NAMES[i]} of round 0 is not done"
        for i in self.configuration.next_round(begun):
            if items[i].state not in OVER:
                return f"the step is committed, and {NAMES[i]} of the next round is not done"
            if items[i].basis != begun:
                return f"{NAMES[i]} was planned from items that were not the last ones"
        for f, k in self.follower.items():
            if items[f].state == "done" and items[k].state not in OVER:
                return f"the step is committed, and {NAMES[k]} that follows from {NAMES[f]} is not done"
        for what in ("pool", "summary"):
            seen = getattr(state, what)
            if seen[1] and not self.configuration.retries and seen[1:] != gate.committed:
                return f"the {what} is not that of the commit"
        if gate.collected and not state.pool[1:] == state.summary[1:] == gate.committed:
            return "the step is collected, and its result is not visible"
        return ""

    def finished(self, state: State) -> bool:
        idle = all(r.at in ("none", "idle", "gone") for r in state.rockets)
        return state.firework == "done" and idle and not self._unfinished(state)

    def _may_decide(self, rocket: Rocket, lease: Lease) -> bool:
        undecided = not lease.committed or "undecided" not in self.conditions
        return rocket.token == lease.token and not lease.collected and undecided

    def _unfinished(self, state: State) -> bool:
        states = UNFINISHED if "committed unfinished" in self.conditions else UNFINISHED[:2]
        return any(item.state in states for item in state.items)

    def _wanted(self, rocket: Rocket) -> tuple[int, ...]:
        return self.configuration.next_round(rocket.basis) if rocket.gate else self.configuration.first


def _back(n: int, rocket: Rocket) -> Rocket:
    """Where a replica is between two items: a gate knows its token and round, a side nothing."""
    return IDLE if n >= PATH else rocket._replace(at="working", item=0, claim=False)


def _put(state: State, n: int, rocket: Rocket, **more: object) -> State:
    rockets = state.rockets
    after = state._replace(rockets=(*rockets[:n], rocket, *rockets[n + 1 :]), **more)
    return _launch(after) if after.ready else after


def _launch(state: State) -> State:
    """A firework that is ready is launched where there is room; a slow launch is nothing but a slow start."""
    path = state.rockets[:PATH]
    if NOBODY not in path:
        return state
    started = Rocket("starting", state.firework == "gate")
    return _put(state._replace(ready=False), path.index(NOBODY), started)


def _item(state: State, i: int, item: Item) -> State:
    return state._replace(items=(*state.items[:i], item, *state.items[i + 1 :]))


def _done(state: State) -> int:
    return sum(1 << i for i, item in enumerate(state.items) if item.state in ("done", "committed"))


def _always_c(done: int) -> tuple[int, ...]:
    return (2,)


def _b_if_a_is_missing(done: int) -> tuple[int, ...]:
    return (2,) if done & 1 else (1, 2)


CONFIGURATIONS = {
    one.name: one
    for one in (
        # a, then b which follows from a, then round 1: c
        Configuration("rounds", following=((0, 1),), next_round=_always_c),
        Configuration("plan and rounds", plan=True, following=((0, 1),), next_round=_always_c),
        # a and b are planned by the firework before; round 1: c
        Configuration("plan of two", plan=True, first=(0, 1), next_round=_always_c),
        # a may fail, for good or on one side alone; what round 1 is depends on that
        Configuration("failures", next_round=_b_if_a_is_missing, failures=1),
        # a may fail, and the finished step is run again for it, while rockets of the first time may still publish
        Configuration("run again", failures=1, retries=1),
    )
}


def today() -> ProtocolModel:
    """Return the model of the rule of version 0.1.0."""
    return ProtocolModel(CONFIGURATIONS["rounds"], rule="today", alike=False)


def forgiving() -> ProtocolModel:
    """Return the model of a rule that was tried: what has failed may wait again while the step goes on."""
    return ProtocolModel(
        replace(CONFIGURATIONS["failures"], sides=1, kills=0, expiries=0), rule="forgiving", alike=False
    )


def without(name: str) -> ProtocolModel:
    """Return the model without one condition."""
    _, configuration, expiries = CONDITIONS[name]
    one = replace(CONFIGURATIONS[configuration], sides=1, kills=0, expiries=expiries)
    return ProtocolModel(one, without=name, alike=False)
