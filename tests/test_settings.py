"""Where settings and the key come from, and in which order."""

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import keyring
import pytest
import requests
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError
from moto.server import ThreadedMotoServer

from klarify_xl.errors import ConfigurationError
from klarify_xl.key_reference import KeyReference
from klarify_xl.limits import API_BASE_URL
from klarify_xl.os_keyring import forget_in_keyring, keep_in_keyring
from klarify_xl.secret import AccessKey
from klarify_xl.settings import (
    find_access_key,
    load_settings,
    normalise_base_url,
)

URL = API_BASE_URL


class MemoryKeyring(KeyringBackend):
    """A keyring that lasts as long as the test."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise PasswordDeleteError("nothing there")
        del self.kept[service, username]


@pytest.fixture
def memory_keyring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedMotoServer]:
    """AWS as moto serves it, on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    url = f"http://127.0.0.1:{port}"
    requests.post(f"{url}/moto-api/reset", timeout=10).raise_for_status()
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    yield server
    server.stop()


def keep_in_aws(name: str, value: str) -> None:
    client = boto3.client("secretsmanager")
    client.create_secret(Name=name, SecretString=value)
    client.close()


@pytest.mark.usefixtures("memory_keyring")
def test_an_explicit_key_wins_over_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLARIFY_API_KEY", "from-environment")
    keep_in_keyring(URL, AccessKey("from-keyring"))
    found = find_access_key(URL, explicit="from-option")
    assert (found.key.reveal(), found.source) == ("from-option", "explicit option")


def test_a_key_file_wins_over_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KLARIFY_API_KEY", "from-environment")
    file = tmp_path / "key.txt"
    file.write_text("\ufefffrom-file\r\n", encoding="utf-8")
    found = find_access_key(URL, key_file=file)
    assert found.key.reveal() == "from-file"
    assert str(file) in found.source


def test_the_environment_wins_over_the_env_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("KLARIFY_API_KEY=from-file\n", encoding="utf-8")
    assert find_access_key(URL).key.reveal() == "from-file"
    monkeypatch.setenv("KLARIFY_API_KEY", "from-environment")
    found = find_access_key(URL)
    assert found.key.reveal() == "from-environment"
    assert found.source == "environment variable KLARIFY_API_KEY"


@pytest.mark.usefixtures("memory_keyring")
def test_the_env_file_wins_over_the_keyring(tmp_path: Path) -> None:
    keep_in_keyring(URL, AccessKey("from-keyring"))
    assert find_access_key(URL).key.reveal() == "from-keyring"
    (tmp_path / ".env").write_text("KLARIFY_API_KEY=from-file\n", encoding="utf-8")
    found = find_access_key(URL)
    assert found.key.reveal() == "from-file"
    assert str(tmp_path / ".env") in found.source


@pytest.mark.usefixtures("aws", "memory_keyring")
def test_the_keyring_wins_over_aws() -> None:
    keep_in_aws("klarify-api-key", "from-aws")
    found = find_access_key(URL)
    assert found.key.reveal() == "from-aws"
    assert found.source == "AWS Secrets Manager, secret 'klarify-api-key'"
    keep_in_keyring(URL, AccessKey("from-keyring"))
    assert find_access_key(URL).key.reveal() == "from-keyring"


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("kept", ["plain=&key", '{"access_key": "plain=&key"}'])
def test_a_named_aws_secret_may_be_plain_or_as_the_console_wraps_it(
    monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    keep_in_aws("team/klarify", kept)
    monkeypatch.setenv("KLARIFY_AWS_SECRET_ID", "team/klarify")
    assert find_access_key(URL).key.reveal() == "plain=&key"


@pytest.mark.usefixtures("aws")
def test_a_missing_aws_secret_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLARIFY_AWS_SECRET_ID", "no/such")
    with pytest.raises(ConfigurationError, match=r"'no/such'.*ResourceNotFoundException"):
        find_access_key(URL)


def test_without_any_key_the_error_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="No access key was found") as caught:
        find_access_key(URL)
    assert "klarify-xl key set" in caught.value.hint
    assert "Settings > Integrations" in caught.value.hint


