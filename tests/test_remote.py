"""Output elsewhere: as locally, noticing what others do meanwhile, and without any secret."""

import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import fsspec
import openpyxl
import pytest
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

import klarify_xl
from klarify_xl.demo import DemoServer
from klarify_xl.errors import ConfigurationError, TargetError, TargetLockedError
from klarify_xl.progress import Progress
from klarify_xl.remote.address import Address
from klarify_xl.remote.folder import RemoteFolder

from .test_command_line import call
from .workbooks import records

BUCKET = "reports"
KEY = "finance/klarify.xlsx"
URL = f"s3://{BUCKET}/{KEY}"
SECRET = "hunter2-of-the-bucket"
PASSWORD = f"sftp://ann:{SECRET}@host/klarify.xlsx"


class Watched:
    """What is asked of S3: noted, and answered otherwise or after something else if wanted.

    Attributes:
        puts: The paths of what was put there, be it refused or not.
        before: Called with each request to put something there; an answer of its own counts.
    """

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.puts: list[str] = []
        self.before: Callable[[Request], Response | None] = lambda _request: None

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        answer = None
        if request.method == "PUT" and "aiobotocore" in request.headers["User-Agent"]:
            self.puts.append(request.path)
            answer = self.before(request)
        return (answer or self._moto)(environ, start_response)


