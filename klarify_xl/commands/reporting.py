"""How a command ends and what it logs: errors become text and exit codes."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import typer

from klarify_xl.console import Screen
from klarify_xl.errors import CancelledError, ConfigurationError, KlarifyError
from klarify_xl.exit_codes import EXIT_UNEXPECTED, exit_code


@contextmanager
def reported(screen: Screen) -> Iterator[None]:
    """Turn errors into text and exit codes."""
    try:
        yield
    except KlarifyError as error:
        screen.failure(error, exit_code(error))
        raise typer.Exit(exit_code(error)) from None
    except KeyboardInterrupt:
        stopped = CancelledError("Stopped.")
        screen.failure(stopped, exit_code(stopped))
        raise typer.Exit(exit_code(stopped)) from None
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 -- until exit
        raise typer.Exit from None
    except typer.Exit:
        raise
    except Exception as error:
        logging.getLogger("klarify_xl").exception("Unexpected error")
        unexpected = KlarifyError(
            f"Something unexpected happened: {type(error).__name__}.",
            hint="Please report it, with the file of --log-file if you can.",
        )
        screen.failure(unexpected, EXIT_UNEXPECTED)
        raise typer.Exit(EXIT_UNEXPECTED) from None


@contextmanager
def logged(file: Path | None) -> Iterator[None]:
    """Append what the package and its HTTP library log to a file, in UTC."""
    if file is None:
        yield
        return
    try:
        handler = logging.FileHandler(file, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The log file {file} can't be written ({error.strerror}).",
            hint="Choose another --log-file.",
        ) from None
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s")
    formatter.converter = lambda seconds: datetime.fromtimestamp(seconds or 0, UTC).timetuple()
    handler.setFormatter(formatter)
    loggers = [logging.getLogger(name) for name in ("klarify_xl", "urllib3")]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()
