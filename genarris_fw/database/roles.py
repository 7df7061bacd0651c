"""The least that a database's user must be allowed to do: to work on runs, or to look at them.

A role is for one database: its holder sees no other one, makes no users and drops nothing.
"""

from __future__ import annotations

import json
from typing import Any

# All of the farm's collections, FireWorks' own and the GridFS buckets: procedures of other packages have theirs, too.
LOOK = ("find", "listCollections", "listIndexes", "collStats", "dbStats")
WORK = (*LOOK, "insert", "update", "remove", "createCollection", "createIndex")
ROLES = {"worker": WORK, "reader": LOOK}


def role_name(kind: str, database: str) -> str:
    """Return what the role is called, so that the roles of two databases can be told apart."""
    return f"genarris_{kind}" if database == "genarris" else f"genarris_{kind}_{database}"


def role(kind: str, database: str) -> dict[str, Any]:
    """Return a role as the server's command ``createRole`` takes it.

    Parameters
    ----------
    kind : {'worker', 'reader'}
        Who works on runs (rockets, ``add``, ``run``, ``recover``, ``delete``), or who looks at them alone.
    database : str
        The database of the LaunchPad and the catalogue.
    """
    return {
        "createRole": role_name(kind, database),
        "privileges": [{"resource": {"db": database, "collection": ""}, "actions": list(ROLES[kind])}],
        "roles": [],
    }


def shell_commands(database: str) -> str:
    """Return the commands for the Mongo shell, to be run by an administrator: the roles, and a user of each."""
    lines = [
        "// For an administrator, in mongosh. Passwords are asked for, not shown.",
        f"use({json.dumps(database)})",
    ]
    for kind in ROLES:
        fields = role(kind, database)
        name = fields.pop("createRole")
        definition, user = {"role": name} | fields, {"user": name, "roles": [name]}
        lines += [
            f"db.createRole({json.dumps(definition)})",
            f"db.createUser({{...{json.dumps(user)}, pwd: passwordPrompt()}})",
        ]
    worker = role_name("worker", database)
    lines.append(f"// Then: GENARRIS_FW_URI=mongodb://{worker}:PASSWORD@HOST:27017/{database}?authSource={database}")
    return "\n".join(lines)
