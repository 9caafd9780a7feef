"""Keeps a spreadsheet from evaluating the texts of a CSV file, reversibly.

A program that opens a CSV file takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a
formula (OWASP, "CSV Injection"). Such a text gets an apostrophe in front. So does one that begins
with an apostrophe itself; hence an apostrophe in front always is ours, and taking one away gives
the text back.

Where the list separator is a semicolon, as in most of Europe, Excel splits a file with commas at
the semicolons and line ends *within* texts. What follows one of these is treated as a beginning,
too.
"""

import re
from typing import Final

RULE: Final = (
    "A text that a spreadsheet could take for a formula has an apostrophe in front: at its "
    "beginning and after each semicolon, tab and line end in it, where spaces and quotes aside "
    "= + - @ or one of their full-width forms follows, or an apostrophe; and at its beginning "
    "where a tab or line end follows. Numbers and moments never have one."
)
"""What is done, for people."""

UNDO: Final = r"(^|[;\t\n\r])'"
"""A regular expression: what it finds, replaced by its first group, gives the text back."""

_FORMULA: Final = (
    "=+\\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"
    "\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)
_ENDANGERED: Final = re.compile(
    rf"""(?:\A|(?<=[;\t\n\r]))(?='|[\s"]*[{_FORMULA}])|\A(?=[\t\n\r])"""
)
_UNDO: Final = re.compile(UNDO)


def escape(text: str) -> str:
    """Return a text as no spreadsheet evaluates it."""
    return _ENDANGERED.sub("'", text)


def unescape(text: str) -> str:
    """Return the text that `escape` was given."""
    return _UNDO.sub(r"\1", text)
