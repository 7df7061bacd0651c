"""Molecular_Electrostatics: the charges or multipoles that the molecule has in its crystals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genarris_fw.catalogue.work_items import Item
from genarris_fw.errors import EngineError, InputError, RunFailed
from genarris_fw.lattice.charges.by_method import described, electrostatics, error_elsewhere, found_or_computed
from genarris_fw.lattice.charges.electrostatics import Electrostatics, check_neutral
from genarris_fw.lattice.charges.files import from_json, read_charges, to_json, write_charges
from genarris_fw.lattice.charges.molecular_potential import key_of
from genarris_fw.lattice.molecule.gfn2 import METHOD as GFN2
from genarris_fw.procedures.kit.base import Campaign, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.options.molecular_electrostatics import MolecularElectrostaticsOptions

Step = Campaign[MolecularElectrostaticsOptions]


@explicit_serialize
class MolecularElectrostatics(Procedure[MolecularElectrostaticsOptions]):
    """Compute the molecule's electrostatics, or read it from a file; later steps find it in the summary."""

    def plan(self, campaign: Step) -> list[Item]:
        """Return the one item, the molecule."""
        return [Item("molecule")]

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Find the charges; a wave function that any run has computed before is not computed again."""
        try:
            return self._outcome(campaign)
        except InputError as error:  # it will not be better the next time
            raise EngineError(str(error), "input", permanent=True) from None

    def _outcome(self, campaign: Step) -> Outcome:
        options, molecule = campaign.options, campaign.molecule
        about: dict[str, Any] = {"charge": options.charge}
        if options.charges_file:
            found = read_charges(Path(options.charges_file), molecule)
            about |= {"source": "file", "file": options.charges_file}
        elif options.method == GFN2:
            found = electrostatics(molecule, options.method, rank=options.rank, charge=options.charge)
            about |= self._asked(campaign)
            campaign.log(f"method = {GFN2}: charges of a fallback, too weak; install pyscf", level="WARNING")
        else:
            found, further = self._computed(campaign)
            about |= self._asked(campaign) | further
        check_neutral(found, options.charge)
        about |= {"sites": len(found.sites), "rank": found.rank, "error": found.error, "described": found.method}
        return Outcome(about | {"electrostatics": to_json(molecule, found, options.charge)})

    def _asked(self, campaign: Step) -> dict[str, Any]:
        options = campaign.options
        return {"source": "computed", "method": options.method, "satellites": options.satellites}

    def _computed(self, campaign: Step) -> tuple[Electrostatics, dict[str, Any]]:
        options, molecule, kept = campaign.options, campaign.molecule, campaign.catalogue.molecular_potentials
        key = key_of(molecule, options.method, options.charge)
        campaign.log("the molecule's potential", method=options.method, known=kept.get(key) is not None)
        source = found_or_computed(molecule, options.method, options.charge, kept)
        found = described(molecule, source, options.satellites, options.rank)
        return found, {"potential": key, "error_elsewhere": error_elsewhere(molecule, source, found)}

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Write the file; the summary is what later steps read."""
        done = campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)
        if not done:
            failures = campaign.catalogue.work_items.failures(campaign.run, campaign.step)
            raise RunFailed(f"{campaign.step}: {failures[0]['error'] if failures else 'nothing was done'}")
        summary = dict(done[0]["outcome"])
        if campaign.sees_folder():
            found = from_json(summary["electrostatics"], campaign.molecule, campaign.step)
            place = campaign.prepared(Path(campaign.options.electrostatics_file))
            write_charges(place, campaign.molecule, found, campaign.options.charge)
        return summary
