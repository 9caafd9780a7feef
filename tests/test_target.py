"""The file that a workbook goes to: replaced at once, only when needed, and never somebody's."""

import io
import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from openpyxl import Workbook, load_workbook

from klarify_xl import pipeline
from klarify_xl.demo import Organisation
from klarify_xl.errors import CancelledError, ConfigurationError, TargetError, TargetLockedError
from klarify_xl.headless.marks import read_marks
from klarify_xl.headless.target import Target, Treatment, Write
from klarify_xl.headless.workbook import write_workbook
from klarify_xl.store import Store

from .workbooks import NOW, opened, plan_of, write

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
without_root = pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="the superuser may write anywhere"
)


@pytest.fixture
def organisation() -> Organisation:
    return Organisation(procedures=30, seed=7, now=NOW)


@pytest.fixture
def file(organisation: Organisation, tmp_path: Path) -> Path:
    """A workbook, freshly written, in a folder of its own."""
    folder = tmp_path / "reports"
    folder.mkdir()
    write(organisation, folder / "procedures.xlsx")
    return folder / "procedures.xlsx"


def beside(file: Path) -> set[str]:
    """Return the names of what stands beside a workbook, but for its store."""
    return {path.name for path in file.parent.iterdir() if ".db" not in path.name}


def state(file: Path) -> tuple[bytes, int]:
    return file.read_bytes(), file.stat().st_mtime_ns


def work_in(file: Path) -> bytes:
    """Write a remark into a workbook, as a person would, and return its bytes."""
    workbook: Any = load_workbook(file)
    workbook["Procedures"]["N2"] = "ask Maria"
    workbook.save(file)
    return file.read_bytes()


def writing(content: bytes) -> Write:
    def write_it(new: BinaryIO, _present: BinaryIO | None) -> None:
        new.write(content)

    return write_it


