"""The worksheet functions through xlwings' own Windows code, with arguments as Excel hands them."""

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klarify_xl.store import Store
from klarify_xl.worksheet_values import ERROR_CODES

from .conftest import NOW
from .excel import MISSING, Cells, Excel, Workbook, windows_xlwings
from .inventories import refresh, row
from .workbooks import program

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import udf_errors  # noqa: E402 -- a script beside the package

NAMES = (
    "KLARIFY_AGE",
    "KLARIFY_AS_OF",
    "KLARIFY_CALLED_FROM",
    "KLARIFY_CALLED_WITHIN",
    "KLARIFY_CALLERS",
    "KLARIFY_CHANGES",
    "KLARIFY_COUNT",
    "KLARIFY_FIND",
    "KLARIFY_GET",
    "KLARIFY_HEALTH",
    "KLARIFY_IMPACT",
    "KLARIFY_LANES",
    "KLARIFY_LIST",
    "KLARIFY_REFRESHED",
)
NA, VALUE, REF = "\x01#N/A", "\x01#VALUE!", "\x01#REF!"
NOT_AVAILABLE = -2146826246


@pytest.fixture(scope="module")
def loaded() -> Iterator[Excel]:
    """xlwings as on Windows, with the functions."""
    with windows_xlwings() as excel:
        yield excel


@pytest.fixture
def excel(loaded: Excel, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Excel]:
    """Excel, in which the functions read a small store."""
    refresh(
        store,
        [
            row("1", name="Order", lanes=["Sales", "Stock"], called_from=["Pay"]),
            row("2", name="Pay", owner="=1+1", called_within=["Order", "Gone"]),
            row("3", name="Ship", owner="", called_from=["Order"]),
            row("12345", name="Ship", updated_at="2026-01-30T06:00:00Z"),
        ],
    )
    refresh(store, [row("4", name="New")], at=NOW.replace(day=2))
    monkeypatch.setenv("KLARIFY_STORE", str(store.path))
    loaded.functions._places.clear()
    yield loaded
    loaded.functions._library.close()


