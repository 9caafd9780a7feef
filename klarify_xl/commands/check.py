"""The check command: what a refresh depends on, or Excel itself."""

import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from klarify_xl.check import Finding, run_checks
from klarify_xl.commands.options import BaseUrlOption, JsonOption, KeyFileOption, StoreOption
from klarify_xl.commands.reporting import reported
from klarify_xl.console import Screen, show_findings
from klarify_xl.demo import DemoServer, Organisation
from klarify_xl.errors import ConfigurationError, TargetError
from klarify_xl.exit_codes import exit_code
from klarify_xl.os_keyring import KEY_VARIABLE
from klarify_xl.settings import BASE_URL_VARIABLE, STORE_VARIABLE, load_settings

_TRIED_TEXT = '=HYPERLINK("https://example.com","+1+1")'


def check(
    out: Annotated[
        str | None, typer.Option("--out", "-o", help="The workbook to be written.")
    ] = None,
    store: StoreOption = None,
    base_url: BaseUrlOption = None,
    key_file: KeyFileOption = None,
    excel: Annotated[
        bool,
        typer.Option(
            "--excel", help="Try the workbook in Excel on this machine, with sample data, instead."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell whether key, address, proxy, TLS, service, clock, store and workbook are fine."""
    screen = Screen(as_json=as_json)
    if excel:
        _check_excel(screen)
        return
    with reported(screen):
        settings = load_settings(base_url=base_url, store=store)
        findings = run_checks(settings, out, key_file)
    show_findings(screen, findings)
    errors = [finding.error for finding in findings if finding.error]
    if errors:
        raise typer.Exit(exit_code(errors[0]))
    odd = sum(finding.state != "fine" for finding in findings)
    screen.line(f"A refresh can run; worth a look: {odd}." if odd else "All is fine.")


def _check_excel(screen: Screen) -> None:
    """Try the workbook in Excel, against a server of our own."""
    with reported(screen):
        findings = list(_tried_in_excel())
    show_findings(screen, findings)
    broken = sum(finding.state == "broken" for finding in findings)
    if broken:
        screen.line(f"Not as expected: {broken}. Please report it with the lines above.")
        raise typer.Exit(exit_code(TargetError("")))
    screen.line("Excel does what is expected of it.")


def _tried_in_excel() -> Iterator[Finding]:
    if platform.system() != "Windows":
        raise ConfigurationError(
            "Excel can be tried on Windows only.",
            hint="Run this where Excel for Windows is installed.",
        )
    yield from tried_in_excel()


def tried_in_excel() -> Iterator[Finding]:
    """Yield what is seen of Excel, tried with a sample organisation."""
    # Only there where Excel is.
    from klarify_xl.excel_check import Trial, check_excel, start_excel  # noqa: PLC0415

    program = start_excel()
    organisation = Organisation(procedures=250)
    organisation.edit(str(organisation.rows[0]["id"]), name=_TRIED_TEXT)

    def edit() -> None:
        organisation.evolve()

    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            store = Path(folder) / "klarify.db"
            with DemoServer(organisation) as server, _environment(server, store):
                yield from check_excel(Trial(program.api, Path(folder), store, edit))
    finally:
        program.quit()


@contextmanager
def _environment(server: DemoServer, store: Path) -> Iterator[None]:
    """Let settings lead to a server and a store of ours."""
    ours = {
        BASE_URL_VARIABLE: server.url,
        KEY_VARIABLE: server.access_key,
        STORE_VARIABLE: str(store),
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
