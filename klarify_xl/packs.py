"""Packs: a workbook for each owner or lane with their procedures only, ready to send."""

import contextlib
import hashlib
import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from klarify_xl.errors import ConfigurationError, TargetError, TargetLockedError
from klarify_xl.exports.folder import make_folder, replace_files
from klarify_xl.exports.formats import as_csv
from klarify_xl.exports.tables import Field, Table
from klarify_xl.file_names import file_names, mark_of
from klarify_xl.headless.target import Target, Treatment
from klarify_xl.language import Language, Phrase
from klarify_xl.model import Procedure
from klarify_xl.options import Options
from klarify_xl.options_file import load_options
from klarify_xl.pipeline import renewal_period, write_plan
from klarify_xl.progress import OnProgress, Progress, ignore
from klarify_xl.remote import open_destination
from klarify_xl.sheets import empty_plan, plan_contents, read_contents
from klarify_xl.sheets.contents import Contents
from klarify_xl.store import Store
from klarify_xl.text import safe_text

Grouping = Literal["owner", "lane"]

INDEX: Final = "index.csv"
_ENDING: Final = ".xlsx"
_PACK: Final = "pack"
"""First word of the data mark of a pack's workbook; then follow grouping, part and checksum."""

_TITLES: Final[Mapping[Grouping, Phrase]] = {
    "owner": Phrase("Owner: {name}"),
    "lane": Phrase("Lane: {name}"),
}
_MISSING: Final[Mapping[Grouping, Phrase]] = {
    "owner": Phrase("Without owner"),
    "lane": Phrase("Without lane"),
}


@dataclass(frozen=True)
class Pack:
    """A workbook of a part.

    Attributes:
        file: Its name in the folder.
        name: The owner or lane, "" for the procedures without one.
        procedures: How many it shows.
        outcome: ``written``, ``unchanged``, or ``refused`` where the file is not ours to replace.
        reason: Why it was refused, "" otherwise.
    """

    file: str
    name: str
    procedures: int
    outcome: Literal["written", "unchanged", "refused"]
    reason: str


@dataclass(frozen=True)
class PacksResult:
    """What the writing of packs did.

    Attributes:
        outcome: ``written``, or ``unchanged`` where all files were left alone.
        by: ``owner`` or ``lane``.
        out: The folder.
        packs: The packs, by name, the one without an owner or lane last.
        gone: Packs in the folder that are no longer renewed: their owner or lane has no
            procedures any more, or has another file now.
        index: The file that lists the packs.
        seconds: Time it took.
    """

    outcome: Literal["written", "unchanged"]
    by: Grouping
    out: str
    packs: tuple[Pack, ...]
    gone: tuple[str, ...]
    index: str
    seconds: float

    @property
    def refused(self) -> tuple[Pack, ...]:
        """The packs whose files were not ours to replace."""
        return tuple(pack for pack in self.packs if pack.outcome == "refused")

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class _Group:
    """The procedures of an owner or lane.

    Attributes:
        by: What makes the group.
        name: The owner or lane, "" for the procedures without one.
        label: What the file is named after, another one for each group.
        ids: The procedures' ids, in the order of the Procedures sheet.
    """

    by: Grouping
    name: str
    label: str
    ids: tuple[str, ...]

    @property
    def key(self) -> str:
        """What the data marks of the group's workbooks begin with."""
        return f"{_PACK} {self.by} {mark_of(self.name)}"

    @property
    def title(self) -> Phrase:
        """Which part of the organisation this is, in words."""
        return Phrase(_TITLES[self.by], name=self.name) if self.name else _MISSING[self.by]


def write_packs(
    store: Store,
    out: str | os.PathLike[str],
    *,
    by: Grouping,
    options: Options | None = None,
    overwrite: bool = False,
    on_progress: OnProgress = ignore,
) -> PacksResult:
    """Write a workbook for each owner or lane.

    A pack that stands there is refreshed in place, and what people added to it stays. One whose
    rows are as before is left alone, even if other parts of the organisation have changed; only
    every few days all are renewed, since they show when the data was last compared. A file that
    is not ours is refused, and the others go on. Nothing is deleted.

    Args:
        store: What to show.
        out: The folder, a path or an address such as ``s3://bucket/packs``; made if missing.
        by: What makes a pack.
        options: How the packs are to look, but for the centre of the map, which is each pack's
            own; by default as `klarify.toml` in the current folder says, if it is there.
        overwrite: Make the packs anew; those that somebody has worked in are kept beside.
        on_progress: Told after each pack.

    Raises:
        ConfigurationError: The options ask for something impossible.
        TargetError: The folder or its index can't be written.
    """
    started = time.monotonic()
    options = replace(load_options() if options is None else options, map_centre="")
    # At once, so that wrong options are told before anything is written.
    empty_plan(options)
    with open_destination(out, lambda name: name == INDEX or name.endswith(_ENDING)) as place:
        folder = make_folder(place.path)
        result = _write_all(
            store, folder, by, options, overwrite=overwrite, on_progress=on_progress
        )
        place.publish()
    packs = tuple(replace(pack, reason=place.named(pack.reason)) for pack in result.packs)
    seconds = time.monotonic() - started
    return replace(result, out=place.shown, packs=packs, seconds=seconds)