def moment(*parts: int) -> datetime:
    """Return a time as pywin32 wants it: with a time zone that says nothing."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # parts of a date


@pytest.mark.parametrize(
    ("name", "arguments", "cells"),
    [
        ("KLARIFY_GET", ("1", "Owner"), "Maria"),
        ("KLARIFY_GET", (12345.0, "Updated"), moment(2026, 1, 30, 6)),
        ("KLARIFY_GET", (Cells("Order"), Cells("Zuletzt geändert")), moment(2026, 2, 1, 8, 30)),
        ("KLARIFY_GET", (Cells((("1",), (None,), ("x",))), "id"), [["1"], [""], [NA]]),
        ("KLARIFY_GET", (Cells((("1", 12345.0),)), "id"), ["1", "12345"]),
        ("KLARIFY_GET", (("1", "2"), "id"), ["1", "2"]),
        (
            "KLARIFY_GET",
            (Cells((("1",), ("2",))), Cells((("id", "name"),))),
            [["1", "Order"], ["2", "Pay"]],
        ),
        ("KLARIFY_GET", (Cells(((NOT_AVAILABLE,), ("1",))), "id"), [[NA], ["1"]]),
        ("KLARIFY_GET", (Cells(None), "id"), ""),
        ("KLARIFY_GET", ("2", "owner"), "=1+1"),
        ("KLARIFY_GET", ("Ship", "id"), VALUE),
        ("KLARIFY_GET", (MISSING, MISSING), ""),
        (
            "KLARIFY_LIST",
            ("published", "maria", MISSING, MISSING, "ship", "name, updated"),
            ["Ship", moment(2026, 1, 30, 6)],
        ),
        ("KLARIFY_LIST", (MISSING, "=", MISSING, MISSING, MISSING, "id, name"), ["3", "Ship"]),
        ("KLARIFY_LIST", ("draft",), NA),
        ("KLARIFY_COUNT", (), 5),
        # An equals sign in front is the criterion's own, as in COUNTIFS.
        ("KLARIFY_COUNT", (MISSING, "=1+1"), 0),
        ("KLARIFY_COUNT", (MISSING, "==1+1"), 1),
        ("KLARIFY_COUNT", (MISSING, MISSING, MISSING, "Sal*"), 1),
        ("KLARIFY_FIND", ("ordr", 1.0), ["1", "Order"]),
        ("KLARIFY_FIND", ("qqqq",), NA),
        ("KLARIFY_FIND", (Cells(None),), VALUE),
        ("KLARIFY_LANES", ("1",), [["Sales"], ["Stock"]]),
        ("KLARIFY_LANES", (Cells((("1",), ("2",))),), VALUE),
        ("KLARIFY_CALLED_WITHIN", ("2",), [["1", "Order", "resolved"], ["", "Gone", "unresolved"]]),
        ("KLARIFY_CALLED_FROM", ("1",), ["2", "Pay", "resolved"]),
        ("KLARIFY_CALLED_FROM", ("2",), ""),
        ("KLARIFY_CALLERS", ("3",), ["1", "Order", 1, "resolved"]),
        ("KLARIFY_CALLERS", ("3", 0.0), VALUE),
        ("KLARIFY_IMPACT", ("3", 1.0), ["1", "Order", 1, "Maria", "Sales; Stock", "resolved"]),
        ("KLARIFY_CHANGES", (), [moment(2026, 3, 2, 12), "added", "4", "New", "", "", ""]),
        ("KLARIFY_CHANGES", (Cells(moment(2026, 3, 3)),), ""),
        (
            "KLARIFY_HEALTH",
            ("No owner",),
            ["high", "No owner", "3", "Ship", "", "The owner is empty"],
        ),
        ("KLARIFY_HEALTH", ("whatever",), VALUE),
        ("KLARIFY_AGE", (Cells((("1",), (12345.0,))),), [[29], [31]]),
        ("KLARIFY_REFRESHED", (), moment(2026, 3, 2, 12, 0, 30)),
        ("KLARIFY_AS_OF", (46082.0, "4", "name"), NA),
        ("KLARIFY_AS_OF", (Cells(moment(2026, 3, 2)), "4", "name"), "New"),
        ("KLARIFY_AS_OF", (46083.0, "\ud800", "name"), NA),
        ("KLARIFY_AS_OF", ("soon", "4", "name"), VALUE),
    ],
)
def test_functions_answer_what_excel_asks(
    excel: Excel, name: str, arguments: tuple[object, ...], cells: object
) -> None:
    got = excel.call(name, *arguments)
    assert got == cells
    for cell in flat(got):
        assert type(cell) in {str, int, datetime}


def flat(got: Any) -> list[Any]:
    if not isinstance(got, list):
        return [got]
    return [cell for part in got for cell in flat(part)]


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.text(max_size=8),
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from([*ERROR_CODES, MISSING, -2146826200, 2**40, "1", "Order", "name", "~", "<>"]),
    st.sampled_from([Decimal(1), Decimal("NaN"), "46082", "2026-03-01", "9999-12-31", "\ud800"]),
)
RANGES = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.tuples(*[ANYTHING] * width), min_size=1, max_size=3).map(
        lambda rows: Cells(tuple(rows))
    )
)


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_handed_in_cells_come_back(
    loaded: Excel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / "klarify.db"
    with Store(path) as store:
        refresh(store, [row("1", name="Order", called_from=["Order"]), row("2", name="Pay")])
    monkeypatch.setenv("KLARIFY_STORE", str(path))
    loaded.functions._places.clear()
    failures: list[object] = []
    monkeypatch.setattr(loaded.functions._log, "exception", lambda *said: failures.append(said))
    count = len(getattr(loaded.functions, name).__xlfunc__["args"])

    @settings(max_examples=150, deadline=None)
    @given(st.tuples(*[ANYTHING | RANGES] * count))
    def try_out(arguments: tuple[object, ...]) -> None:
        failures.clear()
        for cell in flat(loaded.call(name, *arguments)):
            assert type(cell) in {str, int, datetime}
            assert "Traceback" not in str(cell)
        # Errors are foreseen, not caught at the last moment.
        assert failures == []

    try_out()
    loaded.functions._library.close()


def test_excel_s_wizard_gets_a_name_a_category_and_help_for_everything(excel: Excel) -> None:
    found = {
        name: one.__xlfunc__
        for name, one in vars(excel.functions).items()
        if hasattr(one, "__xlfunc__")
    }
    assert tuple(sorted(found)) == NAMES
    for about in found.values():
        assert about["category"] == "Klarify"
        assert about["volatile"] is False
        assert about["async_mode"] is None
        assert about["sub"] is False
        for text in (about["ret"]["doc"], *(one["doc"] for one in about["args"])):
            # The most that Application.MacroOptions takes, on one line.
            assert 10 < len(text) <= 255
            assert text.isprintable()
            assert text.endswith(".")


def test_xlwings_makes_a_vba_function_of_each(excel: Excel) -> None:
    vba = excel.wrappers()
    assert tuple(re.findall(r"^Function (\w+)\(", vba, re.MULTILINE)) == NAMES
    assert "Function KLARIFY_GET(id_or_name, field)" in vba
    assert (
        "Function KLARIFY_LIST(Optional status, Optional owner, Optional performer, "
        "Optional lane, Optional text, Optional columns)" in vba
    )
    assert "Volatile" not in vba
    # Names that VBA keeps for itself can't be arguments.
    taken = {"date", "name", "type", "string", "next", "loop", "to", "in", "is", "like", "get"}
    arguments = re.findall(r"^Function \w+\((.*)\)$", vba, re.MULTILINE)
    assert not taken & set(re.findall(r"\w+", " ".join(arguments).lower()))


def test_the_vba_turns_marks_into_excel_s_errors(excel: Excel) -> None:
    wrappers = excel.wrappers()
    vba = udf_errors.with_errors(wrappers)
    calls = re.findall(r"^\s*(KLARIFY_\w+) = WithErrors\(XLPy\.CallUDF\(.*\)\)$", vba, re.MULTILINE)
    assert len(calls) == 2 * len(NAMES) == wrappers.count("XLPy.CallUDF(")
    cases = dict(re.findall(r'Case "(\S+)": ErrorOf = CVErr\((\d+)\)', vba))
    assert cases["#N/A"] == "2042"
    assert cases["#VALUE!"] == "2015"
    assert cases["#REF!"] == "2023"
    assert len(cases) == len(ERROR_CODES)
    assert f"ChrW$({ord(NA[0])})" in vba
    with pytest.raises(ValueError, match="have changed"):
        udf_errors.with_errors("Function X()\nX = 1\nEnd Function\n")


LIBRARY = {
    "script.xlc": """<!DOCTYPE library:libraries PUBLIC
        "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "libraries.dtd">
        <library:libraries xmlns:library="http://openoffice.org/2000/library"
            xmlns:xlink="http://www.w3.org/1999/xlink">
        <library:library library:name="Standard" xlink:type="simple" library:link="false"
            xlink:href="$(USER)/basic/Standard/script.xlb/"/></library:libraries>""",
    "Standard/script.xlb": """<!DOCTYPE library:library PUBLIC
        "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library.dtd">
        <library:library xmlns:library="http://openoffice.org/2000/library"
            library:name="Standard" library:readonly="false" library:passwordprotected="false">
        <library:element library:name="Module1"/></library:library>""",
    "Standard/Module1.xba": """<!DOCTYPE script:module PUBLIC
        "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
        <script:module xmlns:script="http://openoffice.org/2000/script"
            script:name="Module1" script:language="StarBasic">{code}</script:module>""",
}
MACRO = """
Sub Check()
    Dim table(0 To 1, 0 To 1) As Variant, line(0 To 1) As Variant, told As Variant
    table(0, 0) = ChrW$(1) & "#N/A": table(0, 1) = "#N/A"
    table(1, 0) = 5: table(1, 1) = ChrW$(1) & "#VALUE!"
    line(0) = ChrW$(1) & "#REF!": line(1) = "=1+1"
    Open "{file}" For Output As #1
    told = WithErrors(table)
    Print #1, CStr(told(0, 0)) & "|" & told(0, 1) & "|" & told(1, 0) & "|" & CStr(told(1, 1))
    told = WithErrors(line)
    Print #1, CStr(told(0)) & "|" & told(1)
    told = WithErrors(ChrW$(1) & "#N/A")
    Print #1, IsError(told) & "|" & CStr(told) & "|" & WithErrors("text") & "|" & WithErrors(7)
    Close #1
