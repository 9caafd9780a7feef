"""``klarify-xl install`` and ``uninstall``, with real files in a home of their own."""

import importlib.metadata
import locale
import platform
import re
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from klarify_xl.cli import app
from klarify_xl.template import XLWINGS_VERSION, workbook_template

ROOT = Path(__file__).parents[1]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The home of a person on Windows."""
    home = tmp_path / "José"
    (home / "Documents").mkdir(parents=True)
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name in ("CONDA_EXE", "CONDA_DEFAULT_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    return home


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def configuration(home: Path) -> str:
    return (home / ".xlwings" / "xlwings.conf").read_text(encoding=locale.getencoding())


def test_a_new_user(home: Path) -> None:
    result = run("install")
    assert result.exit_code == 0
    assert configuration(home) == f'"INTERPRETER_WIN","{sys.executable}"\n'
    workbook = home / "Documents" / "Klarify.xlsm"
    assert workbook.read_bytes() == workbook_template().read_bytes()
    for said in ("xlwings.conf", "Klarify.xlsm", "Access key", "check --excel"):
        assert said in result.output


def test_what_stands_in_the_configuration_stays(home: Path) -> None:
    file = home / ".xlwings" / "xlwings.conf"
    file.parent.mkdir()
    before = '"PYTHONPATH","C:\\mine"\n\n"INTERPRETER_WIN","C:\\old\\python.exe"\n# Müller\n'
    file.write_text(before, encoding=locale.getencoding())
    assert run("install").exit_code == 0
    assert configuration(home) == before.replace("C:\\old\\python.exe", sys.executable)
    assert run("install").exit_code == 0
    result = run("uninstall")
    assert result.exit_code == 0
    assert configuration(home) == before
    assert "as it was before" in result.output


def test_uninstall_removes_what_nobody_has_used(home: Path) -> None:
    run("install", "--to", str(home / "Compliance"))
    result = run("uninstall")
    assert not (home / "Compliance" / "Klarify.xlsm").exists()
    assert not (home / ".xlwings" / "xlwings.conf").exists()
    assert "key remove" in result.output
    assert "Nothing is installed" in run("uninstall").output


def test_uninstall_leaves_what_somebody_has_changed(home: Path) -> None:
    run("install")
    workbook = home / "Documents" / "Klarify.xlsm"
    workbook.write_bytes(b"worked in")
    file = home / ".xlwings" / "xlwings.conf"
    file.write_text('"INTERPRETER_WIN","C:\\another\\python.exe"\n', encoding="utf-8")
    result = run("uninstall")
    assert workbook.read_bytes() == b"worked in"
    assert "another" in configuration(home)
    assert "changed meanwhile" in result.output
    assert "stays, since somebody has worked in it" in result.output


def test_a_workbook_that_is_there_is_left_alone(home: Path) -> None:
    workbook = home / "Documents" / "Klarify.xlsm"
    workbook.write_bytes(b"worked in")
    result = run("install")
    assert result.exit_code == 0
    assert workbook.read_bytes() == b"worked in"
    assert "was left as it is" in result.output
    run("uninstall")
    assert workbook.read_bytes() == b"worked in"


def test_a_workbook_by_its_name(home: Path) -> None:
    run("install", "--to", str(home / "new" / "Mine.XLSM"))
    assert (home / "new" / "Mine.XLSM").exists()


def test_a_conda_environment_is_activated(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDA_EXE", str(home / "miniconda" / "Scripts" / "conda.exe"))
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "work")
    monkeypatch.setenv("CONDA_PREFIX", sys.prefix)
    run("install")
    assert f'"CONDA PATH","{home / "miniconda"}"\n"CONDA ENV","work"\n' in configuration(home)
    monkeypatch.setenv("CONDA_PREFIX", str(home))
    run("uninstall")
    run("install")
    assert "CONDA" not in configuration(home)


def test_another_xlwings_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version
    monkeypatch.setattr(
        "klarify_xl.excel_setup.version", lambda name: "0.1" if name == "xlwings" else real(name)
    )
    result = run("install")
    assert result.exit_code == 2
    assert f"pip install xlwings=={XLWINGS_VERSION}" in result.output
    assert not (home / ".xlwings").exists()


@pytest.mark.parametrize("command", ["install", "uninstall"])
@pytest.mark.parametrize("system", ["Linux", "Darwin"])
def test_elsewhere_than_on_windows(
    home: Path, monkeypatch: pytest.MonkeyPatch, command: str, system: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    result = run(command)
    assert result.exit_code == 2
    assert "Excel for Windows only" in result.output
    assert list(home.rglob("*")) == [home / "Documents"]


def test_a_configuration_that_can_not_be_read_is_left_alone(home: Path) -> None:
    (home / ".xlwings" / "xlwings.conf").mkdir(parents=True)
    result = run("install")
    assert result.exit_code == 6
    assert "can't be read" in result.output


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = [one for one in project["dependencies"] if one.startswith("xlwings")]
    assert re.match(r"xlwings==([0-9.]+)", required[0])[1] == XLWINGS_VERSION  # type: ignore[index]