def later(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def test_the_same_store_gives_the_same_bytes(file: Path) -> None:
    saved = io.BytesIO()
    write_workbook(plan_of(file), saved, data_mark=read_marks(file).data)
    assert saved.getvalue() == file.read_bytes()


def test_a_deleted_workbook_is_written_again_with_the_same_bytes(
    file: Path, organisation: Organisation
) -> None:
    # It shows when the data was last compared, to the second.
    moment = later(datetime.now(UTC))
    file.unlink()
    write(organisation, file, now=moment)
    before = file.read_bytes()
    file.unlink()
    assert write(organisation, file, now=moment).outcome == "written"
    assert file.read_bytes() == before


def test_an_unchanged_organisation_leaves_the_file_untouched(
    file: Path, organisation: Organisation
) -> None:
    before = state(file)
    result = write(organisation, file, full=True)
    assert (result.outcome, result.rows) == ("unchanged", {})
    assert (result.mode, result.refresh) == ("full", 2)
    assert state(file) == before


def test_an_unchanged_workbook_is_not_even_planned(
    file: Path, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "build_plan", lambda *_: pytest.fail("planned"))
    assert write(organisation, file).outcome == "unchanged"


def test_equal_bytes_are_left_alone(file: Path) -> None:
    before = state(file)
    content = file.read_bytes()
    assert not Target(file).replace(writing(content))
    assert state(file) == before


def test_a_changed_organisation_gives_a_new_file(file: Path, organisation: Organisation) -> None:
    before = file.read_bytes()
    first = organisation.rows[0]["id"]
    organisation.now = NOW + timedelta(minutes=1)
    organisation.edit(first, name="Renamed")
    result = write(organisation, file)
    assert (result.outcome, result.changed) == ("written", 1)
    assert file.read_bytes() != before
    assert "Renamed" in {cell.value for cell in opened(file)["Procedures"]["B"]}
    assert beside(file) == {"procedures.xlsx"}


def test_a_workbook_that_somebody_saved_is_refreshed_with_what_is_theirs(
    file: Path, organisation: Organisation
) -> None:
    work_in(file)
    result = write(organisation, file)
    assert (result.outcome, result.changed) == ("written", 0)
    assert opened(file)["Procedures"]["N2"].value == "ask Maria"
    assert read_marks(file).untouched
    assert beside(file) == {"procedures.xlsx"}
    before = state(file)
    assert write(organisation, file).outcome == "unchanged"
    assert state(file) == before


def test_a_backup_is_kept_on_request_and_only_the_last_one(
    file: Path, organisation: Organisation
) -> None:
    first = file.read_bytes()
    organisation.evolve()
    write(organisation, file, backup=True)
    second = file.read_bytes()
    assert file.with_name("procedures.previous.xlsx").read_bytes() == first != second
    organisation.evolve()
    write(organisation, file, backup=True)
    assert file.with_name("procedures.previous.xlsx").read_bytes() == second
    assert beside(file) == {"procedures.xlsx", "procedures.previous.xlsx"}


def test_a_workbook_that_was_saved_meanwhile_is_left_alone(file: Path) -> None:
    def write_slowly(new: BinaryIO, _present: BinaryIO | None) -> None:
        new.write(b"new")
        file.write_bytes(b"saved meanwhile")

    with pytest.raises(TargetLockedError, match="was saved by somebody meanwhile"):
        Target(file).replace(write_slowly)
    assert file.read_bytes() == b"saved meanwhile"
    assert beside(file) == {"procedures.xlsx"}


def test_overwriting_keeps_what_somebody_saved_beside(
    file: Path, organisation: Organisation
) -> None:
    theirs = work_in(file)
    assert write(organisation, file, overwrite=True).outcome == "written"
    assert opened(file)["Procedures"]["N2"].value is None
    assert file.with_name("procedures.before.xlsx").read_bytes() == theirs
    assert beside(file) == {"procedures.xlsx", "procedures.before.xlsx"}


def test_overwriting_keeps_work_that_was_carried_over_earlier(
    file: Path, organisation: Organisation
) -> None:
    work_in(file)
    organisation.evolve()
    write(organisation, file)
    carried = file.read_bytes()
    organisation.evolve()
    write(organisation, file, overwrite=True)
    kept = file.with_name("procedures.before.xlsx")
    assert kept.read_bytes() == carried
    assert opened(kept)["Procedures"]["N2"].value == "ask Maria"
    assert opened(file)["Procedures"]["N2"].value is None


def test_overwriting_makes_a_worked_in_file_anew_though_nothing_has_changed(
    file: Path, organisation: Organisation
) -> None:
    work_in(file)
    write(organisation, file)
    assert write(organisation, file, overwrite=True).outcome == "written"
    assert opened(file)["Procedures"]["N2"].value is None
    assert file.with_name("procedures.before.xlsx").is_file()


def test_overwriting_again_keeps_what_was_kept_before(
    file: Path, organisation: Organisation
) -> None:
    first = work_in(file)
    write(organisation, file, overwrite=True)
    organisation.evolve()
    write(organisation, file)
    second = work_in(file)
    write(organisation, file, overwrite=True)
    assert first != second
    assert file.with_name("procedures.before.xlsx").read_bytes() == first
    assert file.with_name("procedures.before-2.xlsx").read_bytes() == second


def test_overwriting_an_own_workbook_keeps_nothing_beside(
    file: Path, organisation: Organisation
) -> None:
    organisation.evolve(additions=1, edits=0, removals=0)
    assert write(organisation, file, overwrite=True).outcome == "written"
    assert beside(file) == {"procedures.xlsx"}


def test_another_programs_workbook_is_not_replaced(
    organisation: Organisation, tmp_path: Path
) -> None:
    file = tmp_path / "budget.xlsx"
    Workbook().save(file)
    theirs = file.read_bytes()
    with pytest.raises(TargetLockedError, match="is not from klarify-xl"):
        write(organisation, file)
    assert file.read_bytes() == theirs
    assert not file.with_suffix(".db").exists()
    write(organisation, file, overwrite=True)
    assert next(iter(opened(file))) == "Procedures"
    assert file.with_name("budget.before.xlsx").read_bytes() == theirs


def damaged(content: bytes) -> bytes:
    """Return a workbook whose own marks can't be unpacked."""
    start = content.index(b"docProps/custom.xml") + len("docProps/custom.xml")
    return content[:start] + b"\xff" * 100 + content[start + 100 :]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _content: b"", id="empty"),
        pytest.param(lambda _content: b"my notes", id="text"),
        pytest.param(lambda content: content[: len(content) // 2], id="truncated"),
        pytest.param(damaged, id="damaged"),
    ],
)
def test_a_file_that_is_no_workbook_is_somebodys_too(
    file: Path, organisation: Organisation, spoil: Callable[[bytes], bytes]
) -> None:
    theirs = spoil(file.read_bytes())
    file.write_bytes(theirs)
    with pytest.raises(TargetError, match="is damaged"):
        write(organisation, file)
    assert file.read_bytes() == theirs
    write(organisation, file, overwrite=True)
    assert len(opened(file)) == 7


