"""The options of the procedures that make a field, and how others find it by its name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from genarris_fw.declaring.option import REQUIRED, option
from genarris_fw.declaring.types import InputFile, Key, OutputFolder, Real, Whole
from genarris_fw.options.base import SharedOptions
from genarris_fw.options.problems import nearest, quoted
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.studies.force_free.options.memory import too_little
from genarris_fw.studies.force_free.options.values import Box, Names, Nodes, PotentialMethod

# Arrays of the size of a field that making one holds at a time.
ARRAYS_OF_A_FIELD = 8


def folder_option(what: str) -> OutputFolder:
    """Declare ``output_dir`` of a step that makes no pool."""
    found: OutputFolder = option(f"Folder of {what}", default_words="the step's name")
    return found


class MakesField(SharedOptions):
    """A procedure that makes one field, known to later steps by its name.

    Attributes
    ----------
    is_reference : bool
        Whether networks are trained on it where PINN_Train names no fields.
    """

    is_reference: ClassVar[bool] = True
    results: ClassVar[dict[str, str]] = {"field": "field {}", "nodes": "{} nodes", "largest": "up to {:.4g}"}

    field: Key | None = option("Name of the field", again="suffix", default_words="the step's name")
    output_dir: OutputFolder | None = option("Folder of the field's file", default_words="the step's name")

    @property
    def grid_shape(self) -> list[int] | None:
        """Nodes along x, y and z, where they are known before the step is carried out."""
        return None

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Name the field; a name that is taken is a problem."""
        if draft.options["field"] is None:
            draft.put("field", draft.step.name, "default")
        if draft.options["field"] in fields_before(bench):
            line, section = draft.where("field")
            name = quoted(draft.options["field"])
            bench.remarks.problem(
                line, f"field = {name}: an earlier step makes a field of that name; expected another", section
            )
        bench.output_pool(draft)


def fields_before(bench: Bench, references: bool = False) -> dict[str, Draft]:
    """Return the fields that earlier steps make, or those of them that networks are trained on, by their names."""
    return {
        draft.options["field"]: draft
        for draft in bench.drafts
        if issubclass(draft.model, MakesField) and (draft.model.is_reference or not references)
    }


def find_fields(bench: Bench, draft: Draft, option_name: str = "fields") -> list[str]:
    """Return the fields that an option names, else all references; what is none is a problem."""
    known, names = fields_before(bench), draft.options[option_name]
    if names is None:
        names = list(fields_before(bench, references=True))
        draft.put(option_name, names, "inferred from the steps before that make fields")
        if not names:
            bench.missing_pool(
                draft.line,
                f"missing {option_name}, and no earlier procedure makes a field; expected Low_Lou_Field, "
                "Linear_Force_Free_Field or Magnetogram_Load before it",
                draft.section,
            )
    refuse_unknown(bench, draft, option_name, names, known)
    return list(names)


