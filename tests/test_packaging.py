"""What people install: wheel and sdist, in a fresh environment, with the public interface."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import klarify_xl
from klarify_xl.demo import DemoServer

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = next(name for name in names if name.endswith("METADATA"))
        text = archive.read(metadata).decode()
    assert "klarify_xl/py.typed" in names
    assert "klarify_xl/demo/server.py" in names
    assert "klarify_xl/german.toml" in names
    assert "klarify_xl/ribbon/RibbonKlarify.bas" in names
    assert "klarify_xl/workbook_template.xlsm" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"klarify_xl"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "License-Expression: MIT" in text
    assert "Requires-Python: >=3.11" in text
    required = [line for line in text.splitlines() if line.startswith("Requires-Dist")]
    core = {re.split("[ <>=;]", line)[1] for line in required if "extra ==" not in line}
    assert core == {
        *("keyring", "lxml", "openpyxl", "python-dotenv", "requests", "rich"),
        *("truststore", "typer", "tzdata", "urllib3", "xlwings"),
    }


def test_the_sdist_holds_what_its_tests_need(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"LICENSE", "README.md", "pyproject.toml", "scripts/test.py"} <= names
    assert {"workbook_template.xlsm", "scripts/template/ThisWorkbook.cls"} <= names
    assert "tests/test_packaging.py" in names


@pytest.mark.parametrize("workbook", ["p.xlsx", "p.xlsm"])
def test_the_installed_wheel_works_away_from_its_sources(
    built: Path, tmp_path: Path, server: DemoServer, workbook: str
) -> None:
    """Dependencies come from the running environment; the package from the wheel alone."""
    (wheel,) = built.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # Without the site module the sources in place are out of reach.
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        [sys.executable, "-S", "-m", "klarify_xl", "refresh", "--out", workbook, "--quiet"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(site), *dependencies]),
            "KLARIFY_API_KEY": server.access_key,
            "KLARIFY_BASE_URL": server.url,
        },
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / workbook).exists()


def test_five_lines_from_a_notebook_do(server: DemoServer) -> None:
    result = klarify_xl.refresh(
        "p.xlsx", store="p.db", access_key=server.access_key, base_url=server.url
    )
    assert (result.outcome, result.procedures) == ("written", 250)
    with klarify_xl.Store("p.db", read_only=True) as store:
        assert [one.name for one in store.procedures() if one.id == "10001"]
    with klarify_xl.Client(server.access_key, server.url) as client:
        assert len(client.page().rows) == 100
        assert len(klarify_xl.read_all(client).procedures) == 250


def test_a_store_in_the_home_folder_is_found_there(
    server: DemoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for number, settings in enumerate((None, klarify_xl.Settings())):
        klarify_xl.refresh(
            "p.xlsx",
            store=f"~/{number}.db",
            access_key=server.access_key,
            base_url=server.url,
            settings=settings,
        )
        assert (home / f"{number}.db").is_file()
    assert not (tmp_path / "~").exists()