def _write_all(
    store: Store,
    folder: Path,
    by: Grouping,
    options: Options,
    *,
    overwrite: bool,
    on_progress: OnProgress,
) -> PacksResult:
    _check_index(folder, by)
    contents = read_contents(store, options)
    groups = _groups(contents.procedures, by, Language(options.language))
    present = _present(folder, contents.organisation)
    names = _names(folder, groups, present)
    packs = []
    for done, group in enumerate(groups, start=1):
        file = folder / names[group.label]
        packs.append(_write(file, group, contents, options, overwrite=overwrite))
        on_progress(Progress("Writing packs", done, len(groups)))
    left = present.keys() - set(names.values())
    gone = sorted(name for name in left if present[name].startswith(f"{_PACK} {by} "))
    index = _index(by, contents.procedures, groups, packs, gone)
    written = replace_files(folder, {INDEX: as_csv(index).content})
    changed = written or any(pack.outcome == "written" for pack in packs)
    return PacksResult(
        outcome="written" if changed else "unchanged",
        by=by,
        out=str(folder),
        packs=tuple(packs),
        gone=tuple(gone),
        index=INDEX,
        seconds=0.0,
    )


def _groups(procedures: Sequence[Procedure], by: Grouping, say: Language) -> list[_Group]:
    """Return the parts by name, as exact as the names are; the one without a name last."""
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for one in procedures:
        names = dict.fromkeys((one.owner,) if by == "owner" else one.lanes)
        for name in [name for name in names if name.strip()] or [""]:
            ids[name].append(one.id)
    missing = say(_MISSING[by])
    while missing in ids:
        # Somebody is called so; a space makes another text of it, and so another file.
        missing += " "
    return [
        _Group(by, name, name or missing, tuple(ids[name]))
        for name in sorted(ids, key=lambda name: (not name, name.casefold(), name))
    ]


def _present(folder: Path, organisation: str) -> dict[str, str]:
    """Return the packs that stand in the folder: by name of the file, which part they show."""
    present = {}
    for file in folder.glob(f"*{_ENDING}"):
        with contextlib.suppress(ConfigurationError):
            marks = Target(file).marks()
            is_pack = marks and marks.data.startswith(f"{_PACK} ")
            if marks and is_pack and marks.organisation in {"", organisation}:
                present[file.name] = marks.data.rpartition(" ")[0]
    return present


def _names(folder: Path, groups: Sequence[_Group], present: Mapping[str, str]) -> dict[str, str]:
    """Return a name of a file for each group, by its label; others' files are left out."""
    keys = {group.label: group.key for group in groups}

    def is_free(name: str, label: str) -> bool:
        return not (folder / name).exists() or present.get(name) == keys[label]

    return file_names(keys, _ENDING, is_free)


def _write(
    file: Path, group: _Group, contents: Contents, options: Options, *, overwrite: bool
) -> Pack:
    part = contents.of(frozenset(group.ids), group.title)
    mark = f"{group.key} {_checksum(part, options)}"
    outcome: Literal["written", "unchanged", "refused"] = "unchanged"
    reason = ""
    treatment = Treatment(overwrite=overwrite)
    try:
        target = Target(file)
        target.check(treatment)
        target.refuse_other(contents.organisation)
        marks = target.marks()
        is_ours = marks is None or marks.data.startswith(f"{group.key} ")
        if marks and not is_ours and (marks.untouched or not overwrite):
            raise TargetLockedError(f"The workbook {file} is another one, not this pack.")
        is_current = marks and marks.untouched and marks.data == mark
        if not is_current:
            plan = plan_contents(part, options)
            touched = write_plan(plan, target, mark=mark, treatment=treatment)
            outcome = "written" if touched else "unchanged"
    except TargetError as error:
        outcome, reason = "refused", str(error)
    return Pack(file.name, group.name, len(group.ids), outcome, reason)


def _checksum(part: Contents, options: Options) -> str:
    """Return a checksum of what a pack shows, apart from when and how it was read.

    What it shows of the rest of the organisation, its size and former procedures, does not count.
    """
    receipt = part.receipt
    gaps = (receipt.shortfall, receipt.quarantined, receipt.kept) if receipt else ()
    period = renewal_period(part.verified_at or part.as_of)
    timeless = replace(part, receipt=None, verified_at=None, listed=0, ids=())
    shown = repr((gaps, period, plan_contents(timeless, options)))
    return hashlib.sha256(shown.encode("utf-8", "backslashreplace")).hexdigest()


def _check_index(folder: Path, by: Grouping) -> None:
    """Refuse to replace an index that is not ours, or that lists packs of another kind."""
    file = folder / INDEX
    if not file.exists():
        return
    expected = as_csv(_index(by, (), (), (), ())).content.rstrip()
    try:
        with file.open("rb") as opened:
            header = opened.readline(1000).rstrip()
    except OSError:
        header = b""
    if header != expected:
        raise TargetLockedError(
            f"{file} is not the index of packs by {by}.",
            hint="Choose another --out: one folder for owners, one for lanes. If it is one that "
            "was saved by another program, delete it.",
        )


def _index(
    by: Grouping,
    procedures: Sequence[Procedure],
    groups: Sequence[_Group],
    packs: Sequence[Pack],
    gone: Sequence[str],
) -> Table:
    """Return the index, with a row for each pack and procedure, and one for each gone pack."""
    names = {one.id: safe_text(one.name).text for one in procedures}
    rows: list[tuple[str | None, ...]] = [
        (pack.file, safe_text(group.name).text, safe_text(one).text, names[one], state)
        for group, pack in zip(groups, packs, strict=True)
        for state in ["refused" if pack.outcome == "refused" else "current"]
        for one in group.ids
    ]
    rows += [(name, None, None, None, "gone") for name in gone]
    titles = ("File", by.capitalize(), "ID", "Procedure", "State")
    fields = tuple(Field(title, "text") for title in titles)
    return Table("Index", "Which pack shows which procedures.", fields, tuple(rows))