End Sub
"""


def test_the_vba_does_that_where_it_can_be_run(excel: Excel, tmp_path: Path) -> None:
    """LibreOffice stands in for Excel: its Basic knows VBA's errors and arrays."""
    vba = udf_errors.with_errors(excel.wrappers())
    functions = vba[vba.index("Private Function WithErrors") :].replace("Private ", "")
    told = tmp_path / "told.txt"
    code = "Option VBASupport 1\n" + functions + MACRO.format(file=told)
    basic = tmp_path / "office" / "user" / "basic"
    profile = (tmp_path / "office").as_uri()
    command = [program("soffice"), f"-env:UserInstallation={profile}", "--headless", "--norestore"]
    # The first start of a profile only sets it up, and lets go what was there.
    for _ in range(2):
        for name, text in LIBRARY.items():
            (basic / name).parent.mkdir(parents=True, exist_ok=True)
            whole = '<?xml version="1.0" encoding="UTF-8"?>' + text.format(code=escape(code))
            (basic / name).write_text(whole, encoding="utf-8")
        subprocess.run([*command, "macro:///Standard.Module1.Check()"], check=True, timeout=100)
    assert told.read_text().splitlines() == [
        "Error 2042|#N/A|5|Error 2015",
        "Error 2023|=1+1",
        "True|Error 2042|text|7",
    ]


