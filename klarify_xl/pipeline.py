"""The one use case: sync the store with the API, plan the workbook, write it."""

import hashlib
import io
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from klarify_xl import __version__
from klarify_xl.client import Client
from klarify_xl.collector import collector_paused
from klarify_xl.errors import CancelledError, ConfigurationError, KeyRefusedError
from klarify_xl.exports import Export, export_files
from klarify_xl.headless.macros import Macros, read_macros
from klarify_xl.headless.target import Target, Treatment
from klarify_xl.headless.workbook import write_workbook
from klarify_xl.options import Options
from klarify_xl.options_file import load_options
from klarify_xl.outcome import RefreshResult, result_of
from klarify_xl.plan import Plan
from klarify_xl.progress import OnProgress, ignore
from klarify_xl.records import Refresh
from klarify_xl.remote import open_destination
from klarify_xl.secret import AccessKey
from klarify_xl.settings import (
    FoundKey,
    Settings,
    find_access_key,
    load_settings,
    normalise_base_url,
)
from klarify_xl.sheets import build_plan, empty_plan
from klarify_xl.store import Store
from klarify_xl.sync import sync, utc_now
from klarify_xl.template import TEMPLATE_NAME, workbook_template

WORKBOOK_FORMAT: Final = "xlsx"
WORKBOOK_NAME: Final = "klarify.xlsx"
"""Name of the workbook in a folder that holds other formats, too."""

RENEWED_DAYS: Final = 3
"""Days after which a workbook is written anew even if nothing has changed."""


def refresh(
    out: str | os.PathLike[str],
    *,
    formats: Sequence[str] = (WORKBOOK_FORMAT,),
    access_key: AccessKey | str | None = None,
    key_file: str | os.PathLike[str] | None = None,
    base_url: str | None = None,
    store: str | os.PathLike[str] | None = None,
    settings: Settings | None = None,
    options: Options | None = None,
    full: bool = False,
    accept_removals: bool = False,
    overwrite: bool = False,
    into: bool = False,
    backup: bool = False,
    now: Callable[[], datetime] = utc_now,
    on_progress: OnProgress = ignore,
    reading: AbstractContextManager[object] = nullcontext(),  # noqa: B008 -- it holds nothing
) -> RefreshResult:
    """Bring a workbook up to date with the API.

    A walk that fails leaves workbook and data as they were; only the refresh log notes it. When
    all was read but the workbook can't be replaced, the old workbook stays, and the next refresh
    writes what was read.

    Args:
        out: A path, or an address such as ``s3://bucket/folder/klarify.xlsx``. The workbook, a
            new ``.xlsx`` file, a new ``.xlsm`` file with ribbon and functions, or one that is
            refreshed in place: only our sheets' rows change, and what people added stays. With
            other formats the folder for all files.
        formats: What to write: ``xlsx``, ``csv``, ``json``, ``parquet``.
        access_key: The key; by default it is looked for (see `klarify_xl.settings`).
        key_file: A file that holds the key and nothing else.
        base_url: Address of the API; by default it is looked for.
        store: File of the local store; by default it is looked for.
        settings: Time limits and the like; `base_url` and `store` override its own.
        options: How the workbook is to look; by default as `klarify.toml` in the current folder
            says, if it is there.
        full: Read everything, whether or not it is due.
        accept_removals: Believe it when suspiciously many procedures vanish.
        overwrite: Replace the workbook by a new one instead of refreshing it; one that somebody
            has worked in is kept beside.
        into: Add our sheets to a workbook that we did not make.
        backup: Keep the previous file beside.
        now: The local clock (UTC).
        on_progress: Told after each page and each thousand rows.
        reading: Held while the API is asked, for those who share it out among many.

    Raises:
        KlarifyError: One of the errors of `klarify_xl.errors`.
    """
    started = time.monotonic()
    # At once, so that no traceback shows the text among this function's variables.
    access_key = AccessKey(access_key) if isinstance(access_key, str) else access_key
    if settings is None:
        settings = load_settings(base_url=base_url, store=store)
    else:
        settings = replace(
            settings,
            base_url=normalise_base_url(base_url or settings.base_url),
            store=Path(store or settings.store).expanduser(),
        )
    options = load_options() if options is None else options
    # At once, so that wrong options are told before anything is read.
    empty = empty_plan(options)
    treatment = Treatment(overwrite=overwrite, into=into, backup=backup)
    with open_destination(out, _brought(empty, formats)) as place:
        target, export = _outputs(place.path, formats, overwrite=overwrite)
        if target:
            if settings.store.absolute() == target.path.absolute():
                raise ConfigurationError(
                    f"Store and workbook are the same file, {out}.", hint="Choose another --store."
                )
            target.check(treatment)
        found = find_access_key(settings.base_url, explicit=access_key, key_file=key_file)
        with Store(settings.store) as opened, opened.exclusive():
            known = opened.last_refresh()
            try:
                with reading:
                    log = update_store(
                        opened,
                        settings,
                        found,
                        full=full,
                        accept_removals=accept_removals,
                        now=now,
                        on_progress=on_progress,
                    )
                rows: dict[str, int] = {}
                files: tuple[str, ...] = ()
                place.renew()
                if target:
                    rows = _write(opened, target, options, treatment, on_progress)
                if export:
                    plan = build_plan(opened, options, limited=False)
                    files = export.write(plan, on_progress).written
                place.publish()
            except KeyboardInterrupt:
                raise stopped(stored=opened.last_refresh() != known) from None
    seconds = time.monotonic() - started
    return result_of(log, settings, rows, files, place.shown, seconds)


