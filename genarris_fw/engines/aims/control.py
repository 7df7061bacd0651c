"""FHI-aims' control.in: what it asks for, changed in single keywords, and made comparable.

The general keywords come in any order; a line ``species <name>`` begins the block of a species, which lasts as long
as keywords of species follow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from genarris_fw.crystal.structure import Structure
from genarris_fw.engines.aims.keywords import NOT_OF_THE_ENERGY, OF_SPECIES
from genarris_fw.errors import EngineError

MIXING_DEFAULT = 0.2
CYCLES_DEFAULT = 1000


@dataclass(frozen=True)
class Control:
    """The text of a control.in.

    Attributes
    ----------
    text : str
        All of it.
    """

    text: str

    @cached_property
    def _lines(self) -> list[tuple[int, str | None, list[str]]]:
        """Number, species (None: a general keyword) and words of each line that says something."""
        found: list[tuple[int, str | None, list[str]]] = []
        species: str | None = None
        for number, line in enumerate(self.text.splitlines()):
            words = line.split("#")[0].split()
            if not words:
                continue
            words[0] = words[0].lower()
            if words[0] == "species" and len(words) > 1:
                species = words[1]
            inside = species if words[0] in OF_SPECIES or _is_number(words[0]) else None
            found.append((number, inside, words))
        return found

    @property
    def species(self) -> list[str]:
        """The names of the species that have a block."""
        return [words[1] for _, _, words in self._lines if words[0] == "species" and len(words) > 1]

    def values(self, keyword: str) -> list[list[str]]:
        """Return the words after a general keyword, for each line that it begins."""
        return [words[1:] for _, species, words in self._lines if species is None and words[0] == keyword]

    def value(self, keyword: str) -> list[str] | None:
        """Return the words after a general keyword (its last line), or None."""
        found = self.values(keyword)
        return found[-1] if found else None

    @property
    def relaxes(self) -> bool:
        """Whether a relaxation is asked for."""
        value = self.value("relax_geometry")
        return value is not None and (value[:1] or [""])[0].lower() != "none"

    @property
    def method(self) -> str:
        """The functional with what belongs to it, for example ``pbe vdw_correction_hirshfeld``."""
        words = [" ".join(self.value("xc") or ["?"]).lower()]
        for _, species, line in self._lines:
            if species is None and line[0].startswith(("vdw_", "many_body_dispersion")):
                words.append(" ".join(_normal(word) for word in line))
        relativistic = self.value("relativistic")
        if relativistic:
            words.append(" ".join(["relativistic", *(_normal(word) for word in relativistic)]))
        return " ".join(words)

    def with_keyword(self, keyword: str, value: str) -> Control:
        """Return a control.in in which a general keyword has this value and stands once."""
        lines = self.text.splitlines()
        places = [number for number, species, words in self._lines if species is None and words[0] == keyword]
        new = f"{keyword} {value}"
        if places:
            lines[places[0]] = new
            kept = [line for number, line in enumerate(lines) if number not in places[1:]]
        else:
            first = [number for number, _, words in self._lines if words[0] == "species"]
            at = first[0] if first else len(lines)
            kept = [*lines[:at], new, *lines[at:]]
        return Control("\n".join(kept) + "\n")

    def with_species(self, blocks: Iterable[str]) -> Control:
        """Return a control.in with the blocks of further species at its end."""
        return Control("\n".join([self.text.rstrip("\n"), *(block.rstrip("\n") for block in blocks)]) + "\n")

    def block(self, species: str) -> str:
        """Return what the block of a species says, without comments."""
        return _canonical(words for _, inside, words in self._lines if inside == species)

    @property
    def canonical(self) -> str:
        """What the energy of a given geometry depends on, the same for any layout.

        Comments, blank lines and the keywords of `NOT_OF_THE_ENERGY` are left out, numbers and logical values
        written in one way, general keywords sorted, and the blocks of the species sorted by name.
        """
        general = [line for _, inside, line in self._lines if inside is None and line[0] not in NOT_OF_THE_ENERGY]
        blocks = [self.block(name) for name in sorted(set(self.species))]
        return "\n".join([_canonical(sorted(general, key=lambda line: line[0])), *blocks])

    @property
    def digest(self) -> str:
        """16 hex digits of the canonical text."""
        return digest(self.canonical)


def digest(text: str) -> str:
    """Return the first 16 hex digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def refuse_unusable(control: Control, structure: Structure, relax: bool) -> None:
    """Refuse a control.in that cannot be meant for this calculation.

    Parameters
    ----------
    control : Control
        The user's.
    structure : Structure
        What is to be computed.
    relax : bool
        Whether it is to be relaxed.

    Raises
    ------
    EngineError
        Kind ``input``, permanent: empty, without k points for a crystal, or asking for a relaxation where a single
        point is wanted, or the other way round.
    """
    name = structure.struct_id or "the structure"
    if control.value("xc") is None:
        raise _refused(name, "control.in names no functional (is it empty?); add a line such as 'xc pbe'")
    if structure.lattice is not None and control.value("k_grid") is None and control.value("k_grid_density") is None:
        raise _refused(name, "a crystal needs k points; add a line such as 'k_grid 3 3 3' to control.in")
    for keyword in ("MD_run", "MD_schedule"):
        if control.value(keyword.lower()) is not None:
            raise _refused(name, f"control.in asks for a molecular dynamics; take its line '{keyword}' out")
    if relax and not control.relaxes:
        raise _refused(name, "control.in asks for no relaxation; add a line such as 'relax_geometry bfgs 1e-2'")
    if not relax and control.relaxes:
        raise _refused(
            name, "a single point is wanted, but control.in asks for a relaxation; take its line 'relax_geometry' out"
        )


def _refused(name: str, why: str) -> EngineError:
    return EngineError(f"{name}: {why}", kind="input", permanent=True)


def _canonical(lines: Iterable[list[str]]) -> str:
    return "\n".join(" ".join(_normal(word) for word in words) for words in lines)


def _normal(word: str) -> str:
    """A number or a logical value, written in one way; other words as they are, in lower case."""
    low = word.lower()
    if low.strip(".") in ("true", "false"):
        return low.strip(".")
    return repr(_number(word)) if _is_number(word) else low


def _is_number(word: str) -> bool:
    return word[:1] in "+-.0123456789" and _number(word) is not None


def _number(word: str) -> float | None:
    try:
        return float(word.lower().replace("d", "e"))
    except ValueError:
        return None
