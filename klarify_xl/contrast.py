"""How well a text colour can be read on its background."""

from typing import Final

LEAST_CONTRAST: Final = 4.5
"""Contrast that text needs on its background (WCAG 2.2, success criterion 1.4.3)."""

_LINEAR: Final = 0.04045
"""Share of a colour below which its luminance is linear (sRGB, IEC 61966-2-1)."""


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two ``#RRGGBB`` colours, from 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2, definitions)."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= _LINEAR else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
