"""What a refresh tells those who are not there: status, metrics, log lines and a webhook."""

import json
import os
import re
import socketserver
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import Font
from prometheus_client.parser import text_string_to_metric_families

import klarify_xl
from klarify_xl.demo import DemoServer, Fault
from klarify_xl.errors import KeyRefusedError
from klarify_xl.metrics import metrics
from klarify_xl.status import Failure, Status, Success, read_status, status_file, write_status

from .test_command_line import call, result_of
from .validator import objections
from .workbooks import records

REFRESH = ("refresh", "--out", "p.xlsx", "--quiet")


class Receiver(socketserver.ThreadingTCPServer):
    """A webhook that keeps what it is told."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiving)
        self.told: list[dict[str, Any]] = []
        self.status = 200
        self.delay = 0.0
        self.headers: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/services/T0SECRET/B0SECRET"


class _Receiving(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.told.append(json.loads(self.rfile.read(length)))
        time.sleep(self.server.delay)
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook that listens."""
    with Receiver() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def only_status() -> Status:
    """Return what was noted beside the store."""
    (file,) = Path().glob("klarify.db.*.status.json")
    return read_status(file)


def lines_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Return the JSON lines on standard error; there must be nothing else."""
    return [json.loads(line) for line in done.stderr.splitlines()]


def samples_of(text: str) -> dict[str, float]:
    """Return metrics as Prometheus' own parser reads them, by name, with a kind after a slash."""
    return {
        "/".join([one.name, *(v for k, v in one.labels.items() if k == "kind")]): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_quiet_prints_nothing_on_success_and_errors_on_failure(server: DemoServer) -> None:
    for _ in range(2):
        done = call(*REFRESH, server=server)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    server.script(Fault.reset().on(times=None))
    done = call(*REFRESH, server=server)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("Error: ")
    assert "What to do: " in done.stderr


def test_quiet_still_gives_the_json_document_that_was_asked_for(server: DemoServer) -> None:
    done = call(*REFRESH, "--json", server=server)
    assert result_of(done)["outcome"] == "written"
    assert done.stderr == ""


def test_the_status_tells_of_success_and_failure(server: DemoServer) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    call(*REFRESH, server=server)
    noted = only_status()
    assert noted.out == str(Path("p.xlsx").absolute())
    assert noted.last_success
    assert before <= noted.last_success.at <= datetime.now(UTC)
    assert (noted.last_success.procedures, noted.last_success.added) == (250, 250)
    assert noted.last_failure is None
    for failures in (1, 2):
        done = call(*REFRESH, server=server, KLARIFY_API_KEY="wrong")
        assert done.returncode == 3
        after = only_status()
        assert after.failures == failures
        assert after.last_success == noted.last_success
    assert after.last_failure
    assert after.last_failure.error == "KeyRefusedError"
    assert after.last_failure.exit_code == 3
    assert after.last_failure.message in done.stderr
    call(*REFRESH, server=server)
    again = only_status()
    assert again.failures == 0
    assert again.last_failure == after.last_failure


def test_failures_before_anything_is_asked_count_too(server: DemoServer) -> None:
    assert call(*REFRESH, server=server, KLARIFY_BASE_URL="nonsense").returncode == 2
    assert call(*REFRESH, server=server, KLARIFY_API_KEY=" ").returncode == 2
    Path("~$p.xlsx").write_bytes(b"")
    assert call(*REFRESH, server=server).returncode == 6
    noted = only_status()
    assert noted.failures == 3
    assert noted.last_failure
    assert noted.last_failure.error == "TargetLockedError"


def test_workbooks_of_one_store_do_not_hide_each_others_failures(server: DemoServer) -> None:
    call(*REFRESH, server=server)
    Path("~$p.xlsx").write_bytes(b"")
    call(*REFRESH, server=server)
    call("refresh", "--out", "other.xlsx", "--quiet", server=server)
    done = call("status", "--json", server=server)
    assert done.returncode == 11
    told = {Path(one["out"]).name: one["is_good"] for one in json.loads(done.stdout)}
    assert told == {"p.xlsx": False, "other.xlsx": True}
    assert call("status", "--out", "other.xlsx", server=server).returncode == 0
    assert call("status", "--out", "p.xlsx", server=server).returncode == 11


def test_status_tells_a_person_what_happened_and_what_to_do(server: DemoServer) -> None:
    call(*REFRESH, server=server)
    good = call("status", server=server)
    assert good.returncode == 0
    assert "0 minutes ago, 250 procedures" in good.stdout
    assert "Failed" not in good.stdout
    call(*REFRESH, server=server, KLARIFY_API_KEY="wrong")
    bad = call("status", server=server)
    assert bad.returncode == 11
    assert "Failed:" in bad.stdout
    assert "The key came from: environment variable KLARIFY_API_KEY" in bad.stdout


def noted_days_ago(days: float, failures: int = 0) -> Path:
    """Note a success of some days ago, and failures since."""
    at = datetime.now(UTC) - timedelta(days=days)
    success = Success(at, "written", "full", 250, 250, 0, 0, 0, 1.5)
    failure = Failure(at, "NetworkError", "No way.", "", 4) if failures else None
    file = status_file(Path("klarify.db").absolute(), "p.xlsx")
    write_status(file, Status("p.xlsx", "", success, failure, failures))
    return file


@pytest.mark.parametrize(
    ("days", "failures", "max_age", "code"),
    [
        (0.5, 0, None, 0),
        (400, 0, None, 0),
        (0.5, 1, None, 11),
        (0.5, 3, "26h", 0),
        (1.2, 0, "26h", 11),
        (1.2, 0, "2d", 0),
        (0.1, 0, "90m", 11),
    ],
)
def test_status_ends_with_a_code_that_a_monitor_understands(
    days: float, failures: int, max_age: str | None, code: int
) -> None:
    noted_days_ago(days, failures)
    limit = ("--max-age", max_age) if max_age else ()
    done = call("status", "--json", *limit)
    assert done.returncode == code
    (told,) = json.loads(done.stdout)
    assert told["age_seconds"] == pytest.approx(days * 86400, abs=60)
    assert told["is_good"] == (code == 0)


def test_a_workbook_that_was_never_refreshed_is_not_good(server: DemoServer) -> None:
    call(*REFRESH, server=server, KLARIFY_API_KEY="wrong")
    for arguments in ((), ("--max-age", "9999d")):
        done = call("status", *arguments, server=server)
        assert done.returncode == 11
        assert "never" in done.stdout


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "1.5h", "1w", "1 h", "999999d"])
def test_a_wrong_age_is_told(text: str) -> None:
    noted_days_ago(0)
    done = call("status", "--max-age", text)
    assert done.returncode == 2
    assert "26h" in done.stderr


