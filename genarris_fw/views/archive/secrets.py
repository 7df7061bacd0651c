"""What may leave in an archive: texts without passwords, tokens of webhooks and commands that tell who is notified."""

from __future__ import annotations

import re
from collections.abc import Callable

from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.database.redaction import redact, scrub
from genarris_fw.webhooks import target_shown

_DATABASE = re.compile(r"mongodb(?:\+srv)?://[^\s\"'<>`]+", re.IGNORECASE)
_LOGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^\s/@\"']+@", re.IGNORECASE)
_NOTIFY = re.compile(r"^(\s*notify\s*[=:]\s*).*(?:\n[ \t]+\S.*)*", re.IGNORECASE | re.MULTILINE)


def cleaner(record: RunDocument, uri: str) -> Callable[[str], str]:
    """Return what takes the secrets out of a text, and paths of this machine to the run's folder.

    Parameters
    ----------
    record : RunDocument
        The run: the target of its `notify` is a secret, wherever it stands.
    uri : str
        Of the database.
    """
    target = str(record.get("options", {}).get("notify") or "")
    folder = str(record.get("folder") or "")
    shown = _target(target)

    def clean(text: str) -> str:
        if target:
            text = text.replace(target, shown)
        text = _NOTIFY.sub(lambda found: found[1] + (shown or "(not shown)"), text)
        text = _DATABASE.sub(lambda found: redact(found[0]), scrub(text, uri))
        if len(folder) > 1:
            text = text.replace(f"{folder}/", "").replace(folder, ".")
        return _LOGIN.sub(lambda found: f"{found['scheme']}***@", text)

    return clean


def _target(target: str) -> str:
    try:
        return target_shown(target) if target else ""
    except ValueError:  # quotes that do not end
        return "(not shown)"
