"""What a ``fleet.toml`` may say, and how mistakes are told without repeating a key."""

import re
import textwrap
import traceback
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from klarify_xl.errors import ConfigurationError
from klarify_xl.fleet.file import load_fleet
from klarify_xl.fleet.run import night_of
from klarify_xl.key_reference import KEY_SOURCES, KeyReference

LITERAL = "0123456789abcdef0123456789abcd"
SOURCES = {one.partition(":")[0] for one in KEY_SOURCES}
USUAL = '[defaults]\nkey = "aws:klarify/{name}"\nout = "s3://bucket/{name}/klarify.xlsx"\n'


def test_tables_and_defaults_make_organisations(tmp_path: Path) -> None:
    (tmp_path / "german.toml").write_text('[workbook]\nlanguage = "de"\n', encoding="utf-8")
    (tmp_path / "fleet.toml").write_text(
        USUAL + 'config = "german.toml"\nlink = "https://share.example/{name}.xlsx"\n'
        "[fleet]\nrequests_per_host = 8\nstore = '/srv/stores'\n"
        '[[organisations]]\nname = "Müller & Söhne"\n'
        '[[organisations]]\nname = "acme"\nkey = "file:keys/acme"\nout = "bi"\n'
        'formats = ["xlsx", "csv"]\nbase_url = "https://api.example"\n',
        encoding="utf-8",
    )
    fleet = load_fleet(tmp_path / "fleet.toml")
    first, second = fleet.organisations
    assert str(first.key) == "aws:klarify/Müller & Söhne"
    assert first.out == first.workbook == "s3://bucket/Müller & Söhne/klarify.xlsx"
    assert first.base_url == "https://integration.klarify.biz"
    assert first.link == "https://share.example/M%C3%BCller%20%26%20S%C3%B6hne.xlsx"
    assert first.options.language == "de"
    assert str(second.key) == f"file:{tmp_path / 'keys' / 'acme'}"
    assert second.workbook == f"{tmp_path / 'bi'}/klarify.xlsx"
    assert second.formats == ("xlsx", "csv")
    assert second.base_url == "https://api.example"
    assert fleet.conduct.requests_per_host == 8
    assert fleet.conduct.manifest == str(tmp_path / "klarify-fleet")
    assert fleet.conduct.report == str(tmp_path / "klarify-fleet" / "fleet.xlsx")


def test_the_fleet_that_the_readme_shows_is_a_working_one(tmp_path: Path) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    section = readme.split("## A fleet of organisations")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", section, re.MULTILINE)
    toml, table = (textwrap.dedent(block).strip() for block in blocks[1:3])
    (tmp_path / "fleet.toml").write_text(toml, encoding="utf-8")
    (tmp_path / "organisations.csv").write_text(table, encoding="utf-8")
    (tmp_path / "klarify.toml").touch()
    acme, bolt = load_fleet(tmp_path / "fleet.toml").organisations
    assert (str(acme.key), str(bolt.key)) == ("aws:klarify/Acme", "env:BOLT_KEY")
    assert bolt.out == "/srv/klarify/reports/Bolt & Nut.xlsx"


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_csv_file_lists_thousands(tmp_path: Path, separator: str) -> None:
    rows = [separator.join(("name", "key", "formats"))]
    rows += [separator.join((f"org-{number}", "", "")) for number in range(5000)]
    rows += [separator.join(("last", "env:LAST_KEY", "xlsx csv")), ""]
    (tmp_path / "organisations.csv").write_text("\ufeff" + "\r\n".join(rows), encoding="utf-8")
    (tmp_path / "fleet.toml").write_text('organisations = "organisations.csv"\n' + USUAL)
    found = load_fleet(tmp_path / "fleet.toml").organisations
    assert len(found) == 5001
    assert len({one.out for one in found}) == 5001
    assert str(found[7].key) == "aws:klarify/org-7"
    assert (str(found[-1].key), found[-1].formats) == ("env:LAST_KEY", ("xlsx", "csv"))


