"""The workbook template: built from its sources, sound, and what new .xlsm workbooks start from."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pyopenvba import ExcelFile
from pyopenvba.apps.excel import ExcelApplication
from pyopenvba.apps.excel._bridge import ExcelBridge
from pyopenvba.cfb import CFB
from pyopenvba.interpreter import VBAObject, method

from klarify_xl.demo import Organisation
from klarify_xl.errors import ConfigurationError
from klarify_xl.headless.macros import Macros
from klarify_xl.headless.marks import read_marks
from klarify_xl.headless.workbook import write_workbook
from klarify_xl.options import Options
from klarify_xl.ribbon import TAB
from klarify_xl.ribbon.markup import ribbon_xml
from klarify_xl.ribbon.module import ribbon_module
from klarify_xl.sheets import empty_plan
from klarify_xl.template import TEMPLATE_NAME, workbook_template

from .excel_engine import PROBE, RIBBON_UI
from .lint import lint
from .rich.libreoffice import libreoffice_macros
from .validator import objections
from .workbooks import NOW, plan_of, records, write

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / TEMPLATE_NAME
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, RIBBON = "xl/vbaProject.bin", "customUI/customUI14.xml"
SETTINGS = "xlwings.conf"
LANGUAGES = pytest.mark.parametrize(
    ("options", "sheet"),
    [
        (Options(), "Procedures"),
        (Options(language="de", shown=("Procedures", "Health", "About")), "Prozesse"),
    ],
    ids=["English", "German"],
)

sys.path.insert(0, str(ROOT / "scripts"))
import build_template  # noqa: E402 -- a script beside the package
import udf_wrappers  # noqa: E402 -- so is this
from udf_descriptions import descriptions_module  # noqa: E402 -- and this


@pytest.fixture
def organisation() -> Organisation:
    return Organisation(procedures=12, seed=7, now=NOW)


def parts(file: Path) -> dict[str, bytes]:
    """Return a package's parts by name."""
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(file: Path, changed: dict[str, bytes]) -> None:
    """Save a package as a person's program would: some parts are others."""
    kept = parts(file) | changed
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in kept.items():
            archive.writestr(name, content)


def macros(file: Path) -> dict[str, bytes]:
    """Return the parts that make a workbook one with ribbon and functions."""
    return {name: content for name, content in parts(file).items() if name in {PROJECT, RIBBON}}