def test_a_single_changed_cell_is_noticed_whatever_the_marks_say(file: Path) -> None:
    assert read_marks(file).untouched
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(
        b"published", b"unlisted!", 1
    )
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    marks = read_marks(file)
    assert marks.data
    assert not marks.untouched


@pytest.mark.parametrize("name", ["~$procedures.xlsx", ".~lock.procedures.xlsx#"])
def test_a_workbook_that_is_open_elsewhere_is_left_alone(
    file: Path, organisation: Organisation, name: str
) -> None:
    organisation.evolve()
    before = state(file)
    file.with_name(name).touch()
    with pytest.raises(TargetLockedError, match="is open in another program") as caught:
        write(organisation, file)
    assert name in caught.value.hint
    assert state(file) == before
    file.with_name(name).unlink()
    assert write(organisation, file).outcome == "written"


def test_an_open_workbook_is_found_before_anything_is_read(
    file: Path, organisation: Organisation
) -> None:
    file.with_name("~$procedures.xlsx").touch()
    with pytest.raises(TargetLockedError):
        write(organisation, file)
    with Store(file.with_suffix(".db"), read_only=True) as store:
        assert len(store.refreshes()) == 1


def test_a_workbook_that_was_opened_meanwhile_is_left_alone(file: Path) -> None:
    before = state(file)
    target = Target(file)
    target.check()
    file.with_name("~$procedures.xlsx").touch()
    with pytest.raises(TargetLockedError, match="is open in another program"):
        target.replace(writing(b"new"))
    assert state(file) == before


def test_a_missing_folder_is_told_and_not_made(organisation: Organisation, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="does not exist") as caught:
        write(organisation, tmp_path / "none" / "procedures.xlsx")
    assert caught.value.hint == "Create it, or choose another --out."
    assert not (tmp_path / "none").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "reports").touch()
    with pytest.raises(TargetError, match="does not exist"):
        Target(tmp_path / "reports" / "procedures.xlsx").check()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "procedures.xlsx").mkdir()
    with pytest.raises(TargetError, match="is a folder"):
        Target(tmp_path / "procedures.xlsx").check(Treatment(overwrite=True))


@on_posix
@without_root
def test_a_folder_that_can_not_be_written_to_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(TargetError, match="is not writable"):
            Target(tmp_path / "procedures.xlsx").check()
    finally:
        tmp_path.chmod(0o700)


@on_posix
@without_root
def test_a_read_only_workbook_is_left_alone(file: Path, organisation: Organisation) -> None:
    before = state(file)
    file.chmod(0o400)
    with pytest.raises(TargetError, match="is read-only"):
        write(organisation, file)
    assert state(file) == before


