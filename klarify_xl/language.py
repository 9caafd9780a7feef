"""The languages of a workbook's titles and words.

The English text is the key: `say("Owner")` gives the word in the chosen language. What the API
sends, names and statuses, is never translated.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Self

LANGUAGES: Final = ("en", "de")

_CATALOGUES: Final = {"de": "german.toml"}
"""Files beside this module that hold the texts of each language but English."""

_THOUSANDS: Final = {"en": ",", "de": "."}


class Phrase(str):
    """An English text that remembers what it was made of, to be said in a language later.

    Args:
        english: The text with ``{placeholders}``.
        values: What stands in them; a phrase among them is said in the language, too.
    """

    __slots__ = ("english", "values")

    english: str
    values: dict[str, object]

    def __new__(cls, english: str, **values: object) -> Self:
        """Return the text with its values in place."""
        made = super().__new__(cls, english.format(**values) if values else english)
        made.english = english
        made.values = values
        return made


@dataclass(frozen=True)
class Language:
    """A language of workbooks.

    Attributes:
        code: One of `LANGUAGES`.
    """

    code: str = "en"

    def __call__(self, text: str) -> str:
        """Return an English text in this language, or as it is where no translation is known."""
        if self.code not in _CATALOGUES:
            return str(text)
        if not isinstance(text, Phrase):
            return catalogue(self.code).get(text, text)
        said = catalogue(self.code).get(text.english, text.english)
        values = {
            name: self(value) if isinstance(value, Phrase) else value
            for name, value in text.values.items()
        }
        return said.format(**values) if values else said

    def number(self, value: int) -> str:
        """Return a whole number with this language's separator of thousands."""
        return f"{value:,}".replace(",", _THOUSANDS[self.code])


@cache
def catalogue(code: str) -> dict[str, str]:
    """Return the texts of a language by their English ones."""
    if code not in _CATALOGUES:
        return {}
    text = (files(__package__) / _CATALOGUES[code]).read_text(encoding="utf-8")
    texts: dict[str, str] = tomllib.loads(text)
    return texts
