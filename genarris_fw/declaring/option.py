"""How an option or a setting is declared: once, as a field of a pydantic model, with all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genarris_fw.declaring.types import PathRole, Said
from genarris_fw.errors import InputError


class _Required:
    """The default of an option that has none."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()
_SAME = object()


@dataclass(frozen=True)
class Option:
    """What is known of one option beside its type.

    Parameters
    ----------
    category : str
        'required', 'optional' or 'inferred', as the manual's chapter 2.2 has it; 'derived' for what no user writes and
        resolving sets.
    default, default_2_0 : object
        The value when nothing is given, under ``defaults = manual`` and ``2.0``; `REQUIRED` if there is none.
    unit : str
        The unit of the value, empty if it has none.
    aliases : tuple of str
        Further names, from another version of Genarris.
    again : str
        What a second occurrence of the procedure starts from when only the first one's value is given: 'keep'
        it, 'suffix' it with ``_2``, 'number' it with ``1`` (matrices), or 'reset' to the default or the inferred
        value. Empty: 'suffix' for outputs, 'keep' for all else (`Declared.again`).
    expected : str
        What a message says was expected, where the type does not say it well enough.
    default_words : str
        How the default is described in tables, where it is not a plain value.
    changes_results : bool
        Whether another value gives another result: another outcome of a run, another energy of a given structure.
    changes_energy : bool
        Of an engine's setting that changes results: whether it enters the energy of a given structure. How a
        relaxation is carried out does not.
    written_down : bool
        Of an engine's setting: whether the default stands in a step's options. False for what runs of before have not.
    holds : str
        Of a folder: what its structures are, for steps of another run that look for something to work on
        ('generated', 'pressed', 'described', 'clustered', 'exemplars', 'energies', 'relaxed', 'chosen', ...).
    takes : tuple of str
        Of a folder of input: what a step works on, by `holds`, the best first, where no earlier step makes structures.
    lends : int
        How much a section's value counts for sections that give none: the highest first, else in the workflow's order.
    no_path : str
        Of a path: the word that stands for none.
    written_if : tuple
        (option, value): an output that is written only where another option has this value.
    """

    category: str = "optional"
    default: Any = None
    default_2_0: Any = None
    unit: str = ""
    aliases: tuple[str, ...] = ()
    again: str = ""
    expected: str = ""
    default_words: str = ""
    changes_results: bool = True
    holds: str = ""
    takes: tuple[str, ...] = ()
    lends: int = 0
    no_path: str = ""
    written_if: tuple[str, Any] | None = None
    changes_energy: bool = True
    written_down: bool = True

    def default_of(self, defaults: str) -> Any:
        """Return the default under the set 'manual' or '2.0'."""
        return self.default_2_0 if defaults == "2.0" else self.default


def option(
    description: str,
    default: Any = None,
    *,
    default_2_0: Any = _SAME,
    category: str = "",
    unit: str = "",
    aliases: tuple[str, ...] = (),
    again: str = "",
    expected: str = "",
    default_words: str = "",
    changes_results: bool = True,
    holds: str = "",
    takes: tuple[str, ...] = (),
    lends: int = 0,
    no_path: str = "",
    written_if: tuple[str, Any] | None = None,
    changes_energy: bool = True,
    written_down: bool = True,
    **limits: Any,
) -> Any:
    """Declare an option of a model; `limits` are pydantic's (ge, gt, le, lt), the rest as of `Option`."""
    declared = Option(
        category or ("required" if default is REQUIRED else "optional"),
        default,
        default if default_2_0 is _SAME else default_2_0,
        unit,
        aliases,
        again,
        expected,
        default_words,
        changes_results,
        holds,
        takes,
        lends,
        no_path,
        written_if,
        changes_energy,
        written_down,
    )
    value = None if default is REQUIRED else default
    # An `Option` is no JSON: it lies there for us alone, and no schema is made of it.
    extra: dict[str, Any] = {"option": declared}
    return Field(default=value, description=description, json_schema_extra=extra, **limits)


def derived(description: str, default: Any = None, **about: Any) -> Any:
    """Declare what no user writes: resolving sets it from other options, and procedures read it."""
    return option(description, default, category="derived", **about)


