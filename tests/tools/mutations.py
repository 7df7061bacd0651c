"""Mutations of files: what bit rot, editors, other programs and bad luck do to them, each from a seeded generator.

Every mutation takes the generator and the content and returns another content. None of them knows what the content
means, but for the two that look for json in it.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

Mutation = Callable[[random.Random, bytes], bytes]

NUMBERS = (
    *("nan", "inf", "-inf", "NaN", "1e308", "-1e308", "1e-308", "1e400", "-1", "0", "-0.0", "1e18", "1e200", "1e-300"),
    *("9223372036854775807", "9223372036854775808", "18446744073709551616", "1" * 400, "0x10", "1_000", "1e", "1.2.3"),
    *("1d5", "1/2", "2**9999", "True", "٣", "²", "--5", "+", ".", "1e5000", "0.1", "3", "1000000000"),
)
WORDS = (
    *("", "None", "null", "[]", "{}", "()", "[[]]", '""', "'", '"', "[", "]", "{", "}", "(", ",", "=", ":", "#", ";"),
    *("\\", "%", "%s", "%(x)s", "$HOME", "~", "..", "../../x", "/", "/dev/zero", ".", "-", "--help", "*", "\0"),
    *("\x1b[2J", "\u202e", "\ufeff", "é", "漢字", "😀", "<b>", "&amp;", "\r", "\n", "\t", "\x0b", "\x85", "\u2028"),
    *("__import__('os')", "!!python/object:os.system", "[bold]x[/bold]", "[/]", "X", "D", "Uuo", "$where", "a.b"),
    *("all", "a" * 3000),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 2**70, 10**400, 1.5, 1e18, 1e200, 1e308),
    *(1e-300, float("nan"), float("inf"), float("-inf"), "", "x", "3", "\0", "\ud800", "a\ud800", "é", "x" * 3000),
    *([], {}, [[]], [None], [1], {"": 0}, {"\0": 1}, {"$set": 1}, {"a.b": 1}, {"\ud800": 1}, [[1, 2, 3]] * 3),
    [0] * 1000,
)
DEEP = 500


def flipped_bits(rng: random.Random, content: bytes) -> bytes:
    found = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 30))):
        if found:
            found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    return bytes(found)


def cut_off(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def cut_out(rng: random.Random, content: bytes) -> bytes:
    first = rng.randrange(len(content) + 1)
    return content[:first] + content[first + rng.choice((1, 4, 50, 500)) :]


def repeated_piece(rng: random.Random, content: bytes) -> bytes:
    first = rng.randrange(len(content) + 1)
    piece = content[first : first + rng.choice((1, 20, 300))]
    return content[:first] + piece * rng.choice((2, 3, 200)) + content[first:]


def noise(rng: random.Random, content: bytes) -> bytes:
    place = rng.randrange(len(content) + 1)
    piece = rng.choice((b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\x1b[31m", b"\r", b"\n\n", bytes(range(256)), b"\xc3"))
    return content[:place] + piece + content[place:]


def other_encoding(rng: random.Random, content: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    encodings = ("utf-16", "utf-32", "latin-1", "utf-8-sig", "utf-7", "cp037")
    return text.encode(rng.choice(encodings), "replace")


def other_line_ends(rng: random.Random, content: bytes) -> bytes:
    return content.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b"\x0c", b" ", b"")))


def lines_mixed(rng: random.Random, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
    low, high = min(first, second), max(first, second) + 1
    how = rng.randrange(7)
    if how == 0:
        del lines[first]
    elif how == 1:
        lines.insert(second, lines[first])
    elif how == 2:
        lines[first], lines[second] = lines[second], lines[first]
    elif how == 3:  # a section again
        lines[high:high] = lines[low:high] * rng.choice((1, 2, 20))
    elif how == 4:
        del lines[low:high]
    elif how == 5:
        rng.shuffle(lines)
    else:
        lines[first] = b" " * rng.choice((1, 8)) + lines[first]
    return b"".join(lines)


_TOKEN = re.compile(r"[^\s,=:\[\]{}()\"']+")
_NUMBER = re.compile(r"[-+]?\d[\d.eE+-]*")


def _replaced(rng: random.Random, content: bytes, pattern: re.Pattern[str], others: tuple[str, ...]) -> bytes:
    text = content.decode("utf-8", "surrogateescape")
    for _ in range(rng.choice((1, 1, 2, 5))):
        found = list(pattern.finditer(text))
        if not found:
            break
        match = rng.choice(found)
        text = text[: match.start()] + rng.choice(others) + text[match.end() :]
    return text.encode("utf-8", "surrogateescape")


def odd_numbers(rng: random.Random, content: bytes) -> bytes:
    return _replaced(rng, content, _NUMBER, NUMBERS)


def odd_words(rng: random.Random, content: bytes) -> bytes:
    return _replaced(rng, content, _TOKEN, WORDS)


def word_elsewhere(rng: random.Random, content: bytes) -> bytes:
    """A word of the file where another one stood."""
    text = content.decode("utf-8", "surrogateescape")
    words = tuple(sorted(set(_TOKEN.findall(text))))
    return _replaced(rng, content, _TOKEN, words) if words else content


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all parts of a json value, of long lists those of the first ones."""
    found = [path]
    if isinstance(value, dict):
        parts = list(value.items())
    else:
        parts = list(enumerate(value[:40])) if isinstance(value, list) else []
    for name, part in parts:
        found += _places(part, (*path, name))
    return found


