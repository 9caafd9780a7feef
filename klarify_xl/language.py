"""The languages of a workbook's titles and words.

The English text is the key: `say("Owner")` gives the word in the chosen language.
"""

from dataclasses import dataclass
from typing import Final

LANGUAGES: Final = ("en", "de")


@dataclass(frozen=True)
class Language:
    """A language of workbooks.

    Attributes:
        code: One of `LANGUAGES`.
    """

    code: str = "en"

    def __call__(self, text: str) -> str:
        """Return an English text in this language."""
        return text