class Declared(BaseModel):
    """A model of what a user writes: every field is an option or a setting, declared by `option`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @classmethod
    def own(cls) -> list[str]:
        """Return the names of the model's own fields that a user may write."""
        return [name for name in cls.model_fields if cls.info(name).category != "derived"]

    @classmethod
    def declared(cls) -> list[str]:
        """Return the names that a user may write."""
        return cls.own()

    @classmethod
    def names(cls) -> dict[str, str]:
        """Return every accepted spelling in lower case -> the option's name."""
        found = {}
        for name in cls.declared():
            for spelling in (name, *cls.info(name).aliases):
                found[spelling.lower()] = name
        return found

    @classmethod
    def info(cls, name: str) -> Option:
        """Return what is known of an option."""
        extra = cls.model_fields[name].json_schema_extra
        assert isinstance(extra, dict)
        found = extra["option"]
        assert isinstance(found, Option)
        return found

    @classmethod
    def description(cls, name: str) -> str:
        """Return what an option is for."""
        return str(cls.model_fields[name].description)

    @classmethod
    def marks(cls, name: str) -> tuple[Any, ...]:
        """Return all that an option's annotation carries, also where it may be None: words, role, limits, reader."""
        return _marks(cls, name)

    @classmethod
    def said(cls, name: str) -> Said:
        """Return how the option's type is called."""
        return next(mark for mark in cls.marks(name) if isinstance(mark, Said))

    @classmethod
    def path_role(cls, name: str) -> PathRole | None:
        """Return the role of a path option, None for other options."""
        return next((mark for mark in cls.marks(name) if isinstance(mark, PathRole)), None)

    @classmethod
    def again(cls, name: str) -> str:
        """Return what a later occurrence starts from: see `Option`."""
        role = cls.path_role(name)
        return cls.info(name).again or ("suffix" if role and role.use == "output" else "keep")

    @classmethod
    def decides(cls, name: str) -> bool:
        """Tell whether another value gives another result; where results are written does not."""
        role = cls.path_role(name)
        return cls.info(name).changes_results and not (role and role.use in ("output", "scratch"))

    @classmethod
    def is_path(cls, name: str, value: Any) -> bool:
        """Tell whether an option's value is a path, not the word for none."""
        word = cls.info(name).no_path
        return isinstance(value, str) and cls.path_role(name) is not None and not (word and value.lower() == word)

    @classmethod
    def expected(cls, name: str) -> str:
        """Return in words what values the option takes."""
        info = cls.info(name)
        if info.expected:
            return info.expected
        limits = {type(mark).__name__.lower(): mark for mark in cls.marks(name)}
        text = cls.said(name).words
        if "ge" in limits and "le" in limits:
            text += f" from {limits['ge'].ge} to {limits['le'].le}"
        else:
            phrases = (("ge", "not below"), ("gt", "above"), ("le", "not above"), ("lt", "below"))
            bounds = [f"{phrase} {getattr(limits[sign], sign)}" for sign, phrase in phrases if sign in limits]
            text = " ".join([text, " and ".join(bounds)]).strip()
        return text + (f" ({info.unit})" if info.unit else "")

    @classmethod
    def read(cls, name: str, text: Any) -> Any:
        """Return an option's value from what is written behind the ``=``.

        Raises
        ------
        InputError
            When what it names cannot be used, with the reason.
        ValueError
            When it is no value of the option.
        """
        try:
            return getattr(cls.model_validate({name: text}), name)
        except ValidationError as error:
            reasons = [detail.get("ctx", {}).get("error") for detail in error.errors()]
            for reason in reasons:
                if isinstance(reason, InputError):
                    raise reason from error
            raise ValueError(f"{name}: expected {cls.expected(name)}") from error


@cache
def _marks(model: type[Declared], name: str) -> tuple[Any, ...]:
    """Return what a field's annotation carries, also where the field may be None."""
    field = model.model_fields[name]
    return (*field.metadata, *_inner(field.annotation))


def _inner(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from get_args(annotation)[1:]
    else:
        for part in get_args(annotation):
            yield from _inner(part)