WRONG: dict[str, tuple[str, str, str]] = {
    "literal key": (
        USUAL + f'[[organisations]]\nname = "acme"\nkey = "{LITERAL}"\n',
        "",
        "line 4: The key is given by something that leads to no source",
    ),
    "literal key for all": (
        f'[defaults]\nkey = "{LITERAL}"\nout = "{{name}}.xlsx"\n[[organisations]]\nname = "a"\n',
        "",
        "line 1: The key is given",
    ),
    "literal key that nobody uses": (
        f'[defaults]\nkey = "{LITERAL}"\n',
        "name,key,out\nacme,env:A,a.xlsx\n",
        "line 2: The key is given",
    ),
    "literal key in a list": (
        USUAL,
        f"name,key\nacme,env:A\nother,{LITERAL}\n",
        "organisations.csv, line 3: The key is given",
    ),
    "list without titles": (
        USUAL,
        f"{LITERAL},acme\n",
        "organisations.csv, line 1: the title of column 1 is no setting",
    ),
    "unknown source": (
        USUAL,
        f"name,key\nacme,literal:{LITERAL}\n",
        "line 2: The key is given",
    ),
    "variable that can be none": (USUAL, f"name,key\nacme,env:{LITERAL}\n", "line 2: The key is"),
    "literal key by another name": (
        USUAL + f'[[organisations]]\nname = "acme"\naccess_key = "{LITERAL}"\n',
        "",
        "line 4: there is no setting 'access_key' of organisations",
    ),
    "literal key in another table": (
        USUAL + f'[fleet]\naccess_key = "{LITERAL}"\n',
        "",
        "line 5: fleet.access_key: there is no such setting",
    ),
    "literal key without quotes": (
        USUAL + f"[[organisations]]\nkey = {LITERAL}\n",
        "",
        "this is no TOML",
    ),
    "key as a list": (
        USUAL + f'[[organisations]]\nname = "acme"\nkey = ["{LITERAL}", 1]\n',
        "",
        "line 4: key is no text",
    ),
    "no key": ('[defaults]\nout = "{name}.xlsx"\n', "name\nacme\n", "key of the organisation is"),
    "no place": ('[defaults]\nkey = "env:A"\n', "name\nacme\n", "out of the organisation is"),
    "no name": (USUAL, "name,key\n,env:A\n", "line 2: an organisation has no name"),
    "same name": (USUAL, "name\nacme\nother\nACME\n", "line 4: name is the same as in .* line 2"),
    "names alike": (USUAL, "name\nMüller\nMu\u0308ller\n", "is the same as|too much like"),
    "same place": (
        '[defaults]\nkey = "env:A"\nout = "a.xlsx"\n',
        "name\na\nb\n",
        "out is the same",
    ),
    "unknown format": (USUAL, "name,formats\na,xslx\n", "there is no format 'xslx'"),
    "plain http": (USUAL, "name,base_url\na,http://api.example\n", "line 2: .* uses http"),
    "link without https": (USUAL, "name,link\na,file:///x\n", "line 2: link is no https address"),
    "too many values": (USUAL, "name,key\na,env:A,b\n", "line 2: there are 3 values"),
    "no organisations": (USUAL, "", "names no organisation"),
    "no number": (USUAL + "[fleet]\nworkers = 0\n", "name\na\n", "workers: that is no such number"),
    "mistyped setting": (USUAL + "[fleet]\nworker = 2\n", "name\na\n", "no such setting"),
    "missing options": (USUAL, "name,config\na,none.toml\n", "none.toml can't be read"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_mistake_is_told_with_its_place_and_without_a_key(tmp_path: Path, wrong: str) -> None:
    text, organisations, message = WRONG[wrong]
    if organisations:
        text = 'organisations = "organisations.csv"\n' + text
        (tmp_path / "organisations.csv").write_text(organisations, encoding="utf-8")
    (tmp_path / "fleet.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_fleet(tmp_path / "fleet.toml")
    told = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert caught.value.hint
    assert LITERAL not in told
    assert LITERAL[5:20] not in told


@given(st.text() | st.text().map("env:{} ".format))
def test_what_is_no_reference_is_never_repeated(text: str) -> None:
    assume(text.startswith("env:") or text.strip().partition(":")[0] not in SOURCES)
    with pytest.raises(ConfigurationError) as caught:
        KeyReference.parse(f"{text}s3cr3t/+&")
    assert "s3cr3t" not in str(caught.value) + caught.value.hint
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("moment", "night"),
    [
        ("2026-03-01T22:00", "2026-03-01"),
        ("2026-03-02T03:00", "2026-03-01"),
        ("2026-03-02T11:59", "2026-03-01"),
        ("2026-03-02T12:00", "2026-03-02"),
    ],
)
def test_a_night_lasts_until_noon(moment: str, night: str) -> None:
    assert night_of(datetime.fromisoformat(moment)) == night
