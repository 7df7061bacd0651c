"""What is said of the files of an archive: an RO-Crate of the profile Process Run Crate.

Steps are ``CreateAction`` s with the procedure as instrument; engines, their versions and settings are what a procedure
needed. See https://w3id.org/ro/crate/1.1 and https://w3id.org/ro/wfrun/process/0.5.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.energetics.comparable import Source
from genarris_fw.views.archive.contents import Contents, Reference

if TYPE_CHECKING:
    from rocrate.model.entity import Entity
    from rocrate.rocrate import ROCrate

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
HOME = "#genarris_fw"
_NO_LICENCE = {
    "@type": "CreativeWork",
    "name": "no licence is stated",
    "description": "Ask the authors before you use what is in this archive.",
}
_STATES = {"finished": "CompletedActionStatus", "failed": "FailedActionStatus", "running": "ActiveActionStatus"}
# Where steps name the pools that they take and make.
_TAKEN, _MADE = ("input_pool",), ("output_pool", "exemplars_pool")


@dataclass(frozen=True)
class About:
    """What the database does not know of an archive, and who did the work.

    Attributes
    ----------
    author : str
        Whose archive it is.
    license : str
        An identifier of SPDX or an address; empty where none is stated.
    users : sequence of str
        Who ran the steps.
    sources : mapping of str to sequence of Source
        What energies come from, by their name.
    clean : callable
        Takes secrets out of a text.
    """

    author: str
    license: str
    users: Sequence[str]
    sources: Mapping[str, Sequence[Source]]
    clean: Callable[[str], str]


def make_crate(record: RunDocument, contents: Contents, folder: Path, about: About) -> ROCrate:
    """Return the crate of a run whose files lie in a folder."""
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    _describe_root(crate, record, about)
    files = _add_files(crate, contents, folder)
    program = _software(crate, HOME, "genarris_fw", str((record.get("versions") or {}).get("genarris_fw", "")))
    needed: list[Entity] = []
    for name, version in (record.get("versions") or {}).items():
        if name != "genarris_fw":
            needed.append(_software(crate, f"#{quote(name)}", name, str(version)))
    if needed:
        program["softwareRequirements"] = _one_or_all(needed)
    people = [_person(crate, user) for user in about.users]
    actions = [
        _action(crate, step, record, contents, files, program, people, about)
        for step in record.get("options", {}).get("steps", [])
        if step["name"] in (record.get("steps") or {})
    ]
    if actions:
        crate.root_dataset["mentions"] = actions
    return crate


def _describe_root(crate: ROCrate, record: RunDocument, about: About) -> None:
    from rocrate.model.contextentity import ContextEntity

    root, steps = crate.root_dataset, record.get("options", {}).get("steps", [])
    root["name"] = f"run {record['name']} of Genarris"
    root["description"] = (
        f"Crystal structure prediction by genarris_fw: the run {record['name']}, {record.get('state', 'of no state')}. "
        f"Steps: {', '.join(step['name'] for step in steps) or 'none'}. Structures lie in structures/, each once; "
        "pools in pools/, as tables of the properties of their structures."
    )
    root["datePublished"] = _time(datetime.now(timezone.utc))
    if record.get("created"):
        root["dateCreated"] = _time(record["created"])
    root["author"] = _person(crate, about.author)
    if not about.license:
        licence = ContextEntity(crate, "#no-licence", _NO_LICENCE)
    else:
        address = about.license if "://" in about.license else f"https://spdx.org/licenses/{quote(about.license)}"
        licence = ContextEntity(crate, address, {"@type": "CreativeWork", "name": about.license})
    root["license"] = crate.add(licence)
    profile = {"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
    root["conformsTo"] = crate.add(ContextEntity(crate, PROFILE, profile))


def _add_files(crate: ROCrate, contents: Contents, folder: Path) -> dict[str, Entity]:
    files: dict[str, Entity] = {}
    for part in contents.parts:
        source = folder / part.path
        known = {"name": part.name, "encodingFormat": part.media_type, "contentSize": str(source.stat().st_size)}
        own = {name: value for name, value in part.about.items() if not isinstance(value, Reference)}
        files[part.path] = crate.add_file(source, part.path, properties=known | own)
    for part in contents.parts:
        for name, value in part.about.items():
            if isinstance(value, Reference):
                files[part.path][name] = files[value.path]
    return files


def _action(
    crate: ROCrate,
    step: Mapping[str, Any],
    record: RunDocument,
    contents: Contents,
    files: Mapping[str, Entity],
    program: Entity,
    people: Sequence[Entity],
    about: About,
) -> Entity:
    """Describe what a step did: by which program, with which options, from what, to what, when, for whom."""
    name, options = step["name"], step.get("options", {})
    progress: Mapping[str, Any] = (record.get("steps") or {})[name]
    tool = _software(crate, f"#procedure-{quote(step['procedure'])}", step["procedure"], program["softwareVersion"])
    tool["softwareRequirements"] = program
    taken = [contents.pools[options[key]] for key in _TAKEN if options.get(key) in contents.pools]
    taken += [contents.molecules[name]] if name in contents.molecules else []
    taken += contents.settings.get(name, [])
    taken += ["ui.conf"] if "ui.conf" in files else []
    made = [contents.pools[options[key]] for key in _MADE if options.get(key) in contents.pools]
    about_it: dict[str, Any] = {
        "@type": "CreateAction",
        "name": f"{name}: {step['procedure']}",
        "actionStatus": f"http://schema.org/{_STATES.get(str(progress.get('state')), 'PotentialActionStatus')}",
    }
    summary = (record.get("summaries") or {}).get(name) or {}
    if summary.get("words"):
        about_it["description"] = about.clean(str(summary["words"]))
    for key, field in (("startTime", "started"), ("endTime", "finished")):
        if progress.get(field):
            about_it[key] = _time(progress[field])
    if progress.get("state") == "failed" and record.get("failure"):
        about_it["error"] = about.clean(record["failure"])
    calculates = options.get("engine") or options.get("potential")  # others name an energy that they take
    sources = about.sources.get(str(options.get("energy_name") or ""), ()) if calculates else ()
    engines = [_engine(crate, source) for source in sources if options.get("engine") in (source.engine, None)]
    action: Entity = crate.add_action(
        _one_or_all([tool, *engines]),
        identifier=f"#step-{quote(name)}",
        object=_one_or_all([files[path] for path in taken] + _options(crate, name, options, about.clean)),
        result=_one_or_all([files[path] for path in made or ["run.json"]]),
        properties=about_it,
    )
    if people:
        action["agent"] = _one_or_all(list(people))
    return action


def _one_or_all(entities: list[Entity]) -> Entity | list[Entity]:
    """Return a list of one as that one, as RO-Crate has it."""
    return entities[0] if len(entities) == 1 else entities


def _options(crate: ROCrate, step: str, options: Mapping[str, Any], clean: Callable[[str], str]) -> list[Entity]:
    """Describe the options of a step, each as a name with a value; those that hold texts of files are files."""
    from rocrate.model.contextentity import ContextEntity

    found = []
    for name, value in options.items():
        text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
        if value is None or "\n" in text or len(text) > 1000:
            continue
        known = value if isinstance(value, int | float) else clean(text)
        properties = {"@type": "PropertyValue", "name": name, "value": known}
        found.append(crate.add(ContextEntity(crate, f"#{quote(step)}-{quote(name)}", properties)))
    return found


def _engine(crate: ROCrate, source: Source) -> Entity:
    """Describe an engine in a version and with settings."""
    from rocrate.model.contextentity import ContextEntity

    engine = _software(crate, f"#engine-{quote('-'.join(filter(None, source)))}", source.engine, source.engine_version)
    if source.settings_hash:
        settings = {
            "@type": "PropertyValue",
            "name": "settings_hash: the beginning of the SHA-256 of the settings",
            "value": source.settings_hash,
        }
        engine["identifier"] = crate.add(ContextEntity(crate, f"{engine.id}-settings", settings))
    return engine


def _software(crate: ROCrate, identifier: str, name: str, version: str) -> Entity:
    from rocrate.model.contextentity import ContextEntity

    known = crate.dereference(identifier)
    if known is not None:
        return known
    properties = {"@type": "SoftwareApplication", "name": name}
    return crate.add(ContextEntity(crate, identifier, properties | ({"softwareVersion": version} if version else {})))


def _person(crate: ROCrate, name: str) -> Entity:
    from rocrate.model.contextentity import ContextEntity

    identifier = f"#person-{quote(name)}"
    known = crate.dereference(identifier)
    return known or crate.add(ContextEntity(crate, identifier, {"@type": "Person", "name": name}))


def _time(moment: datetime) -> str:
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).isoformat(timespec="seconds")