def refuse_unknown(bench: Bench, draft: Draft, option_name: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Note a problem for every name that no earlier step makes a field of."""
    line, section = draft.where(option_name)
    for name in names:
        if name not in known:
            why = f"{option_name} = {quoted(name)}: no earlier step makes a field of that name{nearest(name, known)}"
            bench.remarks.problem(line, why, section)


def known_shapes(bench: Bench, names: Iterable[str]) -> dict[str, list[int]]:
    """Return the nodes along x, y and z of those fields for which they are known before the run."""
    before = fields_before(bench)
    shapes = {name: before[name].options.get("shape") for name in names if name in before}
    return {name: list(shape) for name, shape in shapes.items() if shape}


class LowLouFieldOptions(MakesField):
    """Make the semi-analytical force-free field of Low and Lou (1990) on a grid."""

    procedure: ClassVar[str] = "Low_Lou_Field"
    order: ClassVar[int] = 400

    field: Key | None = option("Name of the field", "low_lou", again="suffix")
    n: Whole = option("Power of the distance from the source", 1, ge=1, le=40)
    m: Whole = option("Which of the solutions for n; 0 has no currents", 1, ge=0, le=40)
    l: Real = option("Depth of the source below z = 0", 0.3, ge=1e-3, le=1e3)  # noqa: E741 - its name in the field
    phi: Real = option("Angle between the source's axis and z", 0.7853981633974483, unit="rad", ge=-10, le=10)
    bounds: Box = option("Ends of the box along x, y and z", [[-1.0, 1.0], [-1.0, 1.0], [0.0, 2.0]])
    shape: Nodes = option("Nodes along x, y and z, the ends among them", [64, 64, 64])

    def problems_here(self) -> list[str]:
        """Say where there is no such solution or no such box, or too little memory."""
        from genarris_fw.errors import InputError
        from genarris_fw.studies.force_free.fields.grid import Grid
        from genarris_fw.studies.force_free.fields.low_lou import eigenvalue

        found = []
        try:
            eigenvalue(self.n, self.m)
        except InputError as error:
            found.append(str(error))
        try:
            Grid(self.bounds, self.shape)  # type: ignore[arg-type]  # it checks what it is given
        except InputError as error:
            found.append(str(error))
        return found + field_too_large(self.shape, self.memory)


def field_too_large(shape: list[int], memory: int | None) -> list[str]:
    """Say where a field of so many nodes cannot be made here."""
    nodes = shape[0] * shape[1] * shape[2]
    return too_little(
        3 * 8 * nodes * ARRAYS_OF_A_FIELD, memory, f"a field of {nodes:,} nodes", "choose a smaller shape"
    )


class PotentialFieldOptions(SharedOptions):
    """Make the potential field of every field: without currents, with the same Bz on the lower face."""

    procedure: ClassVar[str] = "Potential_Field"
    order: ClassVar[int] = 410
    results: ClassVar[dict[str, str]] = {"fields": "{[0]}"}

    fields: Names | None = option(
        "Fields; the potential field of one is called after it, with _potential",
        category="inferred",
        default_words="all that earlier steps make",
    )
    method: PotentialMethod = option(
        "How: fft (half space, Fourier series), green (half space, Green's function), neumann (all six faces)", "fft"
    )
    pad: Whole = option("Of fft: how many times the padded plane is as long as the face", 4, ge=1, le=64)
    output_dir: OutputFolder | None = option("Folder of the fields' files", default_words="the step's name")

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find the fields."""
        find_fields(bench, draft)
        bench.output_pool(draft)


class LinearForceFreeFieldOptions(MakesField):
    """Make the linear force-free field above the lower face of another field: currents are alpha times the field."""

    procedure: ClassVar[str] = "Linear_Force_Free_Field"
    order: ClassVar[int] = 420

    field: Key | None = option("Name of the field", "linear", again="suffix")
    bottom: Key | None = option(
        "Field whose Bz on the lower face it has", category="inferred", default_words="the last one made before"
    )
    alpha: Real = option("Alpha in curl B = alpha B", REQUIRED, unit="1/length", ge=-1e6, le=1e6)
    pad: Whole = option("How many times the padded plane is as long as the face", 4, ge=1, le=64)

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find the field below."""
        super().resolve(bench, draft)
        before = fields_before(bench)
        if draft.options["bottom"] is None:
            if not before:
                bench.missing_pool(
                    draft.line, "missing bottom, and no earlier procedure makes a field; expected one", draft.section
                )
                return
            draft.put("bottom", list(before)[-1], f"inferred from step {before[list(before)[-1]].step.name}")
        refuse_unknown(bench, draft, "bottom", [draft.options["bottom"]], before)


class MagnetogramLoadOptions(MakesField):
    """Read the vector magnetogram of an active region: a SHARP cut-out, and the potential field on the other faces."""

    procedure: ClassVar[str] = "Magnetogram_Load"
    order: ClassVar[int] = 430

    field: Key | None = option("Name of the field", "magnetogram", again="suffix")
    bp: InputFile = option("FITS file of the component Bp, to the west: Bx", REQUIRED)
    bt: InputFile = option("FITS file of the component Bt, to the south: -By", REQUIRED)
    br: InputFile = option("FITS file of the component Br, outwards: Bz", REQUIRED)
    binning: Whole = option("So many pixels by so many become one", 1, ge=1, le=1000)
    layers: Whole | None = option(
        "Nodes along z, as far apart as along x", ge=2, le=2000, default_words="as many as the shorter side has pixels"
    )
    method: PotentialMethod = option("How the potential field is made (Potential_Field)", "fft")
    pad: Whole = option("As in Potential_Field", 4, ge=1, le=64)

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Say where a file is missing."""
        super().resolve(bench, draft)
        for name, component in (("bp", "Bp"), ("bt", "Bt"), ("br", "Br")):
            if draft.options[name]:
                bench.require_file(draft, name, f"the FITS file of the component {component}")

    def problems_here(self) -> list[str]:
        """Read the files: say what is wrong with them."""
        from pathlib import Path

        from genarris_fw.errors import InputError
        from genarris_fw.studies.force_free.fields.magnetogram import read_magnetogram

        try:
            read_magnetogram(Path(self.bp), Path(self.bt), Path(self.br), self.binning)
        except InputError as error:
            return [str(error)]
        return []