def _brought(empty: Plan, formats: Sequence[str]) -> Callable[[str], bool] | None:
    """Return which files of a folder a refresh reads or replaces, None if it is no folder."""
    others = [one for one in formats if one != WORKBOOK_FORMAT]
    return {WORKBOOK_NAME, *export_files(empty, others)}.__contains__ if others else None


def _outputs(
    out: Path, formats: Sequence[str], *, overwrite: bool
) -> tuple[Target | None, Export | None]:
    """Return where to write the workbook and the tables to."""
    others = [one for one in formats if one != WORKBOOK_FORMAT]
    if not others:
        return Target(out), None
    if out.suffix.lower() in {".xlsx", ".xlsm"} and not out.is_dir():
        raise ConfigurationError(
            f"{out} is the name of a workbook, but --format {others[0]} needs a folder.",
            hint=f"Give --out a folder. With --format {WORKBOOK_FORMAT} as well, the workbook is "
            f"{WORKBOOK_NAME} in it.",
        )
    export = Export(out, others, overwrite=overwrite)
    wanted = WORKBOOK_FORMAT in formats
    return Target(export.folder / WORKBOOK_NAME) if wanted else None, export


def update_store(
    store: Store,
    settings: Settings,
    found: FoundKey,
    *,
    full: bool = False,
    accept_removals: bool = False,
    now: Callable[[], datetime] = utc_now,
    on_progress: OnProgress = ignore,
) -> Refresh:
    """Bring a store up to date with the API, and return what the refresh log says of it.

    Args:
        store: The store, which nobody else is refreshing.
        settings: Address and time limits.
        found: The key, and where it came from.
        full: Read everything, whether or not it is due.
        accept_removals: Believe it when suspiciously many procedures vanish.
        now: The local clock (UTC).
        on_progress: Told after each page.

    Raises:
        KlarifyError: One of the errors of `klarify_xl.errors`.
    """
    with closing(Client(found.key, settings=settings)) as client:
        try:
            return sync(
                client,
                store,
                full=full,
                accept_removals=accept_removals,
                now=now,
                on_progress=on_progress,
            )
        except KeyRefusedError as error:
            hint = f"The key came from: {found.source}. {error.hint}"
            raise KeyRefusedError(str(error), hint=hint) from None


def stopped(*, stored: bool) -> CancelledError:
    """Return what a person is told who has stopped a refresh.

    Args:
        stored: Whether what was read is in the store already.
    """
    if stored:
        return CancelledError(
            "Stopped. What was read is stored; the workbook may not show it yet.",
            hint="The next refresh brings the workbook up to date.",
        )
    return CancelledError("Stopped. The workbook and the stored data are as they were.")


@collector_paused()
def _write(
    store: Store,
    target: Target,
    options: Options,
    treatment: Treatment,
    on_progress: OnProgress,
) -> dict[str, int]:
    """Write the workbook unless it shows the store's data already, as the options ask.

    Returns:
        Data rows written, by sheet; empty if the file was left alone.
    """
    verified_at = store.verified_at() or datetime.now(UTC)
    # What has become stale by time alone makes another workbook, too. The number tells: of the same
    # data, the oldest are always the first.
    stale = store.unchanged_since(verified_at - timedelta(days=options.stale_days))
    period = renewal_period(verified_at)
    parts = f"{__version__} {store.digest()} {stale} {options!r} {period}"
    mark = hashlib.sha256(parts.encode("utf-8", "backslashreplace")).hexdigest()
    marks = target.marks()
    is_wanted_anew = treatment.overwrite and marks is not None and not marks.is_plain
    if marks and marks.untouched and marks.data == mark and not is_wanted_anew:
        return {}
    plan = build_plan(store, options)
    if not treatment.overwrite:
        target.refuse_other(plan.organisation)
    touched = write_plan(plan, target, mark=mark, treatment=treatment, on_progress=on_progress)
    return {sheet.key: len(sheet.rows) for sheet in plan.tables} if touched else {}


def renewal_period(verified_at: datetime) -> int:
    """Return a number that is another one after `RENEWED_DAYS`.

    A file that shows when it was last compared with Klarify is renewed now and then although
    nothing has changed, else it would look old.

    Args:
        verified_at: When the data was last compared.
    """
    return verified_at.toordinal() // RENEWED_DAYS


@collector_paused()
def write_plan(
    plan: Plan,
    target: Target,
    *,
    mark: str,
    treatment: Treatment = Treatment(),  # noqa: B008 -- it is frozen
    on_progress: OnProgress = ignore,
) -> bool:
    """Write a plan's workbook to its place, at once or not at all.

    Args:
        plan: What to show.
        target: Where to; a workbook that stands there is refreshed in place.
        mark: What the file is to say about the data that it was made from.
        treatment: What is to happen to a file that is there.
        on_progress: Told after each thousand rows.

    Returns:
        Whether the file was touched: equal bytes are left alone.

    Raises:
        TargetError: It can't be written; the old file is as it was.
    """
    macros = _template_macros() if target.has_macros else None

    def write(file: BinaryIO, present: BinaryIO | None) -> None:
        write_workbook(
            plan,
            file,
            data_mark=mark,
            present=present,
            path=target.path,
            into=treatment.into,
            macros=macros,
            on_progress=on_progress,
        )

    return target.replace(write, treatment)


def _template_macros() -> Macros:
    """Return what the template gives to new workbooks with macros."""
    template = workbook_template()
    with template.open("rb") as file:
        return read_macros(Path(TEMPLATE_NAME), io.BytesIO(file.read()))