@pytest.fixture(scope="module")
def serving() -> Iterator[tuple[Watched, str]]:
    """A server of moto's that speaks S3, and its address."""
    watched = Watched()
    server = make_server("127.0.0.1", 0, watched, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield watched, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def endpoint(serving: tuple[Watched, str]) -> str:
    return serving[1]


@pytest.fixture
def watched(serving: tuple[Watched, str]) -> Watched:
    """What is asked of S3 from now on."""
    serving[0].puts.clear()
    serving[0].before = lambda _request: None
    return serving[0]


@pytest.fixture
def bucket(endpoint: str, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> Any:
    del watched
    """An empty bucket that keeps each version of its objects, and a client for it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    yield client
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    found = client.list_object_versions(Bucket=BUCKET)
    for one in found.get("Versions", []) + found.get("DeleteMarkers", []):
        client.delete_object(Bucket=BUCKET, Key=one["Key"], VersionId=one["VersionId"])
    client.delete_bucket(Bucket=BUCKET)


def write(server: DemoServer, out: str = URL, **options: Any) -> klarify_xl.RefreshResult:
    return klarify_xl.refresh(
        out, access_key=server.access_key, base_url=server.url, store="klarify.db", **options
    )


def content(client: Any, key: str = KEY) -> bytes:
    return bytes(client.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def versions(client: Any, key: str = KEY) -> int:
    """Return how often an object was put there."""
    found = client.list_object_versions(Bucket=BUCKET, Prefix=key).get("Versions", [])
    return sum(one["Key"] == key for one in found)


def keys(client: Any) -> set[str]:
    return {one["Key"] for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def local(client: Any, folder: Path, key: str = KEY) -> Path:
    file = folder / "brought.xlsx"
    file.write_bytes(content(client, key))
    return file


def test_a_workbook_is_written_there_and_left_alone_while_nothing_changes(
    server: DemoServer, bucket: Any, tmp_path: Path
) -> None:
    result = write(server)
    assert result.out == URL
    assert result.outcome == "written"
    assert len(records(local(bucket, tmp_path), "Procedures")) == 250
    assert write(server).outcome == "unchanged"
    assert versions(bucket) == 1
    assert keys(bucket) == {KEY}


def test_what_people_wrote_into_it_stays(server: DemoServer, bucket: Any, tmp_path: Path) -> None:
    write(server)
    file = local(bucket, tmp_path)
    workbook = openpyxl.load_workbook(file)
    sheet = workbook["Procedures"]
    column = sheet.max_column + 1
    sheet.cell(1, column, "Notes")
    sheet.cell(9, column, "Ask Ann")
    thing = sheet.cell(9, 1).value
    changed = io.BytesIO()
    workbook.save(changed)
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=changed.getvalue())
    for hour in (1, 2):
        server.organisation.now += timedelta(hours=hour)
        server.organisation.add(name=f"AAA {hour}")
        write(server)
    noted = {row["ID"]: row["Notes"] for row in records(local(bucket, tmp_path), "Procedures")}
    assert {one: note for one, note in noted.items() if note} == {thing: "Ask Ann"}


def test_a_change_by_somebody_else_meanwhile_is_not_lost(server: DemoServer, bucket: Any) -> None:
    write(server)
    server.organisation.now += timedelta(hours=1)
    server.organisation.add(name="New")

    def somebody_saves(progress: Progress) -> None:
        if progress.stage == "Writing rows":
            bucket.put_object(Bucket=BUCKET, Key=KEY, Body=b"theirs")

    with pytest.raises(TargetLockedError, match="changed meanwhile, and nothing was written"):
        write(server, on_progress=somebody_saves)
    assert content(bucket) == b"theirs"


def test_an_upload_that_fails_leaves_what_was_there(
    server: DemoServer, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(server)
    before = content(bucket)
    server.organisation.now += timedelta(hours=1)
    server.organisation.add(name="New")
    with monkeypatch.context() as patched:

        def denied(*_arguments: object, **_options: object) -> None:
            raise PermissionError(f"signed with {SECRET}")

        patched.setattr(fsspec.get_filesystem_class("s3"), "put_file", denied)
        with pytest.raises(TargetError, match="access was denied") as caught:
            write(server)
    assert "What was read is stored" in caught.value.hint
    assert SECRET not in str(caught.value) + caught.value.hint
    assert content(bucket) == before
    write(server)
    assert content(bucket) != before


def test_a_file_that_is_not_ours_is_left_alone(server: DemoServer, bucket: Any) -> None:
    theirs = io.BytesIO()
    openpyxl.Workbook().save(theirs)
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=theirs.getvalue())
    with pytest.raises(TargetLockedError) as caught:
        write(server)
    assert URL in str(caught.value)
    assert content(bucket) == theirs.getvalue()
    write(server, overwrite=True)
    assert content(bucket, "finance/klarify.before.xlsx") == theirs.getvalue()


def test_the_file_before_can_be_kept(server: DemoServer, bucket: Any) -> None:
    write(server)
    before = content(bucket)
    server.organisation.now += timedelta(hours=1)
    server.organisation.add(name="New")
    write(server, backup=True)
    assert content(bucket, "finance/klarify.previous.xlsx") == before


def test_other_formats_go_to_a_folder_there(server: DemoServer, bucket: Any) -> None:
    out = f"s3://{BUCKET}/bi"
    write(server, out, formats=("xlsx", "csv", "json"))
    assert {"bi/klarify.xlsx", "bi/export.json", "bi/procedures.csv"} <= keys(bucket)
    told = json.loads(content(bucket, "bi/export.json"))
    assert told
    before = {key: versions(bucket, key) for key in keys(bucket)}
    assert write(server, out, formats=("xlsx", "csv", "json")).outcome == "unchanged"
    assert {key: versions(bucket, key) for key in keys(bucket)} == before


def test_a_bucket_that_is_not_there_is_told(server: DemoServer, bucket: Any) -> None:
    del bucket
    with pytest.raises(TargetError, match=r"nowhere, where .* belongs, does not exist"):
        write(server, "s3://nowhere/klarify.xlsx")
    assert server.requests == []


def test_a_store_that_is_away_is_told(
    server: DemoServer, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    del bucket
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(TargetError, match="could not be reached"):
        write(server)


def test_any_store_of_fsspec_will_do(server: DemoServer, tmp_path: Path) -> None:
    files = fsspec.filesystem("memory")
    out = "memory://some/where/klarify.xlsx"
    assert write(server, out).outcome == "written"
    file = tmp_path / "brought.xlsx"
    file.write_bytes(files.cat_file("/some/where/klarify.xlsx"))
    assert len(records(file, "Procedures")) == 250
    assert write(server, out).outcome == "unchanged"
    files.rm("/some", recursive=True)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (f"sftp://ann:{SECRET}@host/klarify.xlsx", "holds a password"),
        (f"https://store.example/klarify.xlsx?sig={SECRET}", "holds a query"),
        ("https://store.example/klarify.xlsx", "can't be written to a web address"),
        ("nosuch://bucket/klarify.xlsx", "no kind of store"),
        ("s3://bucket/../klarify.xlsx", "is no address"),
    ],
)
def test_addresses_that_can_not_be_used(server: DemoServer, address: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        write(server, address)
    assert SECRET not in str(caught.value) + caught.value.hint
    assert server.requests == []


def test_a_package_that_is_missing_is_named(
    server: DemoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(ConfigurationError) as caught:
        write(server)
    assert "klarify-xl[s3]" in caught.value.hint


def test_paths_of_this_machine_need_none_of_it(
    server: DemoServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("fsspec", "fsspec.core", "klarify_xl.remote.folder"):
        monkeypatch.setitem(sys.modules, name, None)
    assert write(server, str(tmp_path / "klarify.xlsx")).outcome == "written"


def denied(path: str) -> Callable[[Request], Response | None]:
    """Return what refuses to take a file."""
    body = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"

    def answer(request: Request) -> Response | None:
        return Response(body, status=403) if request.path.endswith(path) else None

    return answer


def test_a_failure_is_told_there_once(server: DemoServer, bucket: Any) -> None:
    write(server)
    for _night in range(2):
        with pytest.raises(klarify_xl.KlarifyError), klarify_xl.telling_failure(URL):
            klarify_xl.refresh(URL, access_key="no", base_url=server.url, store="klarify.db")
    texts = [
        str(cell.value)
        for row in openpyxl.load_workbook(io.BytesIO(content(bucket)))["Overview"].iter_rows()
        for cell in row
    ]
    assert sum("failed: this is what was read before" in text for text in texts) == 1
    assert versions(bucket) == 2
    assert write(server).outcome == "written"
    assert versions(bucket) == 3


def test_what_is_up_to_date_is_not_sent(server: DemoServer, bucket: Any, watched: Watched) -> None:
    del bucket
    write(server)
    assert watched.puts == [f"/{BUCKET}/{KEY}"]
    write(server, full=True)
    assert watched.puts == [f"/{BUCKET}/{KEY}"]
    # Made anew it is the same, to the byte.
    write(server, overwrite=True)
    assert watched.puts == [f"/{BUCKET}/{KEY}"]


@pytest.mark.parametrize("is_there", [True, False])
def test_s3_itself_refuses_what_was_changed_at_the_last_moment(
    server: DemoServer, bucket: Any, watched: Watched, *, is_there: bool
) -> None:
    if is_there:
        write(server)
        server.organisation.now += timedelta(hours=1)
        server.organisation.add(name="New")

    def somebody_saves(_request: Request) -> None:
        bucket.put_object(Bucket=BUCKET, Key=KEY, Body=b"theirs")

    watched.before = somebody_saves
    with pytest.raises(TargetLockedError, match="changed meanwhile, and nothing was written"):
        write(server)
    assert content(bucket) == b"theirs"


def test_s3_itself_refuses_a_large_file_as_well(
    bucket: Any, watched: Watched, tmp_path: Path
) -> None:
    folder = RemoteFolder(Address(f"s3://{BUCKET}", "s3"))
    bucket.put_object(Bucket=BUCKET, Key="large.xlsx", Body=b"before")
    file = tmp_path / "large.xlsx"
    with file.open("wb") as opened:
        # So much goes in parts otherwise, and then without a condition.
        opened.truncate(101 * 2**20)

    def somebody_saves(_request: Request) -> None:
        bucket.put_object(Bucket=BUCKET, Key="large.xlsx", Body=b"theirs")

    watched.before = somebody_saves
    with pytest.raises(TargetLockedError, match="changed meanwhile"):
        folder.put("large.xlsx", file, folder.version("large.xlsx"))
    assert content(bucket, "large.xlsx") == b"theirs"


def test_what_somebody_saves_while_klarify_is_read_stays(
    server: DemoServer, bucket: Any, tmp_path: Path
) -> None:
    write(server)
    server.organisation.now += timedelta(hours=1)
    server.organisation.add(name="New")
    workbook = openpyxl.load_workbook(local(bucket, tmp_path))
    workbook.create_sheet("Mine")["A1"] = "Ask Ann"
    saved = io.BytesIO()
    workbook.save(saved)

    def somebody_saves(progress: Progress) -> None:
        if progress.stage == "Reading procedures":
            bucket.put_object(Bucket=BUCKET, Key=KEY, Body=saved.getvalue())

    write(server, on_progress=somebody_saves)
    file = local(bucket, tmp_path)
    assert openpyxl.load_workbook(file)["Mine"]["A1"].value == "Ask Ann"
    assert len(records(file, "Procedures")) == 251


def test_a_folder_of_which_a_file_fails_is_as_before(
    server: DemoServer, bucket: Any, watched: Watched
) -> None:
    out = f"s3://{BUCKET}/bi"
    write(server, out, formats=("csv",))
    assert watched.puts[-1].endswith("/export.json")
    before = {key: content(bucket, key) for key in keys(bucket)}
    server.organisation.now += timedelta(hours=1)
    server.organisation.add(name="New")
    watched.before = denied("/export.json")
    with pytest.raises(TargetError, match=r"bi/export\.json can't be written: access was denied"):
        write(server, out, formats=("csv", "json"))
    assert f"/{BUCKET}/bi/procedures.csv" in watched.puts
    assert {key: content(bucket, key) for key in keys(bucket)} == before
    watched.before = lambda _request: None
    assert write(server, out, formats=("csv", "json")).outcome == "written"
    assert b"New" in content(bucket, "bi/procedures.csv")


def test_the_command_line_tells_it_without_a_secret(
    server: DemoServer, bucket: Any, watched: Watched
) -> None:
    del bucket
    watched.before = denied(KEY)
    command = ("refresh", "--out", URL, "--log-file", "klarify.log")
    done = call(*command, "--json", server=server)
    assert done.returncode == 6
    told = json.loads(done.stdout)
    assert told["message"] == f"{URL} can't be written: access was denied."
    assert told["hint"].endswith("What was read is stored; the next refresh writes it.")
    watched.before = lambda _request: None
    again = call(*command, server=server)
    assert again.returncode == 0, again.stderr
    assert f"Wrote:   {URL}" in again.stdout
    log = Path("klarify.log").read_text(encoding="utf-8")
    assert SECRET not in done.stdout + done.stderr + again.stdout + again.stderr + log


@pytest.mark.parametrize(
    "command",
    [
        ("refresh", "--out", PASSWORD, "--log-file", "log", "--metrics-file", "k.prom"),
        ("refresh", "--out", PASSWORD, "--format", "csv", "--log-file", "log"),
        ("check", "--out", PASSWORD),
        ("export", "--out", PASSWORD),
        ("packs", "--by", "owner", "--out", PASSWORD),
        ("status", "--out", PASSWORD),
        ("schedule", "install", "--out", PASSWORD, "--dry-run"),
        ("fleet", "fleet.toml"),
    ],
    ids=" ".join,
)
def test_a_password_in_an_address_is_shown_nowhere(
    server: DemoServer, command: tuple[str, ...]
) -> None:
    write(server, "local.xlsx")
    Path("fleet.toml").write_text(
        f'[[organisations]]\nname = "Ann"\nout = "{PASSWORD}"\nkey = "env:KLARIFY_API_KEY"\n',
        encoding="utf-8",
    )
    done = call(*command, server=server, KLARIFY_WEBHOOK=f"{server.url}/hook")
    assert done.returncode == 2
    assert "sftp://ann:***@host" in done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    kept = [file for file in Path().rglob("*") if file.is_file() and file.name != "fleet.toml"]
    assert not [
        file for file in kept if SECRET in str(file) or SECRET.encode() in file.read_bytes()
    ]


def test_the_status_of_a_workbook_elsewhere_is_found(server: DemoServer, bucket: Any) -> None:
    del bucket
    assert call("refresh", "--out", URL, server=server).returncode == 0
    told = call("status", "--out", URL)
    assert told.returncode == 0, told.stderr
    assert URL in told.stdout


def test_every_command_that_writes_can_write_there(server: DemoServer, bucket: Any) -> None:
    workbook = f"s3://{BUCKET}/macros.xlsm"
    checked = call("check", "--out", workbook, server=server)
    assert f"{workbook} will be made" in checked.stdout
    assert call("refresh", "--out", workbook, server=server).returncode == 0
    assert b"vbaProject.bin" in content(bucket, "macros.xlsm")
    assert f"{workbook} will be updated" in call("check", "--out", workbook, server=server).stdout

    assert call("export", "--out", f"s3://{BUCKET}/bi").returncode == 0
    assert {"bi/procedures.csv", "bi/export.json"} <= keys(bucket)

    packs = ("packs", "--by", "owner", "--out", f"s3://{BUCKET}/packs", "--json")
    first = json.loads(call(*packs).stdout)
    assert first["out"] == f"s3://{BUCKET}/packs"
    names = {f"packs/{pack['file']}" for pack in first["packs"]}
    assert {"packs/index.csv", *names} == {key for key in keys(bucket) if key.startswith("packs/")}
    assert json.loads(call(*packs).stdout)["outcome"] == "unchanged"
    key = min(names)
    bucket.put_object(Bucket=BUCKET, Key=key, Body=b"not ours")
    again = call(*packs)
    assert again.returncode == 6
    refused = [one for one in json.loads(again.stdout)["packs"] if one["outcome"] == "refused"]
    assert [one["file"] for one in refused] == [key.rpartition("/")[2]]
    assert f"s3://{BUCKET}/{key}" in refused[0]["reason"]
    assert content(bucket, key) == b"not ours"