@pytest.mark.parametrize("blank", ["", "   ", "\ufeff", "\n"])
def test_a_blank_key_is_an_error_that_names_its_source(
    monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    monkeypatch.setenv("KLARIFY_API_KEY", blank)
    with pytest.raises(ConfigurationError, match=r"blank.*environment variable KLARIFY_API_KEY"):
        find_access_key(URL)


def test_a_key_in_the_env_file_is_taken_literally(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\ufeffKLARIFY_API_KEY='a$HOME/+&=%#ü'\n", encoding="utf-8")
    assert find_access_key(URL).key.reveal() == "a$HOME/+&=%#ü"


def test_a_damaged_env_file_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"KLARIFY_API_KEY=\xff\xfe\n")
    with pytest.raises(ConfigurationError, match=r"\.env can't be read"):
        find_access_key(URL)


def test_the_keyring_keeps_a_key_for_each_host_and_forgets_it(
    memory_keyring: MemoryKeyring,
) -> None:
    keep_in_keyring(URL, AccessKey("one"))
    keep_in_keyring("https://other.example", AccessKey("two"))
    assert find_access_key(URL).key.reveal() == "one"
    assert find_access_key("https://other.example").key.reveal() == "two"
    assert forget_in_keyring(URL)
    assert not forget_in_keyring(URL)
    assert list(memory_keyring.kept.values()) == ["two"]


def test_a_plain_text_keyring_is_not_taken_for_a_safe_place(
    monkeypatch: pytest.MonkeyPatch, memory_keyring: MemoryKeyring
) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    monkeypatch.setattr(MemoryKeyring, "priority", 0.5)
    with pytest.raises(ConfigurationError, match="no safe OS keyring"):
        keep_in_keyring(URL, AccessKey("secret"))
    assert memory_keyring.kept == {}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://integration.klarify.biz", "https://integration.klarify.biz"),
        ("https://integration.klarify.biz/", "https://integration.klarify.biz"),
        (" https://eu.klarify.biz/api/procedures ", "https://eu.klarify.biz"),
        ("https://gateway.example/klarify/", "https://gateway.example/klarify"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:9", "http://[::1]:9"),
    ],
)
def test_an_address_is_brought_into_one_form(given: str, expected: str) -> None:
    assert normalise_base_url(given) == expected


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://integration.klarify.biz", "unencrypted"),
        ("http://127.0.0.1.example.com", "unencrypted"),
        ("ftp://integration.klarify.biz", "not a web address"),
        ("integration.klarify.biz", "not a web address"),
        ("https://", "not a web address"),
        ("https://host:port", "not a web address"),
        ("https://user:word@host.example", "user name"),
        ("https://host.example/?access_key=secret", "query"),
    ],
)
def test_an_unsafe_address_is_refused_without_quoting_it(address: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        normalise_base_url(address)
    assert "secret" not in str(caught.value)
    assert "word" not in str(caught.value)


def test_address_and_store_follow_the_same_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert load_settings().base_url == API_BASE_URL
    assert load_settings().store == tmp_path / "data" / "klarify-xl" / "klarify.db"
    (tmp_path / ".env").write_text(
        "KLARIFY_BASE_URL=https://file.example\nKLARIFY_STORE=file.db\n", encoding="utf-8"
    )
    assert load_settings().base_url == "https://file.example"
    assert load_settings().store == Path("file.db")
    monkeypatch.setenv("KLARIFY_BASE_URL", "https://environment.example")
    monkeypatch.setenv("KLARIFY_STORE", "~/environment.db")
    assert load_settings().base_url == "https://environment.example"
    assert load_settings().store == Path(os.path.expanduser("~")) / "environment.db"  # noqa: PTH111
    explicit = load_settings(base_url="https://option.example", store="option.db")
    assert (explicit.base_url, explicit.store) == ("https://option.example", Path("option.db"))


@pytest.mark.usefixtures("aws", "memory_keyring")
def test_a_reference_leads_to_a_key_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ACME_KEY", "from-environment")
    (tmp_path / ".env").write_text("OTHER_KEY=from-env-file\n", encoding="utf-8")
    (tmp_path / "key").write_text("from-file\n", encoding="utf-8")
    keyring.set_password("klarify-xl", "acme", "from-keyring")
    keep_in_aws("klarify/acme", "from-aws")
    for text, key in {
        "env:ACME_KEY": "from-environment",
        "env:OTHER_KEY": "from-env-file",
        f"file:{tmp_path / 'key'}": "from-file",
        "keyring:acme": "from-keyring",
        "aws:klarify/acme": "from-aws",
    }.items():
        reference = KeyReference.parse(text)
        assert str(reference) == text
        assert reference.resolve().reveal() == key


@pytest.mark.usefixtures("aws", "memory_keyring")
@pytest.mark.parametrize("text", ["env:NONE", "file:none", "keyring:none", "aws:none"])
def test_a_reference_that_leads_nowhere_says_so(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"(?i)none") as caught:
        KeyReference.parse(text).resolve()
    assert caught.value.hint
