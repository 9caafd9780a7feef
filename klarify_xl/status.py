"""How the refreshes of a workbook went: a small file beside the store, for people and monitors."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from klarify_xl.errors import KlarifyError, StoreError
from klarify_xl.file_names import mark_of, safe_stem
from klarify_xl.outcome import RefreshResult
from klarify_xl.remote.address import find_address, local_path
from klarify_xl.small_files import replace_small_file

_FORMAT: Final = 1
"""Version of the file's form; a file of another one is not read."""

_ENDING: Final = ".status.json"
_STEM_CHARACTERS: Final = 40
_MARK_CHARACTERS: Final = 8
_PRIVATE: Final = 0o600
"""Beside the store, which is for its owner only, too."""


@dataclass(frozen=True)
class Success:
    """A refresh that compared a workbook with Klarify.

    Attributes:
        at: When it ended (UTC).
        outcome: ``written``, or ``unchanged`` where the file was up to date.
        mode: ``full`` or ``incremental``.
        procedures: Procedures listed.
        added: Procedures seen for the first time.
        changed: Procedures with another content.
        removed: Procedures no longer listed.
        returned: Procedures listed again.
        seconds: Time it took.
    """

    at: datetime
    outcome: str
    mode: str
    procedures: int
    added: int
    changed: int
    removed: int
    returned: int
    seconds: float

    @classmethod
    def of(cls, result: RefreshResult, at: datetime) -> Self:
        """Return what is kept of a result."""
        names = [name for name in cls.__dataclass_fields__ if name != "at"]
        return cls(at=at, **{name: getattr(result, name) for name in names})

    @property
    def found_changes(self) -> bool:
        """Whether any procedure had come, gone or changed."""
        return bool(self.added or self.changed or self.removed or self.returned)


@dataclass(frozen=True)
class Failure:
    """A refresh that left the workbook as it was.

    Attributes:
        at: When it ended (UTC).
        error: Its kind, a name from `klarify_xl.errors`.
        message: What went wrong.
        hint: What to do.
        exit_code: How the command ended.
    """

    at: datetime
    error: str
    message: str
    hint: str
    exit_code: int

    @classmethod
    def of(cls, error: KlarifyError, at: datetime, exit_code: int) -> Self:
        """Return what is kept of an error."""
        return cls(at, type(error).__name__, str(error), error.hint, exit_code)


@dataclass(frozen=True)
class Status:
    """How the refreshes of one workbook went.

    Attributes:
        out: The workbook or folder, with its whole path.
        organisation: Whose procedures it shows, "" if that is not known.
        last_success: The last refresh that succeeded, if any did.
        last_failure: The last one that failed, if any did.
        failures: How many have failed since the last one that succeeded.
    """

    out: str
    organisation: str = ""
    last_success: Success | None = None
    last_failure: Failure | None = None
    failures: int = 0

    def succeeded(self, success: Success) -> "Status":
        """Return the status after a refresh that succeeded."""
        return replace(self, last_success=success, failures=0)

    def failed(self, failure: Failure) -> "Status":
        """Return the status after a refresh that failed."""
        return replace(self, last_failure=failure, failures=self.failures + 1)

    def age(self, now: datetime) -> timedelta | None:
        """Return how long ago the workbook was last compared with Klarify, None if never."""
        return now - self.last_success.at if self.last_success else None

    def is_good(self, now: datetime, max_age: timedelta | None) -> bool:
        """Tell whether the workbook can be relied on.

        Args:
            now: The present moment (UTC).
            max_age: The greatest age of the last success, whatever happened since; None if the
                last refresh must have succeeded.
        """
        age = self.age(now)
        if age is None:
            return False
        return self.failures == 0 if max_age is None else age <= max_age

    def as_json(self, now: datetime | None = None) -> dict[str, Any]:
        """Return the status as JSON-ready values, with the age in seconds if `now` is given."""
        document: dict[str, Any] = {"format": _FORMAT, **asdict(self)}
        for name in ("last_success", "last_failure"):
            if document[name]:
                document[name]["at"] = document[name]["at"].isoformat(timespec="seconds")
        if document["last_success"]:
            document["last_success"]["seconds"] = round(document["last_success"]["seconds"], 3)
        if now is not None:
            age = self.age(now)
            document["age_seconds"] = None if age is None else round(age.total_seconds())
        return document


def whole_path(out: str | os.PathLike[str]) -> str:
    """Return a place with its whole path; an address such as s3://… stays as it is.

    Raises:
        ConfigurationError: It is an address that holds a password, or a wrong one.
    """
    address = find_address(out)
    return address.text if address else str(local_path(out).absolute())


def status_file(store: Path, out: str | os.PathLike[str]) -> Path:
    """Return the place of the status of a workbook, beside the store that it is made from."""
    whole = whole_path(out)
    stem = safe_stem(Path(whole).stem, _STEM_CHARACTERS)
    mark = mark_of(whole)[:_MARK_CHARACTERS]
    return _folder(store) / f"{store.absolute().name}.{stem}-{mark}{_ENDING}"


def status_files(store: Path) -> list[Path]:
    """Return the places of all statuses beside a store, by name."""
    prefix, folder = f"{store.absolute().name}.", _folder(store)
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [one for one in files if one.name.startswith(prefix) and one.name.endswith(_ENDING)]


def _folder(store: Path) -> Path:
    """Return the folder beside the store; a folder in the place of the store is noted inside."""
    return store if store.is_dir() else store.absolute().parent


def read_status(file: Path) -> Status:
    """Return what a status file tells.

    Raises:
        StoreError: It can't be read, or is something else.
    """
    try:
        return _parsed(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise StoreError(
            f"There is no status at {file} ({error.strerror}).",
            hint="Run `klarify-xl refresh` first, with the same --store or --status-file.",
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise StoreError(
            f"The file {file} is no status of a refresh.",
            hint="Name the right --status-file, or delete it; the next refresh makes a new one.",
        ) from None


def write_status(file: Path, status: Status) -> None:
    """Replace a status file in one step.

    Raises:
        TargetError: It can't be written.
    """
    text = json.dumps(status.as_json(), indent=2) + "\n"
    replace_small_file(file, text.encode("ascii"), mode=_PRIVATE)


def _parsed(document: Mapping[str, Any]) -> Status:
    if document["format"] != _FORMAT:
        raise ValueError
    success, failure = document["last_success"], document["last_failure"]
    return Status(
        out=str(document["out"]),
        organisation=str(document["organisation"]),
        last_success=Success(**{**success, "at": _moment(success["at"])}) if success else None,
        last_failure=Failure(**{**failure, "at": _moment(failure["at"])}) if failure else None,
        failures=int(document["failures"]),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
