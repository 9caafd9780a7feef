"""How far a refresh has come, for whoever shows it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """A step forward.

    Attributes:
        stage: What is being done, as a short phrase ("Reading pages").
        done: Units done.
        total: Units in all, as far as known.
    """

    stage: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]


def ignore(_progress: Progress) -> None:
    """Show nothing."""
