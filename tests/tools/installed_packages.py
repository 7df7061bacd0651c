"""Packages that are installed for a moment: their files and metadata lie in a folder on the path of this process."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from genarris_fw.declaring.door import forget

Points = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Package:
    """A distribution: `files` by path, `points` by group and name, and what its metadata say."""

    name: str
    files: Mapping[str, str]
    points: Points
    version: str = "1.0"
    interface: str = ""

    def write(self, folder: Path) -> Path:
        """Write it as pip would have installed it; return the folder that belongs on the path."""
        place = folder / f"{self.name}-{self.version}"
        stated = {"genarris_fw.interface": {self.interface: self.name}} if self.interface else {}
        lines = []
        for group, names in {**self.points, **stated}.items():
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in names.items()), ""]
        about = f"{self.name}-{self.version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\n"
        texts = {f"{about}/METADATA": metadata, f"{about}/entry_points.txt": "\n".join(lines), **self.files}
        for path, text in texts.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text)
        return place


@contextmanager
def installed(folder: Path, *packages: Package) -> Iterator[None]:
    """Have packages installed, and gone afterwards with all that was imported from them."""
    before, modules = list(sys.path), set(sys.modules)
    places = [str(package.write(folder)) for package in packages]
    sys.path[:0] = places
    importlib.invalidate_caches()
    forget()
    try:
        yield
    finally:
        sys.path[:] = before
        for name in set(sys.modules) - modules:
            origin = getattr(sys.modules[name], "__file__", None) or ""
            if origin.startswith(tuple(f"{place}/" for place in places)):
                del sys.modules[name]
        importlib.invalidate_caches()
        forget()
