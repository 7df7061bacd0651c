"""The committed items of a step, when it is collected: what they gave, and the files that they made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from genarris_fw.catalogue.documents import WorkItemDocument
from genarris_fw.errors import RunFailed
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.campaign import Campaign
from genarris_fw.procedures.kit.item_files import publish_item_file

Step = Campaign[SharedOptions]


def done_items(campaign: Step, none: str) -> list[WorkItemDocument]:
    """Return key and outcome of every committed item.

    Parameters
    ----------
    campaign : Campaign
        The step, while it collects.
    none : str
        What is said where there are none, such as ``no network could be trained``; why the first failed follows.

    Raises
    ------
    RunFailed
        When there are none.
    """
    items = campaign.catalogue.work_items
    done = items.outcomes(campaign.run, campaign.step)
    if not done:
        failures = items.failures(campaign.run, campaign.step)
        why = failures[0]["error"] if failures else "nothing was done"
        raise RunFailed(f"{campaign.step}: {none}: {why}")
    return done


def publish_results(
    campaign: Step, done: Sequence[WorkItemDocument], name_of: Callable[[str], str], folder: Path, what: str
) -> None:
    """Make the result of each item (`ItemFiles.result`, in ``outcome["file"]``) known by a name, as an npz file.

    Parameters
    ----------
    campaign : Campaign
        The step, while it collects.
    done : sequence of WorkItemDocument
        Of `done_items`.
    name_of : callable
        The name of an item's key.
    folder : Path
        Where the files lie in the run's folder, each named by its key.
    what : str
        What the files hold, for the message where one is lost.

    Raises
    ------
    RunFailed
        When a file is gone.
    """
    for record in done:
        about = {name: value for name, value in record["outcome"].items() if name != "file"}
        path = folder / f"{record['key']}.npz"
        if not publish_item_file(campaign, record["outcome"]["file"], name_of(record["key"]), path, **about):
            raise RunFailed(f"{campaign.step}: {what} of {record['key']} are gone; try it again with retry")