@pytest.mark.parametrize("folder_is_writable", [True, False])
def test_missing_permissions_are_told_whoever_runs_this(
    file: Path, monkeypatch: pytest.MonkeyPatch, *, folder_is_writable: bool
) -> None:
    folder = file.parent.resolve()
    monkeypatch.setattr(
        os, "access", lambda path, _mode: folder_is_writable if Path(path) == folder else False
    )
    expected = "is read-only" if folder_is_writable else "is not writable"
    with pytest.raises(TargetError, match=expected):
        Target(file).check()


@pytest.mark.parametrize("name", ["a.xls", "a.xlsb", "a.csv", "a", "a.xlsx.zip", ".xlsx"])
def test_only_xlsx_and_xlsm_files_are_written(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"must be an \.xlsx or \.xlsm file"):
        Target(name)


def test_the_suffix_may_be_in_capitals(organisation: Organisation, tmp_path: Path) -> None:
    write(organisation, tmp_path / "PROCEDURES.XLSX")
    assert (tmp_path / "PROCEDURES.XLSX").is_file()


@pytest.mark.parametrize(
    ("failing", "error", "expected"),
    [
        ("replace", PermissionError(13, "in use"), TargetLockedError),
        ("replace", OSError(28, "No space left on device"), TargetError),
        ("chmod", OSError(5, "Input/output error"), TargetError),
        ("replace", KeyboardInterrupt(), CancelledError),
    ],
)
def test_a_crash_while_writing_leaves_the_old_file_and_nothing_else(
    file: Path,
    organisation: Organisation,
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
    error: BaseException,
    expected: type[BaseException],
) -> None:
    before = state(file)
    organisation.evolve(edits=2, additions=2, removals=0)

    def fail(*_arguments: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Path, failing, fail)
        with pytest.raises(expected):
            write(organisation, file)
    assert state(file) == before
    assert beside(file) == {"procedures.xlsx"}
    # What was read is not lost: the next refresh writes it although nothing is new.
    result = write(organisation, file)
    assert (result.outcome, result.added, result.procedures) == ("written", 0, 32)
    assert opened(file)["Procedures"].max_row == 33


def test_what_a_killed_process_left_behind_is_removed(
    file: Path, organisation: Organisation
) -> None:
    for name in (".klarify-procedures-abc123.tmp", ".klarify-other-abc123.tmp", "notes.tmp"):
        file.with_name(name).touch()
    organisation.evolve()
    write(organisation, file)
    assert beside(file) == {"procedures.xlsx", ".klarify-other-abc123.tmp", "notes.tmp"}


def test_a_full_disk_is_told_with_what_to_do(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(TargetError, match="No space left on device") as caught:
        Target(file).replace(writing(b"new"))
    assert caught.value.hint == "Check the disk's free space. The old file is as it was."
    assert beside(file) == {"procedures.xlsx"}


@on_posix
def test_a_workbook_keeps_its_permissions(file: Path, organisation: Organisation) -> None:
    file.chmod(0o640)
    organisation.evolve()
    write(organisation, file)
    assert file.stat().st_mode & 0o777 == 0o640


@on_posix
@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o644), (0o077, 0o600)])
def test_a_new_workbook_gets_the_users_usual_permissions(
    organisation: Organisation, tmp_path: Path, mask: int, expected: int
) -> None:
    before = os.umask(mask)
    try:
        write(organisation, tmp_path / "new.xlsx")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert (tmp_path / "new.xlsx").stat().st_mode & 0o777 == expected


@on_posix
def test_a_link_to_a_workbook_stays_a_link(file: Path, organisation: Organisation) -> None:
    link = file.parent.parent / "link.xlsx"
    link.symlink_to(file)
    shutil.copy(file.with_suffix(".db"), link.with_suffix(".db"))
    organisation.evolve()
    before = file.read_bytes()
    assert write(organisation, link).outcome == "written"
    assert link.is_symlink()
    assert file.read_bytes() != before


@on_posix
def test_a_link_that_leads_back_to_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "loop.xlsx").symlink_to(tmp_path / "loop.xlsx")
    with pytest.raises(ConfigurationError, match=r"loop\.xlsx is a link that leads back"):
        Target(tmp_path / "loop.xlsx")
