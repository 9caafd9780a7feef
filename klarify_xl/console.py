"""How results, progress, findings and changes are shown on a terminal or to a program."""

import io
import json
import logging
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from klarify_xl.check import Finding
from klarify_xl.errors import KlarifyError
from klarify_xl.exports import MANIFEST, ExportResult
from klarify_xl.fleet.run import FleetResult
from klarify_xl.json_log import JsonLines, about, lines_logged
from klarify_xl.model import readable
from klarify_xl.outcome import RefreshResult
from klarify_xl.packs import PacksResult
from klarify_xl.progress import OnProgress, Progress, ignore
from klarify_xl.records import Change, Refresh, worth_showing
from klarify_xl.status import Status
from klarify_xl.text import safe_text

_LOG = logging.getLogger(__name__)

_PLAIN_SECONDS: Final = 5.0
_SIGNS: Final = {
    "fine": ("✓", "ok", "green"),
    "look": ("!", "!", "yellow"),
    "broken": ("✗", "X", "red"),
}
_KINDS: Final = {
    "added": ("+", "green"),
    "changed": ("~", "yellow"),
    "removed": ("-", "red"),
    "returned": ("+", "green"),
}


class Screen:
    """Where a command shows things: results on standard output, the rest on standard error.

    Args:
        quiet: Show nothing but what went wrong, and the JSON document where it is asked for.
        as_json: Show one JSON document on standard output and nothing else there.
        log_json: Show JSON lines on standard error and nothing else there.

    Attributes:
        quiet: Whether only what went wrong is shown.
        lines: What formats the JSON lines.
    """

    def __init__(
        self, *, quiet: bool = False, as_json: bool = False, log_json: bool = False
    ) -> None:
        self.as_json = as_json
        self.lines = JsonLines()
        self.quiet = quiet
        self._log_json = log_json
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # A code page without some letter must not end a refresh.
                stream.reconfigure(errors="replace")
        self._out = Console(highlight=False, soft_wrap=True)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)

    def sign(self, sign: str, plain: str) -> str:
        """Return a sign, or plain letters where the output can't show it."""
        try:
            sign.encode(self._out.encoding)
        except UnicodeEncodeError:
            return plain
        return sign

    def line(self, text: str | Text = "") -> None:
        """Show a line of the result to a person."""
        if not self.as_json and not self.quiet:
            self._out.print(text if isinstance(text, Text) else Text(text))

    def note(self, text: str) -> None:
        """Show a line beside the result."""
        if not self.quiet and not self._log_json:
            self._err.print(Text(text))

    def problem(self, text: str) -> None:
        """Show a line on something that went wrong without ending the command."""
        if self._log_json:
            _LOG.warning("%s", text, extra=about("problem"))
        else:
            self._err.print(Text(text))

    @contextmanager
    def logging_lines(self) -> Iterator[None]:
        """Show JSON lines, if they are asked for, as long as the context lasts."""
        if self._log_json:
            level = logging.WARNING if self.quiet else logging.INFO
            with lines_logged(self.lines, self._err.file, level):
                yield
        else:
            yield

    def document(self, content: Mapping[str, Any] | Sequence[Any]) -> None:
        """Show the result to a program."""
        if self.as_json:
            # ASCII, so that it survives every code page on the way.
            self._out.file.write(json.dumps(content, indent=2) + "\n")
            self._out.file.flush()

    def failure(self, error: KlarifyError, exit_code: int) -> None:
        """Show what went wrong and what to do next."""
        if self._log_json:
            details = {"error": type(error).__name__, "hint": error.hint, "exit_code": exit_code}
            _LOG.error("%s", error, extra=about("failed", **details))
        else:
            self._show_failure(error)
        self.document(
            {
                "outcome": "failed",
                "error": type(error).__name__,
                "message": str(error),
                "hint": error.hint,
                "exit_code": exit_code,
            }
        )

    def _show_failure(self, error: KlarifyError) -> None:
        message = Text.assemble(("Error: ", "bold red"), _line(str(error)))
        self._err.print(message)
        if error.hint:
            self._err.print(Text.assemble(("What to do: ", "bold"), _line(error.hint)))

    @contextmanager
    def progress(self) -> Iterator[OnProgress]:
        """Give what shows progress: bars on a terminal, a line now and then elsewhere."""
        if self.quiet or self.as_json or self._log_json:
            yield ignore
        elif self._err.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
            )
            with Bars(*columns, console=self._err, transient=True) as bars:
                tasks: dict[str, Any] = {}

                def show(step: Progress) -> None:
                    if step.stage not in tasks:
                        tasks[step.stage] = bars.add_task(step.stage, total=step.total)
                    bars.update(tasks[step.stage], completed=step.done, total=step.total)

                yield show
        else:
            yield _PlainProgress(self)


