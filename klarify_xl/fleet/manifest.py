"""What a run has done: one small file for each organisation, in a store that all workers reach.

No two workers write the same file at the same time, so that no update can be lost. A file that is
damaged, as after a crash in the middle of writing, counts as missing: its organisation is
refreshed once more, which finds nothing new.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal, Self

from klarify_xl.errors import ConfigurationError, TargetError
from klarify_xl.fleet.organisations import Organisation
from klarify_xl.fleet.places import file_system, is_address

State = Literal["written", "unchanged", "failed", "not done"]

_RUN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Record:
    """What became of one organisation in a run.

    Attributes:
        organisation: Its name.
        mark: Checksum of what was asked for.
        state: ``written``, ``unchanged`` where the files were left alone, ``failed``, or ``not
            done`` where the run ended before.
        out: Where its workbook or folder is.
        workbook: Its workbook, "" if there is none.
        link: The address under which people find it, "" if that is not told.
        mode: ``full`` or ``incremental``, "" if nothing was read.
        procedures: Procedures listed.
        added: Procedures seen for the first time.
        changed: Procedures with another content.
        removed: Procedures no longer listed.
        returned: Procedures listed again.
        high: Findings of high severity.
        medium: Findings of medium severity.
        low: Findings of low severity.
        requests: Requests sent.
        compared_at: When the data was last compared with Klarify (UTC), or None.
        finished_at: When this was noted (UTC), or None.
        seconds: Time it took.
        error: Kind of what went wrong, "" if nothing did.
        message: What went wrong, in words.
        hint: What to do about it.
    """

    organisation: str
    mark: str
    state: State
    out: str
    workbook: str = ""
    link: str = ""
    mode: str = ""
    procedures: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    returned: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    requests: int = 0
    compared_at: datetime | None = None
    finished_at: datetime | None = None
    seconds: float = 0.0
    error: str = ""
    message: str = ""
    hint: str = ""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.state in {"written", "unchanged"}

    @classmethod
    def of(cls, organisation: Organisation, state: State, **more: Any) -> Self:  # noqa: ANN401
        """Return a record of an organisation."""
        return cls(
            organisation=organisation.name,
            mark=organisation.mark,
            state=state,
            out=organisation.out,
            workbook=organisation.workbook,
            link=organisation.link,
            **more,
        )

    def to_bytes(self) -> bytes:
        """Return the record as JSON."""
        values = asdict(self)
        for name in ("compared_at", "finished_at"):
            values[name] = values[name].isoformat() if values[name] else None
        return (json.dumps(values, indent=1) + "\n").encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self | None:
        """Return the record of a file, or None if it is damaged or another version's."""
        try:
            values = json.loads(content)
            for name in ("compared_at", "finished_at"):
                values[name] = datetime.fromisoformat(values[name]) if values[name] else None
            return cls(**values)
        except (ValueError, TypeError, KeyError):
            return None


class Manifest:
    """The records of one run.

    Args:
        place: Folder or address of all runs.
        run: Name of the run: letters, digits, dots and dashes.

    Raises:
        ConfigurationError: The name can't be that of a folder, or the address can't be used.
    """

    def __init__(self, place: str, run: str) -> None:
        if not _RUN.fullmatch(run):
            raise ConfigurationError(
                f"A run can't be called {run!r}.",
                hint="Use letters, digits, dots and dashes, such as 2026-03-01.",
            )
        self._files, path = file_system(place)
        self._is_local = not is_address(place)
        self._folder = f"{path.rstrip('/')}/{run}"
        self.place = f"{place.rstrip('/')}/{run}"

    def prepare(self) -> None:
        """Find out, before any work is done, whether records can be written.

        Raises:
            TargetError: They can't.
        """
        self._put("_run", b"{}\n")

    def write(self, organisation: Organisation, record: Record) -> None:
        """Note what became of an organisation, in place of what was noted before.

        Raises:
            TargetError: It can't be written.
        """
        self._put(organisation.stem, record.to_bytes())

    def _put(self, stem: str, content: bytes) -> None:
        try:
            if self._is_local:
                self._files.makedirs(self._folder, exist_ok=True)
            self._files.pipe_file(f"{self._folder}/{stem}.json", content)
        except Exception as error:  # noqa: BLE001 -- file systems raise what they like
            raise self._unusable("written", error) from None

    def _unusable(self, what: str, error: Exception) -> TargetError:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return TargetError(
            f"The manifest {self.place} can't be {what}: {reason}.",
            hint="Check the setting manifest of the fleet, and the rights of whoever runs it.",
        )

    def read(self, organisation: Organisation) -> Record | None:
        """Return what became of an organisation, if that is known.

        Raises:
            TargetError: The manifest can't be read.
        """
        try:
            content = self._files.cat_file(f"{self._folder}/{organisation.stem}.json")
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001 -- file systems raise what they like
            raise self._unusable("read", error) from None
        record = Record.from_bytes(content)
        return record if record and record.mark == organisation.mark else None

    def records(self, organisations: Iterable[Organisation]) -> Mapping[str, Record]:
        """Return what became of organisations, by their stems, as far as it is known.

        Raises:
            TargetError: The manifest can't be read.
        """
        wanted = {f"{one.stem}.json": one for one in organisations}
        try:
            self._files.invalidate_cache()
            listed = self._files.ls(self._folder, detail=False)
            names = {path: path.replace("\\", "/").rpartition("/")[2] for path in listed}
            paths = [path for path, name in names.items() if name in wanted]
            contents = self._files.cat(paths) if paths else {}
        except FileNotFoundError:
            return {}
        except Exception as error:  # noqa: BLE001 -- file systems raise what they like
            raise self._unusable("read", error) from None
        found = {}
        for path, content in contents.items():
            organisation = wanted[path.replace("\\", "/").rpartition("/")[2]]
            record = Record.from_bytes(content)
            if record and record.mark == organisation.mark:
                found[organisation.stem] = record
        return found
