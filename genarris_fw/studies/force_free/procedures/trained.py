"""What PINN_Train has left, for the steps after it: the names of trainings, and the fields that the networks are."""

from __future__ import annotations

from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.base import Campaign
from genarris_fw.procedures.kit.run_files import about_file, published_file
from genarris_fw.studies.force_free.fields.field import Field
from genarris_fw.studies.force_free.network.envelope import Envelope
from genarris_fw.studies.force_free.network.evaluate import field_of
from genarris_fw.studies.force_free.procedures.problem import shape_of
from genarris_fw.studies.force_free.procedures.training import read_arrays, training_name


def trainings(campaign: Campaign[SharedOptions], step: str) -> list[str]:
    """Return the names of the trainings of a step, sorted."""
    return sorted(campaign.catalogue.artifacts.names(campaign.run, training_name(step, "")))


def trained_field(campaign: Campaign[SharedOptions], name: str, reference: Field) -> Field:
    """Return the field that a trained network is on the nodes of its reference."""
    about = about_file(campaign, name)
    with published_file(campaign, name) as path:
        parameters = read_arrays(path)["parameters"]
    return field_of(shape_of(about["settings"]), parameters, reference.grid, Envelope(**about["envelope"]))
