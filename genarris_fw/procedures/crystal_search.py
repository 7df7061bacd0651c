"""Crystal_Search: the crystals of lowest lattice energy, by rounds of draws that are minimised where they are made.

An item is a range of draws on one site of one space group, or several such where they are small; it returns the minima
within the window of the best known, each once for a range, with how often it was met. Which items a round has follows
from the minima of the rounds before it alone (`genarris_fw.lattice.searching.rounds`), so that a search gives the same
for any number of replicas and after any kill. In a last round the minima are tested with their symmetry broken, and
saddle points followed down: some minima an item.
"""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from genarris_fw.catalogue.documents import NewStructure
from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Structure
from genarris_fw.crystal.atom_properties import repeated
from genarris_fw.errors import RunFailed
from genarris_fw.lattice.searching.items import Found
from genarris_fw.lattice.searching.items import Item as Draws
from genarris_fw.lattice.searching.merging import Minimum
from genarris_fw.lattice.searching.rounds import Aim, State, bundles, next_round
from genarris_fw.lattice.searching.search import SADDLE, Ground, finished, settle, settled, to_settle
from genarris_fw.pools.documents import to_document
from genarris_fw.procedures.kit.base import Campaign, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.kit.experiments import find_experiment
from genarris_fw.procedures.kit.lattice_models import LatticeModel, lattice_model
from genarris_fw.procedures.options.crystal_search import CrystalSearchOptions
from genarris_fw.threads import one_thread

Step = Campaign[CrystalSearchOptions]

SETTLED = "settled"  # how the keys of the last round's items begin


class Prospect:
    """What every replica of a search derives from the run: the model, the sites, what is searched for."""

    def __init__(self, campaign: Step) -> None:
        options = campaign.options
        self.lattice: LatticeModel = lattice_model(campaign)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.ground = Ground(
                self.lattice.molecule, options.Z, self.lattice.model, options.space_groups, campaign.seed
            )
        self.remarks = [str(one.message) for one in caught if issubclass(one.category, UserWarning)]

    def aim(self, options: CrystalSearchOptions) -> Aim:
        """Return what is searched for, and how long."""
        limit = {"draws": options.draws, "structures": options.num_structures}.get(options.stop) or 0
        return self.ground.aim(options.window, options.stop, limit, options.max_work)


