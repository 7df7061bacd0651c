"""The fields of a run: artifacts by name, each with what it came from; and the procedures that make them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from genarris_fw.errors import InputError, RunFailed
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.base import Campaign, Procedure, explicit_serialize
from genarris_fw.procedures.kit.run_files import publish_file, published_file
from genarris_fw.studies.force_free.fields.field import Field, read_field, write_field
from genarris_fw.studies.force_free.fields.grid import Grid
from genarris_fw.studies.force_free.fields.linear_force_free import linear_force_free_field
from genarris_fw.studies.force_free.fields.low_lou import low_lou_field
from genarris_fw.studies.force_free.fields.magnetogram import magnetogram_field, read_magnetogram
from genarris_fw.studies.force_free.fields.potential import potential_field
from genarris_fw.studies.force_free.options.fields import (
    LinearForceFreeFieldOptions,
    LowLouFieldOptions,
    MagnetogramLoadOptions,
    MakesField,
    PotentialFieldOptions,
)

Options = TypeVar("Options", bound=MakesField)


def load_field(campaign: Campaign[SharedOptions], name: str) -> Field:
    """Return a field that an earlier step has made.

    Raises
    ------
    RunFailed
        When there is none of that name, or its file was lost or cannot be used.
    """
    with published_file(campaign, f"field/{name}") as path:
        try:
            return read_field(path)
        except InputError as error:
            raise RunFailed(f"{campaign.step}: {error}") from None


def potential_of(campaign: Campaign[SharedOptions], name: str, field: Field) -> Field:
    """Return the potential field of a field: that which Potential_Field made, else by Fourier series."""
    if campaign.catalogue.artifacts.find(campaign.run, f"field/{potential_name(name)}"):
        return load_field(campaign, potential_name(name))
    return potential_field(field)


def potential_name(name: str) -> str:
    """What the potential field of a field is called."""
    return f"{name}_potential"


def publish_field(campaign: Campaign[SharedOptions], name: str, field: Field, folder: str) -> dict[str, Any]:
    """Make a field known by its name once the step is collected; return what its document says."""
    about = {
        "digest": field.digest,
        "shape": list(field.grid.shape),
        "bounds": [list(ends) for ends in field.grid.bounds],
        **field.about,
    }
    publish_file(
        campaign, f"field/{name}", Path(folder) / f"{name}.npz", lambda path: write_field(field, path), **about
    )
    return about


class MakesOneField(Procedure[Options]):
    """A step that makes a field, in a second or so."""

    cheap = True

    def field(self, campaign: Campaign[Options]) -> Field:
        """Return the field."""
        raise NotImplementedError

    def collect(self, campaign: Campaign[Options]) -> dict[str, Any]:
        """Make the field, and its file."""
        name, folder = campaign.options.field, campaign.options.output_dir
        assert name is not None and folder is not None  # resolved
        field = _or_failed(campaign, lambda: self.field(campaign))
        about = publish_field(campaign, name, field, folder)
        largest = float(np.sqrt((field.values**2).sum(axis=0).max()))
        return {"field": name, "nodes": field.grid.size, "largest": largest, "about": about}


def _or_failed(campaign: Campaign[SharedOptions], make: Callable[[], Field]) -> Field:
    try:
        return make()
    except InputError as error:  # another try gives the same
        raise RunFailed(f"{campaign.step}: {error}") from None


@explicit_serialize
class LowLouField(MakesOneField[LowLouFieldOptions]):
    """The force-free field of Low and Lou."""

    def field(self, campaign: Campaign[LowLouFieldOptions]) -> Field:
        """Return the field."""
        options = campaign.options
        grid = Grid(options.bounds, options.shape)  # type: ignore[arg-type]  # it checks what it is given
        return low_lou_field(options.n, options.m, options.l, options.phi, grid)


@explicit_serialize
class LinearForceFreeField(MakesOneField[LinearForceFreeFieldOptions]):
    """The linear force-free field above the lower face of another."""

    def field(self, campaign: Campaign[LinearForceFreeFieldOptions]) -> Field:
        """Return the field."""
        options = campaign.options
        assert options.bottom is not None  # resolved
        below = load_field(campaign, options.bottom)
        found = linear_force_free_field(below.values[2, :, :, 0], options.alpha, below.grid, options.pad)
        made_of = {"bottom": options.bottom, "bottom_digest": below.digest}
        return Field(found.grid, found.values, {**found.about, **made_of})


@explicit_serialize
class MagnetogramLoad(MakesOneField[MagnetogramLoadOptions]):
    """The vector magnetogram of an active region, with the potential field above."""

    def field(self, campaign: Campaign[MagnetogramLoadOptions]) -> Field:
        """Return the field."""
        options = campaign.options
        magnetogram = read_magnetogram(Path(options.bp), Path(options.bt), Path(options.br), options.binning)
        return magnetogram_field(magnetogram, options.layers, options.method, options.pad)


@explicit_serialize
class PotentialField(Procedure[PotentialFieldOptions]):
    """The potential field of each field."""

    cheap = True

    def collect(self, campaign: Campaign[PotentialFieldOptions]) -> dict[str, Any]:
        """Make the fields, and their files."""
        options = campaign.options
        assert options.fields is not None and options.output_dir is not None  # resolved
        made = {}
        for name in options.fields:
            of = load_field(campaign, name)
            found = _or_failed(campaign, partial(potential_field, of, method=options.method, pad=options.pad))
            field = Field(found.grid, found.values, {**found.about, "of": name, "of_digest": of.digest})
            made[potential_name(name)] = publish_field(campaign, potential_name(name), field, options.output_dir)
        return {"fields": list(made), "about": made}