def other_json(rng: random.Random, content: bytes) -> bytes:
    """One part of a json text of another type, missing, under another name, or deep in lists."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return odd_words(rng, content)
    # The deepest parts are the most: every depth is as likely.
    by_depth: dict[int, list[tuple[Any, ...]]] = {}
    for path in _places(value):
        by_depth.setdefault(len(path), []).append(path)
    path = rng.choice(by_depth[rng.choice(sorted(by_depth))])
    how = rng.randrange(8)
    if not path:
        value = rng.choice((value, [value, value], {"x": value}, [], None, 3, "x", *VALUES))
    else:
        holder = value
        for name in path[:-1]:
            holder = holder[name]
        name = path[-1]
        if how == 0:
            del holder[name]
        elif how == 1 and isinstance(holder, dict):
            holder[rng.choice((*WORDS, "\ud800", "_id", "energy", "Z"))] = holder.pop(name)
        elif how == 2 and isinstance(holder, dict):
            holder[rng.choice((*WORDS, "energy", "Z", "spg", "fixed_atoms", "initial_moments"))] = rng.choice(VALUES)
        elif how == 3:
            holder[name] = [holder[name]]
        elif how == 4 and isinstance(holder, list):
            holder.append(rng.choice(VALUES))
        else:
            holder[name] = rng.choice(VALUES)
    text = json.dumps(value, indent=rng.choice((None, 1)))
    if rng.randrange(12) == 0:
        text = re.sub(r"\b\d+(\.\d+)?\b", "[" * DEEP + "]" * DEEP, text, count=1)
    return text.encode("utf-8", "surrogatepass")


OF_BYTES: tuple[Mutation, ...] = (flipped_bits, cut_off, cut_out, repeated_piece, noise)
OF_TEXT: tuple[Mutation, ...] = (
    *(*OF_BYTES, other_encoding, other_line_ends, lines_mixed, lines_mixed, lines_mixed),
    *(odd_numbers, odd_numbers, odd_numbers, odd_words, odd_words, odd_words, word_elsewhere, word_elsewhere),
)
OF_JSON: tuple[Mutation, ...] = (*OF_TEXT, *[other_json] * 14)


def mutated(rng: random.Random, content: bytes, mutations: tuple[Mutation, ...]) -> bytes:
    """Return the content after one to four mutations."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        content = rng.choice(mutations)(rng, content)
    return content
