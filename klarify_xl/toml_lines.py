"""Finds the line of a setting in a TOML text, which the standard library's parser doesn't tell."""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TomlText:
    """A valid TOML text, and the file that it came from.

    Attributes:
        file: The file as a person named it.
        text: Its text.
    """

    file: str
    text: str

    def place(self, path: Sequence[str], item: str = "") -> str:
        """Return the file and the line of a setting.

        Args:
            path: The names that lead to it; where it is missing, the nearest one above counts.
            item: A text of the setting's array, which may stand on a line of its own.
        """
        for length in range(len(path), 0, -1):
            line = self._line(path[:length], item if length == len(path) else "")
            if line:
                return f"{self.file}, line {line}"
        return self.file

    def _line(self, path: Sequence[str], item: str) -> int:
        """Return the line from 1 on which a setting begins, or 0.

        The beginning of a TOML text is valid by itself exactly where a statement has ended, so
        the parser itself tells which lines make up the one that brings the setting.
        """
        lines = self.text.replace("\r\n", "\n").split("\n")
        first = 0
        for end in range(1, len(lines) + 1):
            try:
                parsed = tomllib.loads("\n".join(lines[:end]))
            except tomllib.TOMLDecodeError:
                continue
            if _holds(parsed, path):
                return 1 + next(
                    (at for at in range(first, end) if item and _quotes(lines[at], item)), first
                )
            first = end
        return 0


def _holds(parsed: object, path: Sequence[str]) -> bool:
    for name in path:
        if not isinstance(parsed, dict) or name not in parsed:
            return False
        parsed = parsed[name]
    return True


def _quotes(line: str, item: str) -> bool:
    return json.dumps(item, ensure_ascii=False) in line or f"'{item}'" in line
