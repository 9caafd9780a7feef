"""Texts as they stand in the XML of a part."""

import re
from typing import Final

_SPECIAL: Final = re.compile('[&<>"\n\r\t]')


def xml_text_plain(text: str) -> str:
    """Return a text that has no escapes of Excel's as it stands in a part."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def attribute_text(text: str) -> str:
    """Return a text as it stands in an attribute of a part."""
    if _SPECIAL.search(text) is None:
        return text
    text = xml_text_plain(text).replace('"', "&quot;")
    return text.replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")
