"""What the processes of the claim tests do; a module of its own so that a new interpreter can import it."""

from pymongo import MongoClient

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.costs import Cost
from genarris_fw.database.launchpads import database_name


def claim_until_empty(uri: str, owner: str, number: int) -> list[tuple[str, int]]:
    """Claim and commit batches until none is left; return the keys claimed, with their tokens."""
    claimed = []
    with MongoClient(uri) as client:
        items = Catalogue(client[database_name(uri)]).work_items
        while batch := items.claim("urea", "step", owner, number, 60):
            assert items.commit("urea", "step", owner, [(item, {"by": owner}, Cost(0.0)) for item in batch]) == len(
                batch
            )
            claimed += [(item.key, item.token) for item in batch]
    return claimed


def take_lease(uri: str, owner: str) -> int | None:
    """Try to take one and the same lease."""
    from genarris_fw.catalogue.leases import LeaseLost

    with MongoClient(uri) as client:
        leases = Catalogue(client[database_name(uri)]).leases
        try:
            return leases.take("urea", "step", "gate", 7, 1, owner, 60)
        except LeaseLost:
            return None


def begin_recovery(uri: str, lease: dict, recoverer: str) -> bool:
    """Try to begin the recovery of a lease as it was read before."""
    with MongoClient(uri) as client:
        return Catalogue(client[database_name(uri)]).leases.begin_recovery(lease, recoverer)
