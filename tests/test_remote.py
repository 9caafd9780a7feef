"""Output elsewhere: as locally, noticing what others do meanwhile, and without any secret."""

import io
import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import fsspec
import openpyxl
import pytest
from moto.server import ThreadedMotoServer

import klarify_xl
from klarify_xl.demo import DemoServer
from klarify_xl.errors import ConfigurationError, TargetError, TargetLockedError
from klarify_xl.progress import Progress

from .workbooks import records

BUCKET = "reports"
KEY = "finance/klarify.xlsx"
URL = f"s3://{BUCKET}/{KEY}"
SECRET = "hunter2-of-the-bucket"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server of moto's that speaks S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
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
    for one in client.list_object_versions(Bucket=BUCKET).get("Versions", []):
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
