"""Rows that are scanned read as a parser reads them; all others are left to it."""

import zipfile
from datetime import timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree
from openpyxl import load_workbook

from klarify_xl.demo import Organisation
from klarify_xl.errors import TargetError
from klarify_xl.headless.scanning import plain_row

from .conftest import NOW
from .workbooks import write

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PART = "xl/worksheets/sheet2.xml"

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8).map(escape)
CONTENTS = st.one_of(
    st.sampled_from(["", " ", "></c>"]),
    TEXTS.map("<v>{}</v>".format),
    TEXTS.map("<is><t>{}</t></is>".format),
    TEXTS.map('<is><t xml:space="preserve">{}</t></is>'.format),
    TEXTS.map("<is><r><t>{}</t></r></is>".format),
    TEXTS.map("<f>A1</f><v>{}</v>".format),
    st.just("<!-- <v>1</v> -->"),
    st.just("<v>1</v> "),
)


def written(content: str) -> str:
    """Return a cell's element from behind what it says; empty ones are written in three ways."""
    if content == "></c>":
        return content
    return f">{content}</c>" if content.strip() else f"{content}/>"


CELLS = st.builds(
    lambda column, style, kind, content: f'<c r="{column}7"{style}{kind}{written(content)}',
    st.sampled_from(["A", "N", "XFD"]),
    st.sampled_from(["", ' s="3"', ' s="12"']),
    st.sampled_from(["", ' t="s"', ' t="inlineStr"', ' t="str"', ' t="n"', ' cm="1"']),
    CONTENTS,
)
ROWS = st.builds(
    lambda said, cells: f'<row r="7"{said}>{"".join(cells)}</row>',
    st.sampled_from(["", ' spans="1:3"', ' ht="30" customHeight="1"', ' x="&gt;"', ' x=">"']),
    st.lists(CELLS, max_size=4),
)


@given(ROWS)
@example('<row r="7"><c r="A7" s="3" t="inlineStr"><is><t>a</t></is></c><c r="B7"/></row>')
def test_a_scanned_row_says_what_a_parsed_one_says(text: str) -> None:
    scanned = plain_row(text.encode())
    parsed = etree.fromstring(f'<sheetData xmlns="{MAIN}">{text}</sheetData>')[0]
    is_odd = any(odd in text for odd in ("<f>", "<r>", "<!--", "</v> ", 'cm="1"', "&gt;", '">">'))
    if scanned is None:
        assert is_odd
        return
    assert scanned.attrib == {str(name): str(value) for name, value in parsed.attrib.items()}
    assert len(scanned.cells) == len(parsed)
    for one, other in zip(scanned.cells, parsed, strict=True):
        assert other.get("r") == f"{one.letters.decode()}7"
        assert (one.get("s", "0"), one.get("t", "n")) == (other.get("s", "0"), other.get("t", "n"))
        tag = "is" if one.get("t", "n") == "inlineStr" else "v"
        found = other.find(f"{{{MAIN}}}{tag}")
        if one.is_literal:
            assert one.text == ("" if found is None else "".join(map(str, found.itertext())))
        assert etree.tostring(one.parsed(), method="c14n") == etree.tostring(other, method="c14n")


def refreshed(file: Path, old: bytes, new: bytes) -> Path:
    """Make a workbook, replace bytes of its sheet Procedures, and refresh it in place."""
    organisation = Organisation(procedures=20, seed=7, now=NOW)
    write(organisation, file)
    with zipfile.ZipFile(file) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    assert parts[PART].count(old) >= 1
    parts[PART] = parts[PART].replace(old, new, 1)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    organisation.now += timedelta(hours=1)
    organisation.edit(organisation.rows[3]["id"], owner="Somebody new")
    write(organisation, file)
    return file


NOTE = b'<c r="N2" t="inlineStr"><is><t>ask Ann</t></is></c></row>'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"</row>", b"</row><!-- <row r='99'><c r='A99'/></row> -->"),
        (b"</row>", b"</row>\n  \n"),
        (b"<row ", b"<?odd <row r='99'?><row "),
        (b"</sheetData>", b"<row r='99'/></sheetData>"),
        (
            b"</sheetData>",
            b"<row r='99'><c r='A99' t='str'><v><![CDATA[<row]]></v></c></row></sheetData>",
        ),
    ],
)
def test_nothing_within_the_rows_is_taken_for_a_row(tmp_path: Path, old: bytes, new: bytes) -> None:
    def ids(file: Path) -> list[object]:
        return [row[0].value for row in load_workbook(file)["Procedures"]["A2:A21"]]

    usual = refreshed(tmp_path / "usual.xlsx", b'</row><row r="3"', NOTE + b'<row r="3"')
    odd = refreshed(tmp_path / "odd.xlsx", old, new)
    assert ids(odd) == ids(usual)
    assert len(set(ids(odd))) == 20


@pytest.mark.parametrize("damage", [b"<c r=", b"</c>", b"&nothing;", b"\x01", b"\xff"])
def test_a_damaged_row_is_told(tmp_path: Path, damage: bytes) -> None:
    note = NOTE.replace(b"ask Ann", b"ask " + damage)
    with pytest.raises(TargetError, match="is damaged"):
        refreshed(tmp_path / "k.xlsx", b'</row><row r="3"', note + b'<row r="3"')