def test_without_any_refresh_status_says_what_to_do() -> None:
    for arguments in ((), ("--out", "p.xlsx"), ("--status-file", "none.json")):
        done = call("status", *arguments)
        assert done.returncode == 8
        assert "klarify-xl refresh" in done.stderr


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2}', '{"format": 1}', "\xff"])
def test_a_status_file_that_is_none_is_told_and_replaced(server: DemoServer, content: str) -> None:
    Path("status.json").write_text(content, encoding="latin-1")
    done = call("status", "--status-file", "status.json")
    assert done.returncode == 8
    assert "Traceback" not in done.stderr
    assert call(*REFRESH, "--status-file", "status.json", server=server).stderr == ""
    assert call("status", "--status-file", "status.json").returncode == 0
    assert list(Path().glob("klarify.db.*.status.json")) == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_the_status_is_for_its_owner_and_the_metrics_for_the_collector(server: DemoServer) -> None:
    call(*REFRESH, "--metrics-file", "m.prom", server=server)
    (status,) = Path().glob("klarify.db.*.status.json")
    assert stat.S_IMODE(status.stat().st_mode) == 0o600
    assert stat.S_IMODE(Path("m.prom").stat().st_mode) == 0o644


def test_what_can_not_be_noted_is_told_but_fails_nothing(server: DemoServer) -> None:
    Path("file").write_text("no folder", encoding="utf-8")
    notes = ("--status-file", "file/s.json", "--metrics-file", "file/m.prom")
    done = call(*REFRESH, *notes, server=server)
    assert done.returncode == 0
    assert done.stderr.count("can't be written") == 2
    assert Path("p.xlsx").exists()


