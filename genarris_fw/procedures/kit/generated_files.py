"""The files of generated structures, written while they are generated, out of sight until the pool is known.

Whoever generates a structure has it at hand: its files are written then, by all replicas, into a hidden folder beside
their place. What collects the step removes those of structures that are not in the pool, and puts the folder in its
place. A file that is not there (its replica does not see the run's folder) is made of the catalogue.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from genarris_fw.crystal import Structure, StructureFormat, write
from genarris_fw.crystal.formats.geometry_out import block_body, block_head
from genarris_fw.crystal.formats.registry import find_format
from genarris_fw.files import whole_file, write_text
from genarris_fw.names import made_safe
from genarris_fw.procedures.kit.base import Campaign
from genarris_fw.procedures.options.pygenarris_structure_generation import PygenarrisStructureGenerationOptions

OPEN_FILES = 64

Step = Campaign[PygenarrisStructureGenerationOptions]
# The key of an item, and where in its file of blocks one begins and how long it is; None where it was not written.
Place = tuple[str, int, int] | None


class GeneratedFiles:
    """The files of a step's structures.

    Parameters
    ----------
    campaign : Campaign
        The step.
    """

    def __init__(self, campaign: Step) -> None:
        self.campaign, self.options = campaign, campaign.options
        assert self.options.output_dir is not None
        self.target = Path(self.options.output_dir)
        self.folder = self.target.parent / hidden_name(campaign.run, campaign.step)
        kind = find_format(self.options.output_format).kind
        self.endings = tuple(kind.write) if isinstance(kind, StructureFormat) else ()

    def lay_out(self) -> None:
        """Make the folder: where there is none, nobody writes."""
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def laid_out(self) -> bool:
        """Whether this node sees the folder that was laid out."""
        return self.folder.is_dir()

    def _blocks(self, key: str) -> Path:
        return self.folder / "blocks" / f"{made_safe(key, 'item')}.out"

    def write(self, key: str, structures: Sequence[Structure]) -> list[int]:
        """Write the structures of an item; return the lengths in bytes of their blocks for geometry.out."""
        write(structures, self.folder / "structures", self.options.output_format)
        blocks = [block_body(structure) for structure in structures]
        write_text(self._blocks(key), "".join(blocks))
        return [len(block.encode()) for block in blocks]

    def collect(self, ids: Sequence[str]) -> None:
        """Prepare the folder of the pool's files."""
        written, target = self.folder / "structures", self.campaign.prepared(self.target)
        # Only references: a pool may have a million names.
        awaited = {ending: set(ids) for ending in self.endings}
        with suppress(FileNotFoundError):
            with os.scandir(written) as entries:
                for entry in entries:
                    name, dot, rest = entry.name.partition(".")
                    names = awaited.get(dot + rest)
                    if names and name in names:
                        names.remove(name)
                    else:
                        Path(entry.path).unlink(missing_ok=True)
            written.rename(target)  # beside one another: no file is copied
        lacking: set[str] = set().union(*awaited.values())
        missing = [name for name in ids if name in lacking]
        self.campaign.export(missing, self.options.output_dir, self.options.output_format)
        if self.options.output_pool:
            self.campaign.publication.export(self.options.output_pool, self.target)

    def geometry_out(self, path: Path, ids: Sequence[str], places: Iterable[Place]) -> None:
        """Write the file of all structures, one after the other."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial, partial.open("wb") as file:
            for number, block in enumerate(self._bodies(ids, places), start=1):
                file.write(block_head(number).encode())
                file.write(block)

    def _bodies(self, ids: Sequence[str], places: Iterable[Place]) -> Iterator[bytes]:
        """Yield the blocks of the structures, of the items' files or of the catalogue."""
        files: OrderedDict[str, int] = OrderedDict()
        try:
            for name, place in zip(ids, places, strict=True):
                block = None if place is None else self._read(files, *place)
                if block is None:
                    [structure] = self.campaign.structures([name])
                    block = block_body(structure).encode()
                yield block
        finally:
            for descriptor in files.values():
                os.close(descriptor)

    def _read(self, files: OrderedDict[str, int], key: str, start: int, length: int) -> bytes | None:
        """Return a block of an item's file, None where it is not there; the last files are kept open."""
        if key not in files:
            try:
                files[key] = os.open(self._blocks(key), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            if len(files) > OPEN_FILES:
                os.close(files.popitem(last=False)[1])
        files.move_to_end(key)
        block = os.pread(files[key], length, start)
        return block if len(block) == length else None


def hidden_name(run: str, step: str) -> str:
    """Return the name of the folder in which a step's files are written."""
    return f".generated-{hashlib.sha256(f'{run}:{step}'.encode()).hexdigest()[:16]}"


def forget_generated(run: str, step: str, folders: Iterable[Path]) -> None:
    """Remove what overtaken replicas have written after the step's files were put in their place."""
    for folder in folders:
        shutil.rmtree(folder / hidden_name(run, step), ignore_errors=True)