@explicit_serialize
class CrystalSearch(Procedure[CrystalSearchOptions]):
    """Search for the crystals of lowest lattice energy."""

    rounds = True
    _prospect: Prospect | None = None
    _known: State = State()

    def prospect(self, campaign: Step) -> Prospect:
        """Return what is searched, made ready once per replica."""
        if self._prospect is None:
            self._prospect = Prospect(campaign)
        return self._prospect

    def plan(self, campaign: Step) -> list[Item]:
        """Return the first round: some draws on every site."""
        prospect = self.prospect(campaign)
        for remark in prospect.remarks:
            campaign.log(remark, level="WARNING")
        aim = prospect.aim(campaign.options)
        if not aim.groups:
            raise RunFailed(
                f"{campaign.step}: no crystal fits into {prospect.ground.volume:.0f} Å3 per molecule, which is what "
                "its fragments take elsewhere; is the molecule right?"
            )
        campaign.log("search", sites=len(aim.groups), window=aim.window, model=prospect.lattice.method)
        return _items(next_round(State(), aim).items, State())

    def most_replicas(self, campaign: Step, items: int) -> int:
        """Return that all replicas are of use: later rounds have more items than the first."""
        return self.wanted_replicas(campaign)

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Draw, minimise, and return what is low and new within each range of draws; or settle minima."""
        if SETTLED in item.payload:
            return self._settle(campaign, item)
        ground, window = self.prospect(campaign).ground, campaign.options.window
        begun = time.process_time()
        with one_thread():  # once for all of them
            found = [ground.work(Draws(**draws), window).to_dict() for draws in item.payload["draws"]]
        # Kept for those who ask what a search costs: on a machine that others use, too, the item's own seconds do not.
        return Outcome({"found": found, "cpu_seconds": time.process_time() - begun})

    def _settle(self, campaign: Step, item: Item) -> Outcome:
        model = self.prospect(campaign).lattice.model
        begun = time.process_time()
        with one_thread():
            ended = [settle(Minimum.from_dict(one), model) for one in item.payload[SETTLED]]
        kept = [None if one is None else one.to_dict() for one in ended]
        return Outcome({SETTLED: kept, "cpu_seconds": time.process_time() - begun})

    def next_round(self, campaign: Step) -> Iterable[Item]:
        """Return the items that follow from what the rounds so far have found."""
        if self._settled(campaign):
            return []
        state = self._state(campaign)
        following = next_round(state, self.prospect(campaign).aim(campaign.options))
        self._say(campaign, state)
        if following.items:
            return _items(following.items, state)
        return [
            Item(f"{SETTLED}-{number:06d}", {SETTLED: [one.to_dict() for one in some]})
            for number, some in enumerate(to_settle(state, campaign.options.window))
        ]

    def _settled(self, campaign: Step) -> list[dict[str, Any] | None]:
        """What the items of the last round gave; empty before it."""
        records = campaign.catalogue.work_items.each_outcome(campaign.run, campaign.step, f"{SETTLED}-")
        return [one for record in records for one in record["outcome"][SETTLED]]

    def _state(self, campaign: Step) -> State:
        """What is known after all complete rounds; each round is read once per replica."""
        while found := self._found(campaign, self._known.rounds):
            self._known = self._known.after(found, campaign.options.window)
        return self._known

    def _found(self, campaign: Step, number: int) -> list[Found]:
        records = campaign.catalogue.work_items.each_outcome(campaign.run, campaign.step, _prefix(number))
        return [Found.from_dict(one) for record in records for one in record["outcome"]["found"]]

    def _say(self, campaign: Step, state: State) -> None:
        if not state.minima:
            return
        estimate = state.completeness(campaign.options.window)
        campaign.log(
            "round",
            number=state.rounds,
            draws=state.draws,
            minima=estimate.seen,
            estimate=round(estimate.estimate, 1),
            lowest=round(state.minima[0].energy, 3),
        )

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Make the pool of the minima, and say how complete it is."""
        prospect, options = self.prospect(campaign), campaign.options
        state = self._state(campaign)
        reason = next_round(state, prospect.aim(options)).reason
        if not state.minima:
            why = ", ".join(f"{number} {name}" for name, number in state.failures.items())
            raise RunFailed(f"{campaign.step}: no minimum in {state.draws} draws ({why}); is the molecule right?")
        ended = [None if one is None else Minimum.from_dict(one) for one in self._settled(campaign)]
        state, saddles = settled(state, ended, options.window)
        if not state.minima:
            raise RunFailed(f"{campaign.step}: of its minima none is left once symmetry is broken")
        estimate = state.completeness(options.window)
        ids, documents = [], []
        for one in state.within(options.window):
            structure = finished(one, prospect.ground.occupations)
            structure.struct_id = self._name(campaign, one)
            documents.append(self._document(campaign, structure, one))
            ids.append(structure.struct_id)
        campaign.catalogue.structures.insert_missing(campaign.run, documents)
        campaign.make_pool(ids)
        experiment = find_experiment(campaign, prospect.lattice, ids, break_symmetry=True)
        campaign.export(ids, options.output_dir, options.output_format, options.output_pool)
        return {
            "structures": len(ids),
            "lowest": float(state.minima[0].energy),
            "estimate": float(estimate.estimate),
            "estimate_low": float(estimate.low),
            "estimate_high": float(estimate.high),
            "draws": state.draws,
            "minimised": state.minimised,
            "work": float(state.work),
            "rounds": state.rounds,
            "reason": reason,
            "failures": state.failures | ({SADDLE: saddles} if saddles else {}),
            "model": prospect.lattice.method,
            "pool": options.output_pool,
        } | experiment

    def _name(self, campaign: Step, one: Minimum) -> str:
        settings = self.prospect(campaign).lattice.settings_hash
        text = f"{campaign.run}|{campaign.step}|{settings}|{one.origin.stratum}|{one.origin.draw}"
        return f"crystal_{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def _document(self, campaign: Step, structure: Structure, one: Minimum) -> NewStructure:
        """The document of a minimum, with its energy as engines give theirs."""
        size = len(self.prospect(campaign).lattice.molecule)
        Z, name = len(structure) // size, campaign.options.energy_name
        record = self.prospect(campaign).lattice.record(one.energy, Z)
        structure.properties |= {
            "Z": Z,
            "number_of_atoms_in_molecule": size,
            name: record["value"],
            f"{name}_per_molecule": record["per_molecule"],
            **repeated(campaign.molecule.properties, size, Z),
        }
        provenance = {
            "step": campaign.step,
            "seed": campaign.seed,
            "site": one.origin.stratum,
            "draw": one.origin.draw,
            "hits": dict(sorted(one.hits.items())),
        }
        document = to_document(structure, Z, provenance)
        document["energies"] = {name: record}
        return document


def _items(draws: Sequence[Draws], state: State) -> list[Item]:
    return [
        Item(f"{_prefix(state.rounds)}{number:06d}", {"draws": [one.to_dict() for one in bundle]})
        for number, bundle in enumerate(bundles(draws, state))
    ]


def _prefix(number: int) -> str:
    """How the keys of a round's items begin."""
    return f"{number:03d}-"
