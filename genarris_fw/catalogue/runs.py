"""The collection ``runs``: one document per ``ui.conf`` being carried out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, NoReturn, cast

from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from genarris_fw.catalogue.documents import ItemCounts, RunDocument
from genarris_fw.catalogue.leases import LeaseLost
from genarris_fw.errors import InputError
from genarris_fw.showing import nearest

# The state of a run whose structures were imported, not made: it has no workflow.
IMPORTED = "imported"
# So many of all names are told to who gives one that is not there.
SHOWN_NAMES = 10
# What tells where a run is, in a folder that may have been moved.
_PLACE = ("folder", "text", "options.path")
# What tells how far a run is: all but what can be large.
_OVERVIEW = (
    *_PLACE,
    *("state", "created", "finished", "failure", "steps", "summaries", "pools"),
    *("options.steps.name", "options.steps.procedure"),
)


def now() -> datetime:
    """Return the time in UTC, for documents that a person reads (leases use the server's clock)."""
    return datetime.now(timezone.utc)


def refuse_unknown_run(name: str, names: Sequence[str]) -> NoReturn:
    """Refuse a run that is not among those there are.

    Raises
    ------
    InputError
        Naming the nearest, and the first of all.
    """
    known = ", ".join(names[:SHOWN_NAMES]) or "none yet"
    raise InputError(f"no run '{name}' in this database{nearest(name, names)}; runs here: {known}")


class Runs:
    """Runs, keyed by their name."""

    def __init__(self, collection: Collection[RunDocument]) -> None:
        self.collection = collection

    def create(self, name: str, document: dict[str, Any], begun_by: int) -> None:
        """Create the run's document; the same firework may do so any number of times.

        Parameters
        ----------
        name : str
            The run's name.
        document : dict
            Options, config text, versions, seed, folder, molecule.
        begun_by : int
            Id of the firework that begins the run: another one with the same name is refused.

        Raises
        ------
        InputError
            When a run of that name was begun by another firework.
        """
        record = {"_id": name, "name": name, "state": "running", "created": now(), "begun_by": begun_by}
        record |= {"summaries": {}, "steps": {}, "pools": {}} | document
        try:
            self.collection.insert_one(cast(RunDocument, record))
        except DuplicateKeyError:
            begun = self.get(name)
            if begun["begun_by"] != begun_by:
                same = "the same" if begun.get("options_hash") == document.get("options_hash") else "other"
                raise InputError(
                    f"run '{name}' is already in this database with {same} options: "
                    f"give another run_name in [Genarris_master], or remove that run and its results with "
                    f"genarris-fw delete {name}"
                ) from None

    def taken_over(self, name: str, former: int, begun_by: int) -> None:
        """Note that another firework begins the run from now on, where it is still the `former` one that does."""
        self.collection.update_one({"_id": name, "begun_by": former}, {"$set": {"begun_by": begun_by}})

    def find(self, name: str) -> RunDocument | None:
        """Return the run's document, or None."""
        return self.collection.find_one({"_id": name})

    def get(self, name: str) -> RunDocument:
        """Return the run's document.

        Raises
        ------
        InputError
            When there is no such run; the message lists those there are.
        """
        return self.find(name) or self._refuse_unknown(name)

    def overview(self, name: str) -> RunDocument:
        """Return how far the run is, without what can be large: its steps' options, its molecules.

        Raises
        ------
        InputError
            As in `get`.
        """
        return self.collection.find_one({"_id": name}, _only(_OVERVIEW)) or self._refuse_unknown(name)

    def _refuse_unknown(self, name: str) -> NoReturn:
        refuse_unknown_run(name, self.names())

    def is_there(self, name: str) -> bool:
        """Tell whether there is a run of that name."""
        return self.collection.find_one({"_id": name}, {"_id": 1}) is not None

    def state(self, name: str) -> str | None:
        """Return the run's state, None where there is no such run."""
        return (self.collection.find_one({"_id": name}, {"state": 1}) or {}).get("state")

    def place(self, name: str) -> RunDocument | None:
        """Return what tells where the run is (its folder, its ``ui.conf`` and the path of that), or None."""
        return self.collection.find_one({"_id": name}, _only(_PLACE))

    def listed(self) -> Iterator[RunDocument]:
        """Yield of every run, the newest first, where it is, its state, when it began, and its pools."""
        yield from self.collection.find({}, _only((*_PLACE, "state", "created", "pools"))).sort("created", -1)

    def names(self) -> list[str]:
        """Return the names of all runs, the newest first."""
        return [
            record["_id"] for record in self.collection.find({}, {"_id": 1}).sort([("created", -1), ("begun_by", -1)])
        ]

    def set(self, name: str, **fields: Any) -> None:
        """Set fields of the run's document."""
        self.collection.update_one({"_id": name}, {"$set": fields})

    def fence(self, name: str, guard: str, token: int) -> None:
        """Refuse what a lower token still writes under this guard (``<step> <role>``) into the run's document."""
        self.collection.update_one({"_id": name}, {"$max": {f"fence.{guard}": token}})

    def _set_fenced(
        self,
        name: str,
        guard: str,
        token: int,
        fields: dict[str, Any],
        pools: Mapping[str, int] | None = None,
        published: int | None = None,
    ) -> None:
        """Set fields, given as expressions, and sizes of pools, unless the guard refuses the token."""
        noted: Any = "$pools"
        for pool, size in (pools or {}).items():
            noted = _with_size(noted, pool, size)
        field = f"fence.{guard}"
        allowed = {"_id": name, "$or": [{field: {"$exists": False}}, {field: {"$lte": token}}]}
        # A run of an older version has no sizes: its pools are counted.
        sizes = {"pools": {"$cond": [{"$eq": [{"$type": "$pools"}, "missing"]}, "$$REMOVE", noted]}} if pools else {}
        under = {} if published is None else {f"published.{guard}": published}
        if not self.collection.update_one(allowed, [{"$set": fields | sizes | under}]).matched_count:
            raise LeaseLost(f"{name}: {guard} was taken over by another rocket")

    def set_pool(self, name: str, pool: str, structures: int) -> None:
        """Note how many structures a pool has; in a run of an older version, whose pools are counted, nothing."""
        noted = _with_size("$pools", pool, structures)
        self.collection.update_one({"_id": name, "pools": {"$exists": True}}, [{"$set": {"pools": noted}}])

    def at_least_workers(self, name: str, workers: int) -> None:
        """Note that so many rockets work at a time, unless more are known of."""
        self.collection.update_one(
            {"_id": name, "$or": [{"workers": {"$lt": workers}}, {"workers": None}]}, {"$set": {"workers": workers}}
        )

    def step_started(self, name: str, step: str) -> None:
        """Note when a step began, once."""
        self.collection.update_one(
            {"_id": name, f"steps.{step}.started": {"$exists": False}},
            {"$set": {f"steps.{step}.started": now(), f"steps.{step}.state": "running"}},
        )

    def step_planned(
        self,
        name: str,
        step: str,
        counts: dict[str, int],
        pools: Mapping[str, int] | None = None,
        guard: str = "",
        token: int = 0,
        published: int | None = None,
    ) -> None:
        """Store how many work items a step has in all, done and failed, when it is planned.

        Parameters
        ----------
        name, step : str
            The run and the step.
        counts : dict
            As of `WorkItems.counts`.
        pools : dict, optional
            The number of structures by pool, of those that the plan has filled.
        guard, token : str, int
            The firework that says so (``<step> <role>``) and its token.
        published : int, optional
            The token under which it was prepared.

        Raises
        ------
        LeaseLost
            When a newer token is known.
        """
        fields = {f"steps.{step}.items": _items(counts)}
        self._set_fenced(name, guard or step, token, fields, pools, published)

    def step_finished(
        self,
        name: str,
        step: str,
        summary: dict[str, Any],
        counts: dict[str, int] | None = None,
        pools: Mapping[str, int] | None = None,
        ended: datetime | None = None,
        guard: str = "",
        token: int = 0,
        published: int | None = None,
    ) -> None:
        """Store a step's summary, its items, the sizes of the pools it made, and when it ended, in one update.

        Parameters
        ----------
        name, step : str
            The run and the step.
        summary : dict
            What later steps and people read of it.
        counts, pools : dict, optional
            As of `WorkItems.counts`, and the number of structures by pool.
        ended : datetime, optional
            Now, by default.
        guard, token, published
            As in `step_planned`.

        Raises
        ------
        LeaseLost
            When a newer token is known.
        """
        at, ended = f"steps.{step}", ended or now()
        fields = {
            f"summaries.{step}": {"$literal": summary},
            f"{at}.state": "finished",
            f"{at}.finished": ended,
            f"{at}.seconds": {"$divide": [{"$subtract": [ended, f"${at}.started"]}, 1000.0]},
        } | ({f"{at}.items": _items(counts)} if counts is not None else {})
        self._set_fenced(name, guard or step, token, fields, pools, published)

    def finished(self, name: str, failed_items: int, guard: str, token: int) -> None:
        """Mark the run as finished; see `step_planned`."""
        fields = {"state": "finished", "finished": now(), "failed_items": failed_items}
        self._set_fenced(name, guard, token, fields)

    def failed(self, name: str, step: str, message: str, guard: str = "", token: int = 0) -> None:
        """Mark the run as failed in a step, with the reason; see `step_planned`."""
        about = {"state": "failed", "finished": now()}
        at_step = {f"steps.{step}.{key}": about[key] for key in about}
        self._set_fenced(name, guard or step, token, {"failure": {"$literal": message}} | about | at_step)

    def notified(self, name: str, state: str, error: str) -> None:
        """Note that an end of the run was told, or why not."""
        about = {"notified.state": state, "notified.at": now(), "notified.error": error}
        self.collection.update_one({"_id": name, "state": state}, {"$set": about, "$inc": {"notified.number": 1}})

    def resumed(self, name: str) -> None:
        """Mark a failed run, and the step it failed in, as running again."""
        steps = (self.find(name) or {}).get("steps", {})
        again = {f"steps.{step}.state": "running" for step, at in steps.items() if at["state"] == "failed"}
        self.collection.update_one(
            {"_id": name, "state": "failed"},
            {"$set": {"state": "running"} | again, "$unset": {"failure": "", "finished": "", "notified.state": ""}},
        )

    def begin_again(self, name: str, steps: Iterable[str]) -> None:
        """Mark the run as running, and forget that these steps have begun or finished."""
        gone = {f"{kind}.{step}": "" for step in steps for kind in ("summaries", "steps")} | {"notified.state": ""}
        self.collection.update_one({"_id": name}, {"$set": {"state": "running"}, "$unset": gone})


def _only(fields: Iterable[str]) -> dict[str, int]:
    return dict.fromkeys(fields, 1)


def _with_size(pools: Any, pool: str, size: int) -> dict[str, Any]:
    """Return the expression that notes a pool's size: its name is a folder's, with dots in it no path of a field."""
    return {"$setField": {"field": {"$literal": pool}, "input": pools, "value": size}}


def _items(counts: dict[str, int]) -> ItemCounts:
    return {"total": sum(counts.values()), "done": counts["done"], "failed": counts["failed"]}
