"""The contact rules that a step's options give."""

from genarris_fw.generation import ContactRules
from genarris_fw.procedures.kit.contact_rules import contact_rules
from genarris_fw.procedures.options.contacts import ContactOptions


def test_rules_of_options() -> None:
    assert contact_rules(ContactOptions()) == ContactRules()
    options = {"contact_rules": "3.x", "custom_radii": {"H": 1.2}, "custom_radii_by_pairs": {"O-H": 1.5}}
    assert contact_rules(ContactOptions.resolved(options)) == ContactRules("3.x", {"H": 1.2}, {"O-H": 1.5})
