"""What is wrong with a ui.conf: every problem one line, all problems of a file together."""

from __future__ import annotations

from dataclasses import dataclass, field

from genarris_fw.errors import InputError
from genarris_fw.showing import nearest
from genarris_fw.showing import shown as quoted

__all__ = ["OptionsError", "Remarks", "nearest", "quoted"]


class OptionsError(InputError):
    """A ui.conf that cannot be used.

    Parameters
    ----------
    problems : list of str
        One line each: file, line number, section, what was expected and the nearest valid name.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(self.problems))


# A file that is no ui.conf at all has a problem in each line.
MOST_PROBLEMS = 100


@dataclass
class Remarks:
    """The problems and notices of one file, collected while it is read.

    Parameters
    ----------
    file : str
        The file's path as the user gave it.
    """

    file: str
    problems: list[tuple[int, str]] = field(default_factory=list)
    notices: list[tuple[int, str]] = field(default_factory=list)

    def problem(self, line: int, message: str, section: str = "") -> None:
        """Note a problem at a line (0: the file as a whole)."""
        self._add(self.problems, line, message, section)

    def notice(self, line: int, message: str, section: str = "") -> None:
        """Note something that the user should know and that stops nothing."""
        self._add(self.notices, line, message, section)

    def _add(self, remarks: list[tuple[int, str]], line: int, message: str, section: str) -> None:
        place = f"{self.file}:{line}: " if line else f"{self.file}: "
        remark = (line, place + (f"[{quoted(section)[1:-1]}] " if section else "") + message)
        if remark not in remarks:
            remarks.append(remark)

    def notice_lines(self) -> list[str]:
        """Return the notices in the order of the file's lines."""
        return [text for _, text in sorted(self.notices, key=lambda remark: remark[0])]

    def raise_if_any(self) -> None:
        """Raise one `OptionsError` with the problems, in the order of the file's lines; of very many the first."""
        if self.problems:
            lines = [text for _, text in sorted(self.problems, key=lambda remark: remark[0])]
            more = len(lines) - MOST_PROBLEMS
            lines[MOST_PROBLEMS:] = [f"{self.file}: and {more} more problems; correct these first"] if more > 0 else []
            raise OptionsError(lines)