def modules(file: Path) -> dict[str, str]:
    """Return the VBA of a workbook by module, as olevba reads it."""
    command = [sys.executable, "-m", "oletools.olevba", "--json", "--code", str(file)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    (found,) = [one for one in json.loads(done.stdout) if one.get("macros")]
    return {
        one["vba_filename"].rpartition(".")[0]: one["code"].replace("\r\n", "\n")
        for one in found["macros"]
    }


def test_the_committed_template_is_what_its_sources_give() -> None:
    assert TEMPLATE.read_bytes() == build_template.build_template(), (
        "run: python scripts/build_template.py"
    )


def test_its_sheets_tables_and_columns_are_those_of_the_plan() -> None:
    plan = empty_plan()
    workbook = openpyxl.load_workbook(TEMPLATE)
    seen = [sheet.title for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
    assert seen == [sheet.name for sheet in plan.sheets]
    tables = {
        table.displayName: [column.name for column in table.tableColumns]
        for sheet in workbook.worksheets
        for table in sheet.tables.values()
    }
    assert tables == {
        sheet.table: [column.title for column in sheet.columns] for sheet in plan.tables
    }


def test_olevba_finds_our_modules_and_those_of_xlwings() -> None:
    found = modules(TEMPLATE)
    ours = {"ThisWorkbook", "RibbonKlarify", "FunctionsKlarify", "xlwings_udfs"}
    assert set(found) == ours | {"xlwings", "Dictionary"}
    assert found["RibbonKlarify"] == ribbon_module(TAB).rstrip("\n")
    assert found["FunctionsKlarify"] == descriptions_module().rstrip("\n")
    assert "KlarifyDescribeFunctions ThisWorkbook" in found["ThisWorkbook"]
    assert "KlarifySelected Sh" in found["ThisWorkbook"]


def test_it_keeps_the_notices_of_what_others_wrote() -> None:
    found = modules(TEMPLATE)
    assert "xlwings is distributed under a BSD 3-clause license" in found["xlwings"]
    assert "Neither the name of the copyright holder" in found["xlwings"]
    assert "Tim Hall" in found["Dictionary"]
    assert "Permission is hereby granted, free of charge" in found["Dictionary"]


def test_its_xlwings_is_the_pinned_one() -> None:
    version = re.search(r'XLWINGS_VERSION As String = "([\d.]+)"', modules(TEMPLATE)["xlwings"])
    assert version is not None
    project = PYPROJECT["project"]
    required = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    pins = {one.partition(";")[0].strip() for one in required if one.startswith("xlwings")}
    assert pins == {f"xlwings=={version[1]}"}


def test_excel_compiles_its_vba_anew() -> None:
    with zipfile.ZipFile(TEMPLATE) as archive:
        project = CFB.from_bytes(archive.read(PROJECT))
    # MS-OVBA 2.3.4.1: a version that no program has, and no cache of compiled code.
    cache = project.get_stream_in_storage("VBA", "_VBA_PROJECT")
    assert cache == bytes.fromhex("CC61FFFF000000")
    assert not [name for name in project.list_streams_in_storage("VBA") if "SRP" in name]


def test_its_vba_knows_the_types_of_office() -> None:
    """Without them neither `IRibbonControl` nor `msoLanguageIDUI` would compile."""
    with ExcelFile(TEMPLATE) as workbook:
        assert not workbook.validate()
        assert "{2DF8D04C-5BFA-101B-BDE5-00AA0044DE52}" in {
            one.guid for one in workbook.references()
        }


def test_the_settings_of_xlwings_are_hidden_and_its_own_vba_finds_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states = {sheet.title: sheet.sheet_state for sheet in openpyxl.load_workbook(TEMPLATE)}
    assert states.pop(SETTINGS) == "veryHidden"
    assert set(states.values()) == {"visible"}

    class Shell(VBAObject):
        """What expands %NAMES% on Windows."""

        @method
        def ExpandEnvironmentStrings(self, text: object) -> object:  # noqa: N802 -- VBA's name
            return text

    monkeypatch.setattr(ExcelBridge, "create", lambda _bridge, _name: Shell())
    # The engine reads no comments behind directives.
    source = re.sub(r"(?m)^( *#.*?) *'.*$", r"\1", modules(TEMPLATE)["xlwings"])
    excel = ExcelApplication.open(TEMPLATE, with_vba=False)
    excel.add_module(source, name="xlwings")
    found = {name: str(excel.run("xlwings.GetConfig", name)) for name, _ in build_template.SETTINGS}
    assert found == {
        "UDF MODULES": "klarify_xl.udfs",
        "ADD_WORKBOOK_TO_PYTHONPATH": "False",
        "USE UDF SERVER": "False",
    }


def test_wrappers_of_worksheet_functions_are_made_by_xlwings_itself(tmp_path: Path) -> None:
    (tmp_path / "some_functions.py").write_text(
        "import xlwings as xw\n\n\n@xw.func\ndef KLARIFY_OWNER(name, what='owner'):\n"
        '    "Who keeps it."\n    return name\n',
        encoding="utf-8",
    )
    script = udf_wrappers.__file__
    command = [sys.executable, str(script), "some_functions"]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "Function KLARIFY_OWNER(name, Optional what)" in done.stdout
    assert 'XLPy.CallUDF("some_functions", "KLARIFY_OWNER", Array(name, what)' in done.stdout


def test_excel_has_nothing_to_repair_in_it(validator: Path) -> None:
    assert not objections(validator, TEMPLATE)
    assert not lint(TEMPLATE)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'size="large"', b'size="huge"'), (b"<group ", b"<grope "), (b"onLoad=", b"onLaod=")],
)
def test_the_validator_looks_at_the_ribbon_too(
    validator: Path, tmp_path: Path, old: bytes, new: bytes
) -> None:
    file = tmp_path / "broken.xlsm"
    file.write_bytes(TEMPLATE.read_bytes())
    repacked(file, {RIBBON: parts(file)[RIBBON].replace(old, new)})
    assert objections(validator, file)