class _PlainProgress:
    """Shows the end of each stage, and a line every few seconds until then."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._shown_at = time.monotonic()

    def __call__(self, step: Progress) -> None:
        now = time.monotonic()
        if step.done >= step.total or now - self._shown_at >= _PLAIN_SECONDS:
            self._shown_at = now
            self._screen.note(f"{step.stage}: {step.done:,} of {step.total:,}")


def _line(text: str) -> str:
    """Return remote text as one line without anything that steers a terminal."""
    return " ".join(safe_text(text).text.split())


def show_result(screen: Screen, result: RefreshResult) -> None:
    """Show what a refresh did."""
    screen.document(result.as_json())
    count = f"{result.procedures:,} procedures"
    reason = f" ({result.reason})" if result.reason else ""
    screen.line(f"Read:    {count}, {result.mode} refresh{reason}, {result.requests} requests")
    screen.line(f"Found:   {summary(result)}")
    if result.quarantined:
        screen.line(f"Mind:    {result.quarantined} items without a usable id were left out")
    if result.shortfall:
        screen.line(f"Mind:    the API counts {result.shortfall} more procedures than it lists")
    if result.kept:
        screen.line(f"Mind:    {result.kept} were not listed, but not proven gone, and are kept")
    if result.outcome == "unchanged":
        screen.line(f"Wrote:   nothing, {result.out} is up to date and was not touched")
    else:
        rows = ", ".join(f"{name} {number:,}" for name, number in result.rows.items())
        parts = [f"rows: {rows}"] if rows else []
        parts += [f"files: {', '.join(result.files)}"] if result.files else []
        screen.line(f"Wrote:   {result.out} ({'; '.join(parts)})")
    screen.line(f"Store:   {result.store}")
    screen.line(f"Took:    {result.seconds:.1f} s")


def show_export(screen: Screen, result: ExportResult) -> None:
    """Show what an export did."""
    screen.document(result.as_json())
    rows = ", ".join(f"{name} {number:,}" for name, number in result.rows.items())
    screen.line(f"Tables:  {rows}")
    if result.escaped:
        screen.line(f"Escaped: {result.escaped:,} texts that could pass for formulas ({MANIFEST})")
    if result.outcome == "unchanged":
        screen.line(f"Wrote:   nothing, {result.out} is up to date and was not touched")
    else:
        screen.line(f"Wrote:   {result.out} (files: {', '.join(result.written)})")
    if result.left_over:
        screen.line(f"Mind:    from an earlier export, and old: {', '.join(result.left_over)}")


def show_packs(screen: Screen, result: PacksResult) -> None:
    """Show what the writing of packs did."""
    screen.document(result.as_json())
    counts = Counter(pack.outcome for pack in result.packs)
    kinds = ", ".join(f"{counts[kind]:,} {kind}" for kind in ("written", "unchanged", "refused"))
    screen.line(f"Packs:   {len(result.packs):,} by {result.by} ({kinds})")
    show = screen.problem if screen.quiet else screen.line
    for pack in result.refused:
        show(f"Refused: {_line(pack.file)}: {_line(pack.reason)}")
    if result.gone:
        gone = ", ".join(_line(name) for name in result.gone)
        screen.line(f"Mind:    no longer renewed, but still there: {gone}")
    screen.line(f"Index:   {result.index} in {result.out}")
    screen.line(f"Took:    {result.seconds:.1f} s")


def show_fleet(screen: Screen, result: FleetResult) -> None:
    """Show what the run of a fleet did."""
    screen.document(result.as_json())
    earlier = f", {result.earlier:,} of them done before" if result.earlier else ""
    screen.line(f"Run:     {result.run}, {result.organisations:,} organisations{earlier}")
    screen.line(f"Done:    {result.written:,} written, {result.unchanged:,} up to date")
    if result.failed:
        screen.line(f"Failed:  {result.failed:,}; the report says why, and what to do")
    screen.line(f"Read:    {result.procedures:,} procedures, {result.requests:,} requests")
    screen.line(f"Report:  {result.report}")
    screen.line(f"Noted:   {result.manifest}")
    screen.line(f"Took:    {result.seconds:.1f} s")


def fleet_failure(organisation: str, message: str) -> str:
    """Return the line that tells of an organisation that failed."""
    return f"Failed: {_line(organisation)}: {_line(message)}"


def summary(counts: RefreshResult | Refresh) -> str:
    """Return what a refresh found, in a few words."""
    parts = [
        (counts.added, "added"),
        (counts.changed, "changed"),
        (counts.removed, "no longer listed"),
        (counts.returned, "listed again"),
    ]
    return ", ".join(f"{number:,} {word}" for number, word in parts if number) or "nothing new"


def show_findings(screen: Screen, findings: Iterable[Finding]) -> None:
    """Show the lines of a check."""
    findings = list(findings)
    screen.document(
        [
            {"subject": f.subject, "state": f.state, "detail": f.detail, "advice": f.advice}
            for f in findings
        ]
    )
    for finding in findings:
        sign, plain, colour = _SIGNS[finding.state]
        shown = screen.sign(sign, plain)
        text = Text.assemble((shown, colour), f" {finding.subject:<11}", _line(finding.detail))
        screen.line(text)
        if finding.advice:
            screen.line(f"              {screen.sign('→', '->')} {_line(finding.advice)}")


def show_changes(screen: Screen, changes: Sequence[Change], *, most: int, first: int = 0) -> None:
    """Show the history, one line for each procedure and field, newest refresh first.

    Args:
        screen: Where to.
        changes: What to show.
        most: Lines at most.
        first: Number of the first refresh, which is told in one line; 0 to tell it in full.
    """
    screen.document([_change_document(change) for change in changes])
    shown = 0
    for (refresh, kind), group in _by_refresh_and_kind(changes).items():
        moment = group[0].at
        ids = {change.id for change in group}
        if refresh == first:
            screen.line(f"{moment:%Y-%m-%d %H:%M} UTC, first refresh: {len(ids):,} recorded")
            continue
        word = {"removed": "no longer listed", "returned": "listed again"}.get(kind, kind)
        screen.line(f"{moment:%Y-%m-%d %H:%M} UTC, refresh {refresh}: {len(ids):,} {word}")
        sign, colour = _KINDS[kind]
        for change in worth_showing(group):
            if shown >= most:
                screen.line(f"  … more with --limit (shown: {most})")
                return
            shown += 1
            what = ""
            if change.field:
                old, new = _line(readable(change.old)) or "–", _line(readable(change.new)) or "–"
                what = f"  {change.field}: {old} {screen.sign('→', '->')} {new}"
            name = f" {_line(change.name)} [{_line(change.id)}]"
            screen.line(Text.assemble("  ", (sign, colour), name, what))


def _by_refresh_and_kind(changes: Sequence[Change]) -> dict[tuple[int, str], list[Change]]:
    order = list(_KINDS)
    groups: defaultdict[tuple[int, str], list[Change]] = defaultdict(list)
    for change in changes:
        groups[change.refresh, change.kind].append(change)
    keys = sorted(groups, key=lambda key: (-key[0], order.index(key[1])))
    return {key: groups[key] for key in keys}


def _change_document(change: Change) -> dict[str, Any]:
    def value(text: str | None) -> object:
        return None if text is None else json.loads(text)

    return {
        "refresh": change.refresh,
        "at": change.at.isoformat(),
        "id": change.id,
        "name": change.name,
        "kind": change.kind,
        "field": change.field,
        "old": value(change.old),
        "new": value(change.new),
    }


def show_statuses(
    screen: Screen, statuses: Sequence[Status], now: datetime, max_age: timedelta | None
) -> None:
    """Show how the refreshes of workbooks went.

    Args:
        screen: Where to.
        statuses: One for each workbook.
        now: The present moment (UTC).
        max_age: The greatest age that is fine, None if the last refresh must have succeeded.
    """
    screen.document(
        [{**one.as_json(now), "is_good": one.is_good(now, max_age)} for one in statuses]
    )
    for one in statuses:
        sign, plain, colour = _SIGNS["fine" if one.is_good(now, max_age) else "broken"]
        screen.line(Text.assemble((screen.sign(sign, plain), colour), " ", _line(one.out)))
        success, failure, age = one.last_success, one.last_failure, one.age(now)
        if success and age is not None:
            told = f"{success.at:%Y-%m-%d %H:%M} UTC, {_age(age)} ago"
            screen.line(f"  Refreshed: {told}, {success.procedures:,} procedures")
        else:
            screen.line("  Refreshed: never")
        if failure and one.failures:
            times = f", {one.failures} times in a row" if one.failures > 1 else ""
            screen.line(f"  Failed:    {failure.at:%Y-%m-%d %H:%M} UTC{times}")
            screen.line(f"             {_line(failure.message)}")
            if failure.hint:
                screen.line(f"             {screen.sign('→', '->')} {_line(failure.hint)}")


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    for size, word in ((1440, "days"), (60, "hours")):
        if minutes >= 2 * size:
            return f"{minutes // size} {word}"
    return f"{minutes} minutes"
