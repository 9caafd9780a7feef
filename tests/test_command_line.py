"""The command line as a person and as a scheduler meet it: real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from klarify_xl import __version__
from klarify_xl.cli import run
from klarify_xl.demo import DemoServer, Fault
from klarify_xl.errors import KlarifyError
from klarify_xl.exit_codes import EXIT_CODES, exit_code
from klarify_xl.store import Store

from .conftest import MakeServer

COMMAND = [sys.executable, "-m", "klarify_xl"]


def environment(server: DemoServer | None, **more: str) -> dict[str, str]:
    known = {"KLARIFY_STORE": "klarify.db", "PYTHONUTF8": "1"}
    if server:
        known |= {"KLARIFY_BASE_URL": server.url, "KLARIFY_API_KEY": server.access_key}
    return {**os.environ, **known, **more}


def call(
    *arguments: str,
    server: DemoServer | None = None,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    **more: str,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(server, **{**(env or {}), **more}),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def result_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_the_version_is_told() -> None:
    assert call("--version").stdout == f"klarify-xl {__version__}\n"


def test_a_refresh_writes_then_leaves_alone_then_updates(server: DemoServer) -> None:
    first = call("refresh", "--out", "procedures.xlsx", "--json", server=server)
    assert first.returncode == 0
    assert first.stderr == ""
    result = result_of(first)
    assert result["outcome"] == "written"
    assert result["mode"] == "full"
    assert result["requests"] == 5
    assert result["procedures"] == result["added"] == 250
    assert (result["changed"], result["removed"]) == (0, 0)
    assert result["out"] == "procedures.xlsx"
    assert result["seconds"] > 0
    before = Path("procedures.xlsx").stat()

    second = call("refresh", "--out", "procedures.xlsx", server=server)
    assert second.returncode == 0
    assert "nothing new" in second.stdout
    assert "is up to date and was not touched" in second.stdout
    assert Path("procedures.xlsx").stat().st_mtime_ns == before.st_mtime_ns

    changed_id = server.organisation.rows[3]["id"]
    server.organisation.now = server.organisation.now.replace(hour=13)
    server.organisation.edit(changed_id, name="Handled with care")
    third = result_of(call("refresh", "--out", "procedures.xlsx", "--json", server=server))
    assert (third["outcome"], third["mode"]) == ("written", "incremental")
    assert (third["added"], third["changed"], third["removed"]) == (0, 1, 0)
    names = [row[1] for row in load_workbook("procedures.xlsx")["Procedures"].values]
    assert "Handled with care" in names

    changes = call("changes", server=server)
    assert "1 changed" in changes.stdout
    assert "→ Handled with care" in changes.stdout


def test_nothing_changed_has_an_exit_code_of_its_own_when_asked_for(server: DemoServer) -> None:
    arguments = ("refresh", "--out", "p.xlsx", "--quiet", "--exit-unchanged")
    assert call(*arguments, server=server).returncode == 0
    assert call(*arguments, server=server).returncode == 10


def test_options_win_over_the_environment(server: DemoServer, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(server.access_key, encoding="utf-8")
    done = call(
        *("refresh", "--out", "p.xlsx", "--json", "--store", "other.db"),
        *("--base-url", server.url, "--key-file", str(key_file)),
        KLARIFY_BASE_URL="https://wrong.invalid",
        KLARIFY_API_KEY="wrong",
    )
    assert result_of(done)["store"] == "other.db"
    assert Path("other.db").exists()
    assert not Path("klarify.db").exists()


FAILURES: list[tuple[str, int, str, list[Fault], tuple[str, ...]]] = [
    ("wrong key", 3, "KeyRefusedError", [], ()),
    ("server down", 4, "NetworkError", [Fault.reset().on(times=None)], ()),
    ("not the API", 2, "WrongAddressError", [Fault.reply(404, "<html>")], ()),
    (
        "broken contract",
        4,
        "ReplyError",
        [Fault.edited(lambda page: {**page, "hasNext": "false"}).on(times=None)],
        (),
    ),
    ("folder missing", 6, "TargetError", [], ("--out", "no/such/folder/p.xlsx")),
    ("wrong kind of file", 2, "ConfigurationError", [], ("--out", "p.txt")),
    ("no address", 2, "ConfigurationError", [], ("--base-url", "nonsense")),
    ("store is a folder", 8, "StoreError", [], ("--store", ".")),
]


@pytest.mark.parametrize(
    ("code", "error", "faults", "arguments"),
    [failure[1:] for failure in FAILURES],
    ids=[failure[0] for failure in FAILURES],
)
def test_each_failure_has_its_exit_code_and_one_document(
    server: DemoServer, code: int, error: str, faults: list[Fault], arguments: tuple[str, ...]
) -> None:
    server.script(*faults)
    key = "not the key" if error == "KeyRefusedError" else server.access_key
    done = call(
        *("refresh", "--json", "--out", "p.xlsx", *arguments), server=server, KLARIFY_API_KEY=key
    )
    assert done.returncode == code, done.stderr
    document = result_of(done)
    assert (document["outcome"], document["error"]) == ("failed", error)
    assert document["exit_code"] == code
    assert document["message"] in done.stderr.replace("\n", " ").replace("  ", " ")
    assert "Traceback" not in done.stderr
    assert not Path("p.xlsx").exists()
    assert server.access_key not in done.stdout + done.stderr


def test_every_error_has_an_exit_code() -> None:
    def kinds(kind: type[KlarifyError]) -> set[type[KlarifyError]]:
        return {kind}.union(*(kinds(below) for below in kind.__subclasses__()))

    for kind in kinds(KlarifyError) - {KlarifyError}:
        assert exit_code(kind("message")) in {code for code, _, _ in EXIT_CODES}


def test_an_open_workbook_is_told_before_anything_is_read(server: DemoServer) -> None:
    Path("~$p.xlsx").write_bytes(b"")
    done = call("refresh", "--out", "p.xlsx", server=server)
    assert done.returncode == 6
    assert "is open in another program" in done.stderr
    assert server.requests == []


def test_a_second_refresh_of_the_same_store_is_turned_away(server: DemoServer) -> None:
    with Store("klarify.db") as store, store.exclusive():
        done = call("refresh", "--out", "p.xlsx", server=server)
    assert done.returncode == 7
    assert "Another refresh" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_leaves_everything_as_it_was_and_says_so(server: DemoServer) -> None:
    assert call("refresh", "--out", "p.xlsx", server=server).returncode == 0
    before = Path("p.xlsx").read_bytes()
    server.organisation.evolve()
    server.script(Fault.slow(30).on(page=1, times=None))
    asked = len(server.requests)
    process = subprocess.Popen(
        [*COMMAND, "refresh", "--full", "--out", "p.xlsx"],
        env=environment(server),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    while len(server.requests) < asked + 3:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "are as they were" in errors
    assert "Traceback" not in errors
    assert Path("p.xlsx").read_bytes() == before
    with Store("klarify.db", read_only=True) as store:
        assert len(store.refreshes()) == 1
        assert len(store.procedures()) == 250


def test_progress_is_plain_lines_where_there_is_no_terminal(server: DemoServer) -> None:
    done = call("refresh", "--out", "p.xlsx", server=server)
    assert "Reading procedures: 250 of 250" in done.stderr
    assert "Writing rows: " in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    quiet = call("refresh", "--out", "q.xlsx", "--quiet", server=server)
    assert quiet.stderr == ""


def test_the_log_file_tells_each_request_and_never_the_key(server: DemoServer) -> None:
    server.script(Fault.reply(503).on(page=1))
    done = call("refresh", "--out", "p.xlsx", "--log-file", "klarify.log", server=server)
    assert done.returncode == 0
    log = Path("klarify.log").read_text(encoding="utf-8")
    assert log.count("urllib3.connectionpool") >= 6
    assert "HTTP status 503" in log
    assert "access_key=***" in log
    assert "Refresh 1 (full) changed: 250 listed" in log
    assert "demo" not in log
    assert server.access_key not in log


def test_check_tells_in_one_screen_that_all_is_fine(server: DemoServer) -> None:
    done = call("check", "--out", "p.xlsx", server=server)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    subjects = [line[2:13].strip() for line in lines[:-1]]
    assert subjects == [
        *("Key source", "Address", "Proxy", "TLS", "Service", "Clock", "Store", "Workbook"),
    ]
    assert "environment variable KLARIFY_API_KEY" in lines[0]
    assert "counts 250 procedures" in done.stdout
    assert lines[-1] == "All is fine."
    assert len(lines) < 24
    assert server.access_key not in done.stdout


def test_check_says_what_to_do_about_each_thing_that_is_not_fine(server: DemoServer) -> None:
    Path("klarify.db").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    Path(".~lock.p.xlsx#").write_bytes(b"")
    done = call("check", "--out", "p.xlsx", server=server, KLARIFY_API_KEY="wrong")
    assert done.returncode == 3
    assert "✗ Key" in done.stdout
    assert "✗ Store" in done.stdout
    assert "✗ Workbook" in done.stdout
    assert done.stdout.count("→") == 3
    document = json.loads(call("check", "--json", server=server).stdout)
    assert [one["state"] for one in document if one["subject"] == "Store"] == ["broken"]


def test_check_shows_the_proxy_without_its_login(server: DemoServer) -> None:
    done = call(
        "check", server=server, HTTP_PROXY="http://me:secret@proxy.example:3128", NO_PROXY="*"
    )
    assert "proxy.example:3128, not used for 127.0.0.1" in done.stdout
    assert "secret" not in done.stdout


def test_check_tells_that_no_proxy_is_used_for_this_machine_itself(server: DemoServer) -> None:
    done = call("check", server=server, HTTP_PROXY="http://proxy.example:3128", NO_PROXY="")
    assert "proxy.example:3128, not used for 127.0.0.1" in done.stdout
    assert "counts 250 procedures" in done.stdout


def test_a_port_that_is_taken_is_told(server: DemoServer) -> None:
    port = server.url.rpartition(":")[2]
    for arguments in (("--serve",), ("--procedures", "5")):
        done = call("demo", "--port", port, *arguments)
        assert done.returncode == 2
        assert "can't listen" in done.stderr


def test_check_remarks_on_a_clock_that_is_wrong(server: DemoServer) -> None:
    old = "Mon, 02 Mar 2020 12:00:00 GMT"
    body = {"data": [], "hasNext": False, "totalCount": 0}
    server.script(Fault.reply(200, body, {"Date": old}))
    done = call("check", server=server)
    assert "! Clock" in done.stdout
    assert "minutes ahead of the service" in done.stdout


def test_a_key_is_kept_used_and_removed(server: DemoServer, tmp_path: Path) -> None:
    keyring = {
        "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "KLARIFY_BASE_URL": server.url,
    }
    kept = call("key", "set", stdin=f"{server.access_key}\n", env=keyring)
    assert kept.returncode == 0, kept.stderr
    assert server.access_key not in kept.stdout + kept.stderr
    assert "OS keyring" in call("key", "show", env=keyring).stdout
    assert call("refresh", "--out", "p.xlsx", env=keyring).returncode == 0
    assert "was removed" in call("key", "remove", env=keyring).stdout
    assert call("refresh", "--out", "p.xlsx", env=keyring).returncode == 2


def test_without_a_keyring_key_set_says_what_to_do_instead() -> None:
    done = call("key", "set", stdin="some key\n")
    assert done.returncode == 2
    assert "KLARIFY_API_KEY" in done.stderr
    assert "some key" not in done.stdout + done.stderr


def test_changes_without_a_store_says_what_to_do() -> None:
    done = call("changes")
    assert done.returncode == 8
    assert "klarify-xl refresh" in done.stderr


def test_changes_since_a_day_are_told_as_json(server: DemoServer) -> None:
    call("refresh", "--out", "p.xlsx", server=server)
    server.organisation.evolve(edits=2, additions=1, removals=1)
    call("refresh", "--out", "p.xlsx", server=server)
    last = json.loads(call("changes", "--json").stdout)
    assert {change["refresh"] for change in last} == {2}
    assert {change["kind"] for change in last} == {"added", "changed", "removed"}
    owners = [change for change in last if change["field"] == "updated_at"]
    assert all(change["old"] < change["new"] for change in owners)
    everything = json.loads(call("changes", "--json", "--since", "2020-01-01").stdout)
    assert len([c for c in everything if c["kind"] == "added"]) == 251
    assert json.loads(call("changes", "--json", "--since", "2999-01-01").stdout) == []


def test_a_name_that_steers_terminals_is_shown_harmless(server: DemoServer) -> None:
    call("refresh", "--out", "p.xlsx", server=server)
    server.organisation.add(name="\x1b[2J[bold]wiped[/bold]\nsecond line")
    call("refresh", "--out", "p.xlsx", server=server)
    shown = call("changes").stdout
    assert "\x1b" not in shown
    assert "[bold]wiped[/bold] second line" in shown


def test_the_demo_lives_on_from_run_to_run(make_server: MakeServer) -> None:
    del make_server
    first = call("demo", "--procedures", "300")
    assert first.returncode == 0, first.stderr
    assert "300 procedures, full refresh (first refresh)" in first.stdout
    assert "klarify.xlsx" in first.stdout
    assert Path("klarify.xlsx").exists()
    second = result_of(call("demo", "--procedures", "300", "--json"))
    assert (second["added"], second["changed"], second["removed"]) == (4, 9, 3)
    third = call("demo", "--procedures", "300")
    assert "4 added, 9 changed, 3 no longer listed" in third.stdout


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_the_demo_server_keeps_running_for_others() -> None:
    process = subprocess.Popen(
        [*COMMAND, "demo", "--serve", "--procedures", "20"],
        env={**environment(None), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(3)]
    url = lines[1].split("=", 1)[1].strip()
    key = lines[2].split("=", 1)[1].strip().strip("'")
    done = call("refresh", "--out", "p.xlsx", KLARIFY_BASE_URL=url, KLARIFY_API_KEY=key)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert done.returncode == 0
    assert process.returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437"])
def test_a_code_page_without_some_letter_ends_nothing(server: DemoServer, encoding: str) -> None:
    more = {"PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}
    server.organisation.now = server.organisation.now.replace(hour=13)
    server.organisation.add(name="Prüfung → Łódź")
    assert call("refresh", "--out", "p.xlsx", server=server, env=more).returncode == 0
    assert call("check", server=server, env=more).returncode == 0
    assert call("changes", server=server, env=more).returncode == 0


def test_a_wrong_option_gives_one_document_too() -> None:
    done = call("refresh", "--json", "--bogus")
    assert done.returncode == 2
    assert result_of(done)["error"] == "ConfigurationError"
    assert "--bogus" in done.stderr
    assert call("refresh", "--json").returncode == 2


def test_a_keyring_that_can_not_be_loaded_is_told(server: DemoServer) -> None:
    more = {"PYTHON_KEYRING_BACKEND": "no.such.Backend", "KLARIFY_BASE_URL": server.url}
    done = call("refresh", "--out", "p.xlsx", env=more)
    assert done.returncode == 2
    assert "OS keyring could not be read (ModuleNotFoundError)" in done.stderr
    null = {**more, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    kept = call("key", "set", stdin="key\n", env=null)
    assert kept.returncode == 2
    assert "keeps nothing" in kept.stderr


def test_a_proxy_with_an_odd_password_is_told_without_it(server: DemoServer) -> None:
    more = {"HTTP_PROXY": "http://user:topsecret#x@proxy:8080", "NO_PROXY": "*"}
    done = call("check", "--json", server=server, env=more)
    assert done.returncode == 2
    assert [one["subject"] for one in result_of_list(done) if one["state"] == "broken"] == ["Proxy"]
    assert "topsecret" not in done.stdout + done.stderr


def result_of_list(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = json.loads(done.stdout)
    return result


def test_one_file_can_not_be_store_and_workbook(server: DemoServer) -> None:
    done = call("refresh", "--out", "x.xlsx", "--store", "x.xlsx", server=server)
    assert done.returncode == 2
    assert not Path("x.xlsx").exists()


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_that_leads_to_itself_is_told(server: DemoServer) -> None:
    Path("p.xlsx").symlink_to("p.xlsx")
    done = call("refresh", "--out", "p.xlsx", server=server)
    assert done.returncode in {2, 6}
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_after_the_data_was_stored_does_not_claim_otherwise(make_server: MakeServer) -> None:
    server = make_server(3000)
    process = subprocess.Popen(
        [*COMMAND, "refresh", "--out", "p.xlsx", "--log-file", "klarify.log"],
        env=environment(server),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    log = Path("klarify.log")
    while "Refresh 1 (full) changed" not in (log.read_text("utf-8") if log.exists() else ""):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "What was read is stored" in errors
    with Store("klarify.db", read_only=True) as store:
        assert len(store.procedures()) == 3000
    done = call("refresh", "--out", "p.xlsx", "--json", server=server)
    assert (result_of(done)["outcome"], result_of(done)["added"]) == ("written", 0)


def test_something_unexpected_is_told_without_a_traceback(
    server: DemoServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def burst(*_arguments: object, **_options: object) -> None:
        raise RuntimeError(server.access_key)

    monkeypatch.setattr("klarify_xl.cli.refresh", burst)
    monkeypatch.setattr(sys, "argv", ["klarify-xl", "refresh", "--json", "--out", "p.xlsx"])
    with pytest.raises(SystemExit) as stopped:
        run()
    assert stopped.value.code == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["message"] == "Something unexpected happened: RuntimeError."
    assert server.access_key not in shown.out + shown.err


def test_without_a_command_the_help_is_shown() -> None:
    for arguments in ((), ("key",)):
        done = call(*arguments)
        assert done.returncode == 2
        assert "Commands:" in done.stdout.splitlines()
        assert done.stderr == ""


def test_a_refused_key_is_told_with_its_source(server: DemoServer, tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text("wrong", encoding="utf-8")
    done = call("refresh", "--out", "p.xlsx", "--key-file", "key.txt", server=server)
    assert done.returncode == 3
    assert "The key came from: file key.txt" in done.stderr
    assert done.stderr.count("does not accept") == 1


def test_the_first_refresh_is_no_news(server: DemoServer) -> None:
    call("refresh", "--out", "p.xlsx", server=server)
    shown = call("changes", "--since", "2020-01-01").stdout
    assert "first refresh: 250 recorded" in shown
    assert len(shown.splitlines()) == 1
    assert "250 added" in call("changes", "--all").stdout


def test_what_vanished_in_suspicious_number_is_named(server: DemoServer) -> None:
    call("refresh", "--out", "p.xlsx", server=server)
    for row in server.organisation.rows[:100]:
        server.organisation.remove(row["id"])
    name = min(row["id"] for row in server.organisation.rows)
    done = call("refresh", "--out", "p.xlsx", "--log-file", "klarify.log", server=server)
    assert done.returncode == 5
    assert "100 of 250 procedures are no longer listed, such as" in done.stderr
    assert name not in Path("klarify.log").read_text("utf-8").split("No longer listed:")[1]


def test_one_organisation_does_not_take_the_place_of_another(
    server: DemoServer, make_server: MakeServer
) -> None:
    call("refresh", "--out", "p.xlsx", server=server)
    other = make_server(5)
    for row in other.organisation.rows:
        other.organisation.edit(row["id"], url=f"https://other.klarify.me/process/{row['id']}")
    arguments = ("refresh", "--out", "p.xlsx", "--store", "other.db")
    done = call(*arguments, server=other)
    assert done.returncode == 6
    assert "shows demo.klarify.me, not other.klarify.me" in done.stderr
    assert call(*arguments, "--overwrite", server=other).returncode == 0


def test_no_side_files_stay_beside_the_store(server: DemoServer) -> None:
    call("refresh", "--out", "p.xlsx", server=server)
    call("changes", server=server)
    names = {path.name for path in Path().glob("klarify.db*")} - {
        path.name for path in Path().glob("klarify.db.p-*.status.json")
    }
    assert names == {"klarify.db", "klarify.db.lock"}
