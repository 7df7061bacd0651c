"""The settings of all registered engines as options of ui.conf: a section that calls an engine takes them, too.

An engine declares its settings once, in its own folder. Here they are put side by side: where engines have a setting
of one name, the table has one row that says whose it is and where they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

from genarris_fw.declaring.door import remembered
from genarris_fw.declaring.option import Declared, Option, option
from genarris_fw.declaring.types import Flag, PathRole, Said, Words
from genarris_fw.errors import InputError
from genarris_fw.options.base import ProcedureOptions


class EngineOptions(ProcedureOptions):
    """Which engine computes energies; its settings stand in the same section.

    Attributes
    ----------
    of_one_step : bool
        Whether files that a run carries are named here: a section of several steps has none.
    asks : tuple of str
        What the engine must do: keys of `resolving.engine_choice.LACKING`.
    """

    of_one_step: ClassVar[bool] = True
    asks: ClassVar[tuple[str, ...]] = ()

    engine: Words | None = option(
        "Engine that computes the energies", category="inferred", expected="the name of an engine"
    )
    reuse: Flag = option(
        "Take results that any run of the database has computed of the same structure with the same engine, version "
        "and settings",
        False,
        category="inferred",
        default_words="from [Genarris_master], else False",
        changes_results=False,
    )

    @classmethod
    def settings(cls) -> dict[str, Setting]:
        """Return the engines' settings that the section takes."""
        return _taken_by(cls)

    @classmethod
    def declared(cls) -> list[str]:
        """Return the names that a user may write."""
        return [*super().declared(), *cls.settings()]

    @classmethod
    def info(cls, name: str) -> Option:
        """Return what is known of an option."""
        if name not in cls.model_fields:
            return cls.settings()[name].info
        info = super().info(name)
        return replace(info, default_words=_inference()) if name == "engine" and info.default is None else info

    @classmethod
    def description(cls, name: str) -> str:
        """Return what an option is for."""
        return super().description(name) if name in cls.model_fields else cls.settings()[name].description

    @classmethod
    def said(cls, name: str) -> Said:
        """Return how the option's type is called."""
        return super().said(name) if name in cls.model_fields else cls.settings()[name].said

    @classmethod
    def path_role(cls, name: str) -> PathRole | None:
        """Return the role of a path option, None for other options."""
        return super().path_role(name) if name in cls.model_fields else cls.settings()[name].path_role

    @classmethod
    def expected(cls, name: str) -> str:
        """Return in words what values the option takes."""
        return super().expected(name) if name in cls.model_fields else cls.settings()[name].said.words

    @classmethod
    def read(cls, name: str, text: Any) -> Any:
        """Return an option's value; a setting's is read again by the model of the engine that is chosen."""
        return super().read(name, text) if name in cls.model_fields else cls.settings()[name].read(text)


class Setting:
    """A setting of one or more engines.

    Parameters
    ----------
    name : str
        The setting's name.
    models : mapping
        Title of an engine -> the model that declares it.
    """

    def __init__(self, name: str, models: Mapping[str, type[Declared]]) -> None:
        self.name = name
        self.models = models

    @cached_property
    def description(self) -> str:
        """What it is for, and of which engines it is one."""
        found: dict[str, list[str]] = {}
        for title, model in self.models.items():
            found.setdefault(model.description(self.name), []).append(title)
        return "; ".join(f"{', '.join(titles)}: {text}" for text, titles in found.items())

    @cached_property
    def said(self) -> Said:
        """How its type is called, and what it takes."""
        names = dict.fromkeys(model.said(self.name).name for model in self.models.values())
        return Said(" or ".join(names), self._each(lambda model: model.expected(self.name)))

    @cached_property
    def path_role(self) -> PathRole | None:
        """The role of its path, where all engines have the same."""
        roles = {model.path_role(self.name) for model in self.models.values()}
        return roles.pop() if len(roles) == 1 else None

    @cached_property
    def info(self) -> Option:
        """What is known of it; defaults that differ are said in words."""
        infos = {title: model.info(self.name) for title, model in self.models.items()}
        [first, *others] = infos.values()
        units = {info.unit for info in infos.values()}
        about = replace(first, category="inferred", unit=units.pop() if len(units) == 1 else "")
        words = {title: _default(title, info) for title, info in infos.items()}
        if any(info.default != first.default or info.default_words != first.default_words for info in others):
            return replace(about, default=None, default_2_0=None, default_words=_in_words(infos, words))
        if first.default in (None, {}, []) or first.category == "required":
            return replace(about, default=None, default_2_0=None, default_words=words[next(iter(words))])
        return about

    def read(self, text: Any) -> Any:
        """Return the value as the first engine reads it that takes it.

        Raises
        ------
        ValueError
            When none does.
        """
        for model in self.models.values():
            try:
                return model.read(self.name, text)
            except ValueError:
                continue
        raise ValueError(f"{self.name}: expected {self.said.words}")

    def _each(self, words: Callable[[type[Declared]], str]) -> str:
        """Return what is said of all engines, or of each where it differs."""
        found = {title: words(model) for title, model in self.models.items()}
        if len(set(found.values())) == 1:
            return next(iter(found.values()))
        return "; ".join(f"for {title} {text}" for title, text in found.items())


def _default(title: str, info: Option) -> str:
    if info.category == "required":
        return f"required by {title}"
    if info.default_words or info.default in (None, {}, []):
        return info.default_words
    return f"{info.default:g}" if type(info.default) is float else str(info.default)


def _in_words(infos: Mapping[str, Option], words: Mapping[str, str]) -> str:
    """Return the defaults of several engines: '2 for FHI-aims, 20 for LAPW'."""
    if any(info.default_words or info.category == "required" for info in infos.values()):
        return "; ".join(f"for {title} {text or 'none'}" for title, text in words.items())
    return ", ".join(f"{text or 'none'} for {title}" for title, text in words.items())


@remembered
def _inference() -> str:
    from genarris_fw.engines import registry

    words = [
        f"{name} with {' or '.join(engine.implied_by)}"
        for name, engine in registry.working().items()
        if engine.implied_by
    ]
    return "; ".join(["from the master or an engine section", *words])


@remembered
def all_settings() -> dict[str, Setting]:
    """Return name -> setting, of all engines that can be loaded here."""
    from genarris_fw.engines import registry

    models: dict[str, dict[str, type[Declared]]] = {}
    for name, engine in registry.working().items():
        for setting in engine.model.declared():
            models.setdefault(setting, {})[engine.title or name] = engine.model
    return {setting: Setting(setting, found) for setting, found in models.items()}


@remembered
def _taken_by(section: type[EngineOptions]) -> dict[str, Setting]:
    """Return the settings that a section takes: its own options have the right of way."""
    return {
        name: setting
        for name, setting in all_settings().items()
        if name not in section.model_fields and (section.of_one_step or name not in carried())
    }


@remembered
def carried() -> frozenset[str]:
    """Return the settings that name a file whose text a run carries."""
    from genarris_fw.engines import registry

    return frozenset(name for engine in registry.working().values() for name in engine.carries)


def changes_results(engine: str | None, setting: str) -> bool:
    """Return whether another value of an engine's setting gives another outcome of a run.

    Of an engine that is not installed here everything counts.
    """
    from genarris_fw.engines import registry

    try:
        model = registry.engine_class(str(engine)).model
    except InputError:
        return True
    return setting not in model.model_fields or model.info(setting).changes_results
