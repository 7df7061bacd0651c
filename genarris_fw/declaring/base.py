"""What every option model shares: how an option is declared, and the options every procedure has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from genarris_fw.declaring.queueing import Duration, Memory, PlainName
from genarris_fw.declaring.types import PathRole, Said, Verbosity, Whole


class _Required:
    """The default of an option that has none."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()
_SAME = object()


@dataclass(frozen=True)
class OptionInfo:
    """What is known of one option beside its type.

    Parameters
    ----------
    category : str
        'required', 'optional' or 'inferred', as the manual's chapter 2.2 has it.
    default, default_2_0 : object
        The value when nothing is given, under ``defaults = manual`` and ``2.0``; `REQUIRED` if there is none.
    unit : str
        The unit of the value, empty if it has none.
    aliases : tuple of str
        Further names, from another version of Genarris.
    again : str
        What a second occurrence of the procedure starts from when only the first one's value is given: 'keep'
        it, 'suffix' it with ``_2`` (outputs), 'number' it with ``1`` (matrices), or 'reset' to the default or
        the inferred value.
    expected : str
        What a message says was expected, where the type does not say it well enough.
    default_words : str
        How the default is described in tables, where it is not a plain value.
    """

    category: str = "optional"
    default: Any = None
    default_2_0: Any = None
    unit: str = ""
    aliases: tuple[str, ...] = ()
    again: str = "keep"
    expected: str = ""
    default_words: str = ""

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
    again: str = "keep",
    expected: str = "",
    default_words: str = "",
    **limits: Any,
) -> Any:
    """Declare an option of a model; `limits` are pydantic's (ge, gt, le, lt)."""
    info = OptionInfo(
        category or ("required" if default is REQUIRED else "optional"),
        default,
        default if default_2_0 is _SAME else default_2_0,
        unit,
        aliases,
        again,
        expected,
        default_words,
    )
    return Field(default=None, description=description, json_schema_extra={"info": info}, **limits)  # type: ignore[dict-item]


class ProcedureOptions(BaseModel):
    """The options of one section; a model is filled with the texts of ui.conf and holds what was given."""

    model_config = ConfigDict(extra="forbid")

    procedure: ClassVar[str] = ""
    synonyms: ClassVar[tuple[str, ...]] = ()
    no_effect: ClassVar[dict[str, str]] = {}

    @classmethod
    def names(cls) -> dict[str, str]:
        """Return every accepted spelling in lower case -> the option's name."""
        found = {}
        for name in cls.model_fields:
            for spelling in (name, *cls.info(name).aliases):
                found[spelling.lower()] = name
        return found

    @classmethod
    def info(cls, name: str) -> OptionInfo:
        """Return what is known of an option."""
        extra = cls.model_fields[name].json_schema_extra
        assert isinstance(extra, dict)
        info = extra["info"]
        assert isinstance(info, OptionInfo)
        return info

    @classmethod
    def _marks(cls, name: str, kind: type) -> Any:
        return next((mark for mark in cls.model_fields[name].metadata if isinstance(mark, kind)), None)

    @classmethod
    def said(cls, name: str) -> Said:
        """Return how the option's type is called."""
        found: Said = cls._marks(name, Said)
        return found

    @classmethod
    def path_role(cls, name: str) -> PathRole | None:
        """Return the role of a path option, None for other options."""
        found: PathRole | None = cls._marks(name, PathRole)
        return found

    @classmethod
    def expected(cls, name: str) -> str:
        """Return in words what values the option takes."""
        info = cls.info(name)
        if info.expected:
            return info.expected
        limits = {type(mark).__name__.lower(): mark for mark in cls.model_fields[name].metadata}
        text = cls.said(name).words
        if "ge" in limits and "le" in limits:
            text += f" from {limits['ge'].ge} to {limits['le'].le}"
        else:
            phrases = (("ge", "not below"), ("gt", "above"), ("le", "not above"), ("lt", "below"))
            bounds = [f"{phrase} {getattr(limits[sign], sign)}" for sign, phrase in phrases if sign in limits]
            text = " ".join([text, " and ".join(bounds)]).strip()
        return text + (f" ({info.unit})" if info.unit else "")


_FROM_QADAPTER = "from [Genarris_master], else my_qadapter.yaml"


class QueueOptions(ProcedureOptions):
    """What a queueing system is asked for, for every replica: of a procedure, or in the master section of all."""

    walltime: Duration = option(
        "Time limit of each replica's job (stored in s)", category="inferred", default_words=_FROM_QADAPTER
    )
    memory: Memory = option(
        "Memory of each replica's job, 1 GB = 1024 MB (stored in MB); PBS and SGE get it per core",
        category="inferred",
        default_words=_FROM_QADAPTER,
    )
    queue: PlainName = option("Queue or partition of the jobs", category="inferred", default_words=_FROM_QADAPTER)
    account: PlainName = option("Account that pays for the jobs", category="inferred", default_words=_FROM_QADAPTER)
    category: PlainName = option(
        "FireWorks' _category: only rockets whose my_fworker.yaml has this category, or none, do the work",
        category="inferred",
        default_words="from [Genarris_master], else every rocket but those of a category",
    )


class SharedOptions(QueueOptions):
    """The options that every procedure's section takes."""

    num_cores: Whole = option(
        "Number of cores this procedure is laid out for, shared by its replicas; each replica's job asks for its share",
        ge=1,
        le=10**7,
        default_words="what the machine has",
    )
    num_replicas: Whole = option("Number of replicas that share the procedure's work items", 1, ge=1, le=10**6)
    omp_num_threads: Whole = option("Number of OpenMP threads of each process of a replica", 1, ge=1, le=10**4)
    verbose: Verbosity = option("How much is logged: True, False or a level", False, aliases=("verbose_output",))