def test_prometheus_reads_the_metrics(server: DemoServer) -> None:
    call(*REFRESH, "--metrics-file", "m.prom", server=server)
    first = samples_of(Path("m.prom").read_text(encoding="utf-8"))
    assert first["klarify_xl_up"] == 1
    assert first["klarify_xl_procedures"] == first["klarify_xl_changes/added"] == 250
    assert first["klarify_xl_last_success_timestamp_seconds"] == pytest.approx(time.time(), abs=60)
    assert "klarify_xl_last_failure_exit_code" not in first
    call(*REFRESH, "--metrics-file", "m.prom", server=server, KLARIFY_API_KEY="wrong")
    second = samples_of(Path("m.prom").read_text(encoding="utf-8"))
    assert (second["klarify_xl_up"], second["klarify_xl_failures_in_a_row"]) == (0, 1)
    assert second["klarify_xl_last_failure_exit_code"] == 3
    kept = "klarify_xl_last_success_timestamp_seconds"
    assert second[kept] == first[kept]
    assert [one.name for one in Path().glob("*.prom*")] == ["m.prom"]


@pytest.mark.parametrize(
    "out", ['a "b"\\c.xlsx', "a\nb.xlsx", "Prüfung → Łódź.xlsx", "\udce9.xlsx"]
)
def test_any_name_is_a_label_that_prometheus_reads(out: str) -> None:
    (family, *_rest) = text_string_to_metric_families(metrics(Status(out, out)))
    labels = family.samples[0].labels
    assert labels["workbook"] == labels["organisation"] == out.replace("\udce9", "?")


def test_a_metrics_file_that_nobody_would_read_is_refused(server: DemoServer) -> None:
    done = call(*REFRESH, "--metrics-file", "metrics.txt", server=server)
    assert done.returncode == 2
    assert ".prom" in done.stderr
    assert server.requests == []


def test_log_lines_are_one_json_object_each(server: DemoServer) -> None:
    server.script(Fault.reply(503).on(page=1))
    done = call("refresh", "--out", "p.xlsx", "--log-json", server=server)
    assert done.returncode == 0
    lines = lines_of(done)
    for line in lines:
        assert {"level", "time", "event", "organisation", "message"} <= line.keys()
        assert datetime.fromisoformat(line["time"]).tzinfo
    events = [line["event"] for line in lines if line["event"] != "message"]
    assert events == ["refresh_started", "refresh_finished"]
    finished = lines[-1]
    assert finished["level"] == "info"
    assert (finished["procedures"], finished["outcome"]) == (250, "written")
    assert finished["organisation"]
    assert any("503" in line["message"] for line in lines)
    assert server.access_key not in done.stdout + done.stderr
    again = lines_of(call("refresh", "--out", "p.xlsx", "--log-json", server=server))
    assert {line["organisation"] for line in again} == {finished["organisation"]}


def test_a_failure_is_one_log_line_with_its_exit_code(server: DemoServer) -> None:
    arguments = (*REFRESH, "--log-json")
    done = call(*arguments, server=server, KLARIFY_API_KEY="wrong")
    (failed,) = [line for line in lines_of(done) if line["event"] == "failed"]
    assert (failed["level"], failed["error"], failed["exit_code"]) == (
        "error",
        "KeyRefusedError",
        3,
    )
    assert failed["hint"]
    (wrong,) = lines_of(call("refresh", "--log-json", "--bogus"))
    assert (wrong["event"], wrong["exit_code"]) == ("failed", 2)
    assert call(*arguments, server=server).stderr == ""


def test_the_webhook_is_told_of_failures_only(server: DemoServer, receiver: Receiver) -> None:
    hook = {"KLARIFY_WEBHOOK": receiver.address}
    assert call(*REFRESH, server=server, env=hook).returncode == 0
    assert receiver.told == []
    wrong = {**hook, "KLARIFY_API_KEY": "wrong"}
    done = call(*REFRESH, "--log-file", "k.log", server=server, env=wrong)
    assert done.returncode == 3
    (told,) = receiver.told
    assert told["event"] == "failure"
    assert (told["error"], told["exit_code"]) == ("KeyRefusedError", 3)
    assert str(Path("p.xlsx").absolute()) in told["text"]
    assert "Last success: 20" in told["text"]
    assert "SECRET" not in done.stdout + done.stderr + Path("k.log").read_text(encoding="utf-8")
    assert "wrong" not in json.dumps(told)


