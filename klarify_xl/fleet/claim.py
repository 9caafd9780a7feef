"""The claim to be the only start of a fleet that works with a manifest.

Two at once would refresh the same organisations twice. A small file in the manifest's place says
who is at work, and changes every few seconds as long as that lives; so whoever comes next sees
without comparing clocks whether it still does, and takes over where it does not. Workers look once
more before they write, so that what a start has left behind writes nothing after another began.
"""

import json
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from threading import Event, Thread
from typing import Final

from klarify_xl.errors import FleetError, KlarifyError, TargetError
from klarify_xl.fleet.places import file_system, is_address

_NAME: Final = "_running.json"

_BEAT: Final = 5.0
"""Seconds after which a start shows that it lives."""

_WATCH: Final = 30.0
"""Seconds without a sign of life after which another start takes over."""


@dataclass(frozen=True)
class _Holder:
    """Who is at work.

    Attributes:
        session: Mark of the start.
        run: Name of its run.
        machine: Where it was started.
        beat: A number that grows as long as it lives.
    """

    session: str
    run: str
    machine: str
    beat: int = 0


_PATIENCE: Final = 10.0
"""Seconds to wait until the claim is given back."""

_HALF_WRITTEN: Final = _Holder("", "", "")
"""What a file tells that somebody is writing, or was when it was ended."""

_GLANCES: Final = 10
_GLANCE: Final = 0.1
"""How often, and after how many seconds, one looks whether somebody has finished writing."""


class Claim:
    """A manifest's claim, as one start sees it.

    Args:
        place: Folder or address of all runs.
        session: Mark of this start, unlike any other.
        run: Name of the run.
    """

    def __init__(self, place: str, session: str, run: str = "") -> None:
        self._files, path = file_system(place)
        self._path = f"{path.rstrip('/')}/{_NAME}"
        self._folder = "" if is_address(place) else path
        self._place = place
        self._holder = _Holder(session, run, platform.node())
        self._lost: FleetError | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the claim, and show that this start lives.

        Raises:
            FleetError: Another start is at work.
            TargetError: The manifest can't be read or written.
        """
        self._await_end(self._read())
        self._write(self._holder)
        self.check()
        ended = Event()
        beating = Thread(target=self._beat, args=(ended,), daemon=True)
        beating.start()
        try:
            yield
        finally:
            ended.set()
            # Longer only if the manifest does not answer; then the next start waits instead.
            beating.join(_PATIENCE)

    def refuse_lost(self) -> None:
        """Raise an error if it was noticed that another start has the claim now.

        Raises:
            FleetError: It has.
        """
        if self._lost:
            raise self._lost

    def check(self) -> None:
        """Find out whether this start has the claim.

        Raises:
            FleetError: Another one has it, or none.
            TargetError: The manifest can't be read.
        """
        found = self._read()
        for _ in range(_GLANCES):
            if found != _HALF_WRITTEN:
                break
            time.sleep(_GLANCE)
            found = self._read()
        if found is None or found.session != self._holder.session:
            raise FleetError(
                "This start of the fleet is over"
                + (f": another one has taken over on {found.machine}." if found else "."),
                hint="What is done is noted. See the other start's report.",
            )

    def _await_end(self, found: _Holder | None) -> None:
        """Wait until it is clear that who holds the claim is no longer at work."""
        until = time.monotonic() + _WATCH
        while found is not None and time.monotonic() < until:
            time.sleep(min(1.0, _BEAT))
            now = self._read()
            if now is not None and now != found:
                raise FleetError(
                    f"Another start works with the manifest {self._place}: the run {now.run}, "
                    f"on {now.machine}.",
                    hint="Wait until it has ended, or stop it. Fleets that are to run at the same "
                    "time need a manifest each.",
                )
            found = now

    def _beat(self, ended: Event) -> None:
        """Show every few seconds that this start lives, and give the claim back in the end."""
        beat = 0
        while not ended.wait(_BEAT):
            try:
                self.check()
                beat += 1
                self._write(replace(self._holder, beat=beat))
            except TargetError:
                # It may pass; if not, the records can't be written either, which is told.
                continue
            except FleetError as error:
                self._lost = error
                return
        with suppress(KlarifyError):
            self._give_back()

    def _read(self) -> _Holder | None:
        try:
            return _Holder(**json.loads(self._files.cat_file(self._path)))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            return _HALF_WRITTEN
        except Exception as error:  # noqa: BLE001 -- file systems raise what they like
            raise self._unusable("read", error) from None

    def _write(self, holder: _Holder) -> None:
        content = json.dumps(asdict(holder)).encode()
        try:
            if self._folder:
                self._files.makedirs(self._folder, exist_ok=True)
            self._files.pipe_file(self._path, content)
        except Exception as error:  # noqa: BLE001 -- file systems raise what they like
            raise self._unusable("written", error) from None

    def _give_back(self) -> None:
        self.check()
        try:
            self._files.rm_file(self._path)
        except Exception as error:  # noqa: BLE001 -- file systems raise what they like
            raise self._unusable("written", error) from None

    def _unusable(self, what: str, error: Exception) -> TargetError:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return TargetError(
            f"The manifest {self._place} can't be {what}: {reason}.",
            hint="Check the setting manifest of the fleet, and the rights of whoever runs it.",
        )