@LANGUAGES
def test_a_new_xlsm_workbook_starts_from_the_template(
    organisation: Organisation, tmp_path: Path, validator: Path, options: Options, sheet: str
) -> None:
    file = tmp_path / "p.xlsm"
    result = write(organisation, file, options=options)
    assert result.outcome == "written"
    assert macros(file) == macros(TEMPLATE)
    assert parts(file)["[Content_Types].xml"].count(b"macroEnabled") == 1
    workbook = openpyxl.load_workbook(file)
    planned = [sheet.name for sheet in plan_of(file, options).sheets]
    assert [one.title for one in workbook if one.sheet_state == "visible"] == planned
    assert workbook[SETTINGS]["B1"].value == "klarify_xl.udfs"
    assert len(records(file, sheet)) == 12
    assert not objections(validator, file)
    assert not lint(file)


def test_the_file_says_when_it_was_refreshed_and_how_that_went(
    organisation: Organisation, tmp_path: Path
) -> None:
    write(organisation, tmp_path / "p.xlsm", now=lambda: NOW)
    workbook: Any = openpyxl.load_workbook(tmp_path / "p.xlsm")
    said = {one.name: one.value for one in workbook.custom_doc_props.props}
    assert said["klarify-xl refreshed"] == "2026-03-01T12:00:00Z"
    assert said["klarify-xl result"] == "12"


@LANGUAGES
def test_no_refresh_ever_loses_the_ribbon(
    organisation: Organisation, tmp_path: Path, validator: Path, options: Options, sheet: str
) -> None:
    file = tmp_path / "p.xlsm"
    write(organisation, file, options=options)
    for step in range(3):
        organisation.now += timedelta(hours=1)
        organisation.edit(organisation.rows[step]["id"], name=f"Renamed {step}")
        if step:
            # Somebody has saved it meanwhile, so it is refreshed in place.
            repacked(file, {"docProps/app.xml": parts(file)["docProps/app.xml"] + b" " * step})
            assert not read_marks(file).is_plain
        before = parts(file)
        assert write(organisation, file, options=options).outcome == "written"
        assert macros(file) == macros(TEMPLATE)
        after = parts(file)
        kept = {name for name, content in before.items() if after.get(name) == content}
        assert {PROJECT, RIBBON} <= kept
    names = {row["Name"] for row in records(file, sheet)}
    assert {"Renamed 0", "Renamed 1", "Renamed 2"} <= names
    assert not objections(validator, file)
    assert not lint(file)


def test_macros_that_a_person_has_added_stay(organisation: Organisation, tmp_path: Path) -> None:
    file = tmp_path / "p.xlsm"
    write(organisation, file)
    own = 'Attribute VB_Name = "Own"\nSub Mine()\nEnd Sub\n'
    project = build_template.vba_project({**build_template.modules(), "Own": own})
    repacked(file, {PROJECT: project})
    organisation.add(name="New")
    write(organisation, file, full=True)
    assert parts(file)[PROJECT] == project
    assert "Own" in modules(file)


def test_an_unchanged_workbook_is_not_touched(organisation: Organisation, tmp_path: Path) -> None:
    file = tmp_path / "p.xlsm"
    write(organisation, file, now=lambda: NOW)
    assert write(organisation, file, now=lambda: NOW).outcome == "unchanged"


def test_equal_data_gives_equal_bytes(organisation: Organisation, tmp_path: Path) -> None:
    for name in ("a.xlsm", "b.xlsm"):
        write(organisation, tmp_path / name, now=lambda: NOW)
    # The server's address is in the files.
    first, second = (parts(tmp_path / name) for name in ("a.xlsm", "b.xlsm"))
    assert {name for name in first if first[name] != second[name]} <= {
        "docProps/custom.xml",
        "xl/worksheets/sheet10.xml",
    }