def test_the_webhook_is_told_of_changes_when_asked(server: DemoServer, receiver: Receiver) -> None:
    hook = {"KLARIFY_WEBHOOK": receiver.address}
    arguments = (*REFRESH, "--notify-on", "change")
    call(*arguments, server=server, env=hook)
    call(*arguments, server=server, env=hook)
    call(*arguments, server=server, env={**hook, "KLARIFY_API_KEY": "wrong"})
    (told,) = receiver.told
    assert (told["event"], told["added"]) == ("change", 250)
    assert "250 added" in told["text"]
    call(*arguments, "--notify-on", "failure", server=server, env={**hook, "KLARIFY_API_KEY": "x"})
    assert [one["event"] for one in receiver.told] == ["change", "failure"]


def test_texts_from_klarify_call_nobody_in_a_chat(server: DemoServer, receiver: Receiver) -> None:
    for row in server.organisation.rows:
        row["name"] = "<!channel> & <https://evil.example|here>"
    call(*REFRESH, server=server)
    for row in list(server.organisation.rows)[20:]:
        server.organisation.remove(row["id"])
    done = call(*REFRESH, server=server, KLARIFY_WEBHOOK=receiver.address)
    assert done.returncode == 5
    (told,) = receiver.told
    assert "&lt;!channel&gt; &amp; &lt;https:" in told["text"]
    assert "<" not in told["text"]


@pytest.mark.parametrize("trouble", ["status", "redirect", "slow", "nobody", "nonsense", "http"])
def test_a_webhook_in_trouble_fails_nothing_and_stays_secret(
    server: DemoServer, receiver: Receiver, trouble: str
) -> None:
    address = receiver.address
    if trouble == "status":
        receiver.status = 404
    elif trouble == "redirect":
        receiver.status, receiver.headers = 302, {"Location": address}
    elif trouble == "slow":
        receiver.delay = 6
    elif trouble == "nobody":
        address = "https://127.0.0.1:9/SECRET"
    elif trouble == "nonsense":
        address = "https://[SECRET"
    else:
        address = "http://hooks.example/SECRET"
    arguments = (*REFRESH, "--notify-on", "failure", "--log-file", "k.log")
    wrong = call(*arguments, server=server, KLARIFY_API_KEY="x", KLARIFY_WEBHOOK=address)
    assert wrong.returncode == 3
    assert "Mind: " in wrong.stderr
    if receiver.status != 200:
        assert f"status {receiver.status}" in wrong.stderr
    fine = call(*arguments, server=server, KLARIFY_WEBHOOK=address)
    assert fine.returncode == 0
    shown = wrong.stderr + fine.stderr + fine.stdout + Path("k.log").read_text(encoding="utf-8")
    assert "SECRET" not in shown
    assert "Traceback" not in shown
    assert len(receiver.told) <= 1


def test_changes_for_nobody_are_refused(server: DemoServer) -> None:
    done = call(*REFRESH, "--notify-on", "change", server=server)
    assert done.returncode == 2
    assert "KLARIFY_WEBHOOK" in done.stderr
    assert server.requests == []


def overview_of(file: Path) -> list[str]:
    """Return the texts of a workbook's Overview, without when it was refreshed."""
    return [
        str(cell.value)
        for row in openpyxl.load_workbook(file)["Overview"].iter_rows()
        for cell in row
        if cell.value is not None and not isinstance(cell.value, datetime)
    ]


FAILED = re.compile(r"The refresh of [-\d]+ [\d:]+ failed: .*")


def test_a_workbook_can_tell_that_its_refresh_failed(
    server: DemoServer, tmp_path: Path, validator: Path
) -> None:
    out = tmp_path / "klarify.xlsx"
    given: dict[str, Any] = {"base_url": server.url, "store": tmp_path / "klarify.db"}
    klarify_xl.refresh(out, access_key=server.access_key, **given)
    before, sheets = out.read_bytes(), overview_of(out)
    with pytest.raises(KeyRefusedError):
        klarify_xl.refresh(out, access_key="another", **given)
    assert out.read_bytes() == before
    with pytest.raises(KeyRefusedError), klarify_xl.telling_failure(out):
        klarify_xl.refresh(out, access_key="another", **given)
    told = overview_of(out)
    assert sum(FAILED.fullmatch(text) is not None for text in told) == 1
    assert [text for text in told if not FAILED.fullmatch(text)] == sheets
    assert len(records(out, "Procedures")) == 250
    marks = read_properties_of(out)
    assert not marks["klarify-xl result"].isdigit()
    assert "another" not in marks["klarify-xl result"]
    assert objections(validator, out) == []
    again = out.read_bytes()
    with pytest.raises(KeyRefusedError), klarify_xl.telling_failure(out):
        klarify_xl.refresh(out, access_key="another", **given)
    assert out.read_bytes() == again
    assert klarify_xl.refresh(out, access_key=server.access_key, **given).outcome == "written"
    assert overview_of(out) == sheets
    assert read_properties_of(out)["klarify-xl result"] == "250"


