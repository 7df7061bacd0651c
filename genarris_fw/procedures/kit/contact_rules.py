"""The rules of close contacts that a step's options give."""

from __future__ import annotations

from genarris_fw.generation import ContactRules
from genarris_fw.procedures.options.contacts import ContactOptions


def contact_rules(options: ContactOptions) -> ContactRules:
    """Return the rules that contact_rules, custom_radii and custom_radii_by_pairs of a step give."""
    return ContactRules(options.contact_rules, options.custom_radii or {}, options.custom_radii_by_pairs or {})