# Which store


def test_without_a_store_functions_give_ref_and_one_tells_why(
    loaded: Excel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KLARIFY_STORE", str(tmp_path / "none.db"))
    loaded.functions._places.clear()
    assert loaded.call("KLARIFY_GET", "1", "name") == REF
    assert loaded.call("KLARIFY_COUNT") == REF
    told = loaded.call("KLARIFY_REFRESHED")
    assert "There is no store at" in told
    assert "klarify-xl refresh" in told
    (tmp_path / "none.db").write_text("no database at all, " * 100)
    assert loaded.call("KLARIFY_GET", "1", "name") == REF
    assert "can't be used" in loaded.call("KLARIFY_REFRESHED")
    (tmp_path / "none.db").unlink()
    with Store(tmp_path / "none.db") as store:
        refresh(store, [row("1")])
    assert loaded.call("KLARIFY_GET", "1", "name") == "Name of 1"
    loaded.functions._library.close()


def test_a_workbook_may_name_its_own_store(excel: Excel, tmp_path: Path) -> None:
    with Store(tmp_path / "other.db") as other:
        refresh(other, [row("1", name="Another organisation's")])
    as_cell = Workbook("C:\\a.xlsm", {"KLARIFY_STORE": Cells(str(tmp_path / "other.db"))})
    as_text = Workbook("C:\\b.xlsm", {"KLARIFY_STORE": str(tmp_path / "other.db")})
    empty = Workbook("C:\\c.xlsm", {"KLARIFY_STORE": Cells(None)})
    for _ in range(3):
        for book, name in (
            (excel.workbook, "Order"),
            (as_cell, "Another organisation's"),
            (as_text, "Another organisation's"),
            (empty, "Order"),
        ):
            assert excel.call("KLARIFY_GET", "1", "name", workbook=book) == name
    assert as_cell.evaluated == 1


@pytest.mark.parametrize("path", ["klarify.db", "..\\klarify.db", 7.0])
def test_a_store_named_by_half_a_path_is_refused(excel: Excel, path: object) -> None:
    book = Workbook("C:\\half.xlsm", {"KLARIFY_STORE": Cells(path)})
    assert excel.call("KLARIFY_GET", "1", "name", workbook=book) == REF
    assert "no whole path" in excel.call("KLARIFY_REFRESHED", workbook=book)


def test_a_store_may_be_named_by_variables_and_the_home_folder(
    excel: Excel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KLARIFY_FOLDER", str(tmp_path))
    for number, path in enumerate(("~/klarify.db", "$KLARIFY_FOLDER/klarify.db")):
        book = Workbook(f"C:\\{number}.xlsm", {"KLARIFY_STORE": path})
        assert excel.call("KLARIFY_GET", "1", "name", workbook=book) == "Order"


def test_the_workbook_sees_a_refresh_at_once(excel: Excel, store: Store) -> None:
    assert excel.call("KLARIFY_GET", "1", "owner") == "Maria"
    refresh(store, [row("1", owner="Bob")])
    assert excel.call("KLARIFY_GET", "1", "owner") == "Bob"


# Loading


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return done.stdout.strip()


def test_importing_the_functions_loads_nothing_heavy() -> None:
    loaded = set(run("import sys, klarify_xl.udfs; print(*sys.modules)").split())
    assert "klarify_xl.store" in loaded
    heavy = {"requests", "urllib3", "lxml", "openpyxl", "typer", "rich", "keyring", "xlwings"}
    heavy |= {"truststore", "ssl", "http.client", "asyncio", "boto3", "pyarrow"}
    assert not heavy & loaded
    ours = {name for name in loaded if name.startswith("klarify_xl.")}
    assert not {f"klarify_xl.{part}" for part in ("client", "sync", "plan", "sheets")} & ours


def test_elsewhere_they_are_plain_functions(store: Store) -> None:
    refresh(store, [row("1", owner="Bob")])
    code = (
        "from klarify_xl.udfs import KLARIFY_GET as get; import inspect; "
        f"import os; os.environ['KLARIFY_STORE'] = {str(store.path)!r}; "
        "print(get('1', 'owner'), inspect.signature(get).parameters.keys())"
    )
    assert run(code) == "[['Bob']] odict_keys(['id_or_name', 'field'])"


def test_the_functions_have_no_keyword_arguments_and_know_no_network(excel: Excel) -> None:
    for name in NAMES:
        for one in inspect.signature(getattr(excel.functions, name)).parameters.values():
            assert one.kind is one.POSITIONAL_OR_KEYWORD
    assert "socket" not in run("import sys, klarify_xl.udfs; print(*sys.modules)").split()