@pytest.mark.parametrize("trouble", ["no key", "no key file", "options", "store", "address"])
def test_what_stops_a_refresh_before_it_reads_is_told_in_the_workbook(
    trouble: str, server: DemoServer
) -> None:
    arguments = [*REFRESH, "--store", "k.db"]
    assert call(*arguments, server=server).returncode == 0
    out = Path("p.xlsx")
    before = out.read_bytes()
    environment: dict[str, Any] = {}
    if trouble == "no key":
        environment["KLARIFY_API_KEY"] = ""
    elif trouble == "no key file":
        arguments += ["--key-file", "gone.txt"]
    elif trouble == "options":
        Path("klarify.toml").write_text("this is none", encoding="utf-8")
    elif trouble == "store":
        Path("k.db").write_bytes(b"no store at all" * 100)
    else:
        arguments += ["--base-url", "ftp://klarify.example"]
    silent = call(*arguments, server=server, **environment)
    assert silent.returncode not in {0, 1}
    assert out.read_bytes() == before
    done = call(*arguments, "--tell-failure", server=server, **environment)
    assert (done.returncode, done.stderr) == (silent.returncode, silent.stderr)
    assert sum(FAILED.fullmatch(text) is not None for text in overview_of(out)) == 1
    assert read_properties_of(out)["klarify-xl result"][:30] in " ".join(done.stderr.split())


def test_the_person_s_work_stays_when_a_failure_is_told(server: DemoServer, tmp_path: Path) -> None:
    out = tmp_path / "klarify.xlsx"
    given: dict[str, Any] = {"base_url": server.url, "store": tmp_path / "klarify.db"}
    klarify_xl.refresh(out, access_key=server.access_key, **given)
    book = openpyxl.load_workbook(out)
    book["Procedures"]["N2"] = "ask Ann"
    book["Overview"]["F4"] = "mine"
    book["Overview"]["F4"].font = Font(italic=True)
    book.save(out)
    before = cells_of(out)
    with pytest.raises(KeyRefusedError), klarify_xl.telling_failure(out):
        klarify_xl.refresh(out, access_key="another", **given)
    assert cells_of(out) == before
    assert not read_properties_of(out)["klarify-xl result"].isdigit()
    assert klarify_xl.refresh(out, access_key=server.access_key, **given).outcome == "written"
    assert cells_of(out)["Procedures", "N2"] == "ask Ann"


def cells_of(file: Path) -> dict[tuple[str, str], object]:
    return {
        (sheet.title, cell.coordinate): cell.value
        for sheet in openpyxl.load_workbook(file)
        for row in sheet.iter_rows()
        for cell in row
    }


@pytest.mark.parametrize("whose", ["another's", "nobody's", "none"])
def test_only_its_own_workbook_tells_of_a_failure(
    whose: str, server: DemoServer, tmp_path: Path
) -> None:
    out = tmp_path / "klarify.xlsx"
    if whose == "nobody's":
        book = openpyxl.Workbook()
        book.save(out)
    elif whose == "another's":
        out.write_text("no workbook", encoding="utf-8")
    before = out.read_bytes() if out.exists() else None
    with pytest.raises(klarify_xl.KlarifyError), klarify_xl.telling_failure(out):
        klarify_xl.refresh(
            out, access_key="another", base_url=server.url, store=tmp_path / "klarify.db"
        )
    assert (out.read_bytes() if out.exists() else None) == before


def read_properties_of(file: Path) -> dict[str, str]:
    properties: Any = openpyxl.load_workbook(file)
    return {one.name: str(one.value) for one in properties.custom_doc_props.props}
