"""The log for machines: one JSON object on each line of standard error."""

import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any, Final

_DETAILS: Final = "klarify_details"
_EVENT: Final = "klarify_event"


def about(event: str, **details: object) -> dict[str, Any]:
    """Return what makes a log record an event: to be given to the logger as ``extra``.

    Args:
        event: Its name, which programs know it by.
        **details: Further values of its JSON object.
    """
    return {_EVENT: event, _DETAILS: details}


class JsonLines(logging.Formatter):
    """Formats each record as a JSON object: level, time, event, organisation, message and more.

    Attributes:
        organisation: Whose procedures are being refreshed, "" as long as that is not known.
    """

    def __init__(self) -> None:
        super().__init__()
        self.organisation = ""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, in ASCII; of an exception its kind and places, no texts."""
        document: dict[str, Any] = {
            "level": record.levelname.lower(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "event": getattr(record, _EVENT, "message"),
            "organisation": self.organisation or None,
            "message": record.getMessage(),
            **getattr(record, _DETAILS, {}),
        }
        if record.exc_info and record.exc_info[0]:
            document["exception"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            document["frames"] = [f"{one.filename}:{one.lineno} {one.name}" for one in frames]
        return json.dumps(document, default=str)


@contextmanager
def lines_logged(lines: JsonLines, stream: IO[str], level: int) -> Iterator[None]:
    """Write what the package logs to a stream, a line for each record.

    Args:
        lines: What formats them.
        stream: Where to.
        level: The lowest level that is written.
    """
    handler = logging.StreamHandler(stream)
    handler.setLevel(level)
    handler.setFormatter(lines)
    logger = logging.getLogger("klarify_xl")
    if logger.getEffectiveLevel() > level:
        logger.setLevel(level)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
