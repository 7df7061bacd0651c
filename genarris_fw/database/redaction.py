"""What of a database's URI may be shown: nothing that could be a secret, in whatever form it was written.

A URI is shown only as far as its form is understood. Of one that is malformed nobody knows which part is the
password, so nothing of it is shown.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

HIDDEN = "(a URI that is not shown: it may hold a password)"
STARS = "***"
_USERINFO = r"[\w.~!$&'()*+,;=%-]*"
_HOST = r"(?:[\w.-]+|\[[\w:.%]+\]|%2F[\w.~%+-]*)(?::\d{1,5})?"
_FORM = re.compile(
    rf"(?P<scheme>mongodb(?:\+srv)?://)(?:(?P<user>{_USERINFO})(?P<password>:{_USERINFO})?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)(?:/(?P<database>[^/?@:#]*))?(?:\?(?P<options>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_SECRET = re.compile("password|secret|token|properties", re.IGNORECASE)
_SHORTEST = 4  # characters of a secret from which on it is looked for in a text


def is_option(name: str) -> bool:
    """Tell whether the driver knows an option of a URI; pymongo is imported for that alone."""
    from pymongo.common import URI_OPTIONS_VALIDATOR_MAP

    return name.lower() in URI_OPTIONS_VALIDATOR_MAP


def well_formed(uri: str) -> re.Match[str] | None:
    """Return the parts of a URI (scheme, user, password, hosts, database, options), None where its form is none."""
    return _FORM.fullmatch(uri)


def redact(uri: str) -> str:
    """Return the URI with everything in it that could be a secret replaced by ``***``, fit for messages and logs.

    Parameters
    ----------
    uri : str
        Anything: what is no URI of the right form is not shown at all.
    """
    found = well_formed(uri)
    if found is None or "@" in (found["options"] or ""):
        return HIDDEN
    user = ""
    if found["user"] is not None:  # alone it may be a token
        user = f"{found['user']}:{STARS}@" if len(found["password"] or "") > 1 else f"{STARS}@"
    shown = f"{found['scheme']}{user}{found['hosts']}"
    if found["database"] is not None:
        shown += "/" + (found["database"] if re.fullmatch(r"[\w.+-]*", found["database"]) else STARS)
    if found["options"] is not None:
        shown += "?" + "".join(_shown_option(part) for part in re.split("([&;])", found["options"]))
    return shown


def without_password(uri: str) -> str:
    """Return the URI without its password and without options that hold a secret; the user stays."""
    found = well_formed(uri)
    if found is None:
        return HIDDEN
    user = f"{found['user']}@" if found["user"] else ""
    path = "" if found["database"] is None else f"/{found['database']}"
    options = [part for part in re.split("[&;]", found["options"] or "") if part and not _is_secret(part)]
    return f"{found['scheme']}{user}{found['hosts']}{path}{'?' if options else ''}{'&'.join(options)}"


def scrub(text: str, uri: str) -> str:
    """Return a text, such as the driver's words for an error, without the secrets of the URI that was used."""
    found = well_formed(uri)
    secrets = {uri}
    if found is not None:
        written = [(found["password"] or "").removeprefix(":")]
        written += [] if written[0] else [found["user"] or ""]
        for part in re.split("[&;]", found["options"] or ""):
            if _is_secret(part):
                value = part.partition("=")[2]
                written += [value, *re.split("[,:]", value), *re.split("[,:]", unquote_plus(value))]
        secrets |= {form for word in written for form in (word, unquote_plus(word))}
    for secret in sorted((secret for secret in secrets if len(secret) >= _SHORTEST), key=len, reverse=True):
        text = text.replace(secret, STARS)
    return text


def _is_secret(option: str) -> bool:
    name = option.partition("=")[0]
    return not is_option(name) or _SECRET.search(name) is not None


def _shown_option(part: str) -> str:
    """Return one option (or a separator) as it may be shown: what is not known to be harmless is not."""
    name, equals, value = part.partition("=")
    if not equals:
        return part if part in ("&", ";", "") else STARS
    if not is_option(name):
        return STARS
    harmless = not _is_secret(part) and re.fullmatch(r"[\w.,:/%+~-]*", value)
    return f"{name}={value if harmless else STARS}"
