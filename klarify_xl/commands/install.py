"""The install and uninstall commands: Excel made ready for the workbook, and the way back."""

from pathlib import Path
from typing import Annotated

import typer

from klarify_xl import excel_setup
from klarify_xl.commands.reporting import reported
from klarify_xl.console import Screen


def install(
    to: Annotated[
        Path | None,
        typer.Option(
            help="The new workbook, or the folder for it; by default your documents folder.",
            metavar="<path>",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make Excel on this computer ready, with a workbook to start from."""
    screen = Screen()
    with reported(screen):
        for line in excel_setup.install(to):
            screen.line(line)


def uninstall() -> None:
    """Undo what install did; workbooks that somebody worked in stay."""
    screen = Screen()
    with reported(screen):
        for line in excel_setup.uninstall():
            screen.line(line)