def test_overwriting_gives_the_ribbon_again(organisation: Organisation, tmp_path: Path) -> None:
    file = tmp_path / "p.xlsm"
    write(organisation, file)
    repacked(file, {RIBBON: b"<nothing/>"})
    write(organisation, file, overwrite=True)
    assert macros(file) == macros(TEMPLATE)
    assert parts(tmp_path / "p.before.xlsm")[RIBBON] == b"<nothing/>"


def test_a_copy_of_the_template_can_be_refreshed(
    organisation: Organisation, tmp_path: Path
) -> None:
    file = tmp_path / "copy.xlsm"
    file.write_bytes(TEMPLATE.read_bytes())
    write(organisation, file)
    assert len(records(file, "Procedures")) == 12
    assert macros(file) == macros(TEMPLATE)


def test_an_xlsx_workbook_has_no_macros(organisation: Organisation, tmp_path: Path) -> None:
    write(organisation, tmp_path / "p.xlsx")
    found = parts(tmp_path / "p.xlsx")
    assert not {PROJECT, RIBBON} & set(found)
    assert b"macroEnabled" not in found["[Content_Types].xml"]


def test_without_the_template_people_are_told(
    organisation: Organisation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workbook_template().read_bytes() == TEMPLATE.read_bytes()
    monkeypatch.setattr("klarify_xl.template.TEMPLATE_NAME", "missing.xlsm")
    with pytest.raises(ConfigurationError, match=r"lacks missing\.xlsm") as caught:
        write(organisation, tmp_path / "p.xlsm")
    assert "Install klarify-xl again" in caught.value.hint
    assert not (tmp_path / "p.xlsm").exists()


def test_libreoffice_runs_the_ribbon_s_vba(tmp_path: Path) -> None:
    """With the real modules of xlwings in the project it runs none, so one stands in."""
    header = "VERSION 1.0 CLASS\nBEGIN\n  MultiUse = -1\nEND\n"
    sources = {
        "RibbonKlarify": ribbon_module(TAB),
        "FunctionsKlarify": descriptions_module(),
        "Probe": PROBE.replace(
            "{presses}", '        Case "KlarifyHealth": KlarifyHealthClick control'
        ),
        "AnyControl": f'{header}Attribute VB_Name = "AnyControl"\nPublic ID As String\n',
        "AnyRibbon": f'{header}Attribute VB_Name = "AnyRibbon"\n{RIBBON_UI}',
    }
    file = tmp_path / "probe.xlsm"
    project = build_template.vba_project(sources)
    found = Macros(project, ribbon_xml(TAB), build_template.settings_sheet())
    plan = replace(empty_plan(), made_at=build_template.MADE_AT)
    with file.open("wb") as out:
        write_workbook(plan, out, data_mark="probe", macros=found)
    calls: list[tuple[str, list[Any], Any]] = [
        ("Probe.Asked", ["KlarifyLabel", "KlarifyRefresh"], "Refresh"),
        ("Probe.Asked", ["KlarifyLabel", "KlarifyAge"], "Not refreshed yet"),
        ("Probe.Asked", ["KlarifyLabel", "KlarifyOptions"], "Options …"),
        ("Probe.Asked", ["KlarifyScreentip", "KlarifyHelp"], "How this workbook works"),
        ("Probe.Asked", ["KlarifyEnabled", "KlarifyHelp"], True),
        (
            "Probe.Pressed",
            ["KlarifyHealth"],
            "import klarify_xl.live; klarify_xl.live.show_health()\n",
        ),
        ("RibbonKlarify.AgeWords", [46000.0, 46000.5], "Refreshed 12 hours ago"),
        ("RibbonKlarify.AgeWords", [46000.0, 46003.0], "Refreshed 3 days ago"),
    ]
    results = libreoffice_macros(file, [(name, arguments) for name, arguments, _ in calls])
    assert results == [expected for _, _, expected in calls]
