"""Files of a run by name: made known with the result of the step that wrote them, read by later steps on any node."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genarris_fw.catalogue.artifacts import in_folder
from genarris_fw.errors import RunFailed
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.campaign import Campaign


def publish_file(
    campaign: Campaign[SharedOptions], name: str, path: Path, write: Callable[[Path], object], **about: Any
) -> None:
    """Write a file that others find by its name once the step is collected.

    Parameters
    ----------
    campaign : Campaign
        The step, while it collects.
    name : str
        By which `published_file` finds it; one name is one file of the run.
    path : Path
        Where it is to lie in the run's folder; where this node does not see that folder, its content goes to GridFS.
    write : callable
        Given a path, writes the file there.
    **about
        What it came from, as plain values; kept beside it (`about_file`).
    """
    with tempfile.TemporaryDirectory() as folder:
        target = campaign.prepared(path) if campaign.folder.is_dir() else Path(folder) / path.name
        write(target)
        record_file(campaign, name, target, path, about=about)


def record_file(campaign: Campaign[SharedOptions], name: str, written: Path, path: Path, **fields: Any) -> None:
    """Record a file that lies, or is prepared, in the run's folder, or that was written elsewhere: into GridFS."""
    if campaign.folder.is_dir():
        record = in_folder(written, path)
    else:
        record = campaign.catalogue.artifacts.in_gridfs(campaign.run, name, written, path)
    campaign.publication.artifacts[name] = record | fields  # type: ignore[assignment]


@contextmanager
def published_file(campaign: Campaign[SharedOptions], name: str) -> Iterator[Path]:
    """Give a path where a file of an earlier step can be read on this node.

    Raises
    ------
    RunFailed
        When nothing is known by that name, or the file is gone or was changed.
    """
    artifacts = campaign.catalogue.artifacts
    record = artifacts.find(campaign.run, name)
    if record is None:
        raise RunFailed(f"{campaign.step}: run '{campaign.run}' has no file '{name}': no earlier step has made it")
    with tempfile.TemporaryDirectory() as folder:
        path = artifacts.fetch(campaign.run, name, Path(folder))
        if path is None:
            where = record["path"] if record["storage"] == "folder" else f"{name} (in the database)"
            raise RunFailed(f"{campaign.step}: the file {where} is gone or was changed since it was written")
        yield path


def about_file(campaign: Campaign[SharedOptions], name: str) -> dict[str, Any]:
    """Return what is kept beside a file; empty where nothing is known by that name."""
    record = campaign.catalogue.artifacts.find(campaign.run, name)
    return dict(record.get("about") or {}) if record else {}
