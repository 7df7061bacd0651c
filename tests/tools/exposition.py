"""Prometheus' text format (version 0.0.4), read strictly: what is not in its grammar raises."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
SUFFIXES = {"summary": ("", "_sum", "_count"), "gauge": ("",), "counter": ("",)}


@dataclass
class Family:
    """A metric with its samples, by their full name and their labels in the order of the names."""

    kind: str
    words: str
    samples: dict[tuple[str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)


def parse(text: str) -> dict[str, Family]:
    """Return the families of an exposition; every one must have its HELP and TYPE before its samples."""
    assert text.endswith("\n") and "\r" not in text
    families: dict[str, Family] = {}
    current, words = "", ("", "")
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("# HELP "):
            name, _, about = line.removeprefix("# HELP ").partition(" ")
            words = (name, about)
        elif line.startswith("# TYPE "):
            current, _, kind = line.removeprefix("# TYPE ").partition(" ")
            assert words[0] == current and re.fullmatch(NAME, current) and kind in SUFFIXES, line
            assert current not in families, f"{current} twice"
            assert kind != "counter" or current.endswith("_total"), line
            families[current] = Family(kind, words[1])
        else:
            found = SAMPLE.fullmatch(line)
            assert found and current, line
            name, labels, value = found.groups()
            assert name in {current + suffix for suffix in SUFFIXES[families[current].kind]}, line
            key = (name, tuple(sorted(_labels(labels or "").items())))
            assert key not in families[current].samples, f"{line}: twice"
            families[current].samples[key] = float(value)
    return families


def _labels(text: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    while text:
        found = LABEL.match(text)
        assert found and found[1] not in labels, text
        labels[found[1]] = re.sub(r"\\(.)", lambda escaped: {"n": "\n"}.get(escaped[1], escaped[1]), found[2])
        text = text[found.end() :]
    return labels
