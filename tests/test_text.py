"""Remote text made safe: whatever comes, a cell can hold it, and the loss is told."""

import unicodedata
from xml.sax.saxutils import escape

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from lxml import etree

from klarify_xl.limits import EXCEL_CELL_CHARACTERS, EXCEL_LINK_CHARACTERS
from klarify_xl.text import REPLACEMENT, SafeText, link_target, safe_text, utf16_length

NASTY = "\0\x07\t\n\x0b\r\x1b\x7f\x85\x9f\u2028\u202e\u2066\ud800\udfff\ufffd\ufffe\uffff\U000e0041"
TEXTS = st.text(st.one_of(st.characters(codec=None), st.sampled_from(NASTY)), max_size=60)
LONG_TEXTS = st.builds(
    lambda start, unit, end: (start + unit * (40_000 // len(unit) + 1))[:40_000] + end,
    TEXTS,
    st.text(st.one_of(st.characters(codec=None), st.sampled_from(NASTY)), min_size=1, max_size=7),
    TEXTS,
)


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@given(TEXTS)
@example(NASTY)
def test_the_length_is_that_of_utf_16(text: str) -> None:
    assert utf16_length(text) == units(text)


@given(st.one_of(TEXTS, LONG_TEXTS))
@example(NASTY)
@example("\N{ELEPHANT}" * 20_000)
@example("Z" + "\N{ELEPHANT}" * 20_000)
@example("\0" * 40_000)
def test_any_text_fits_into_a_cell_of_valid_xml(text: str) -> None:
    safe = safe_text(text)
    assert units(safe.text) <= EXCEL_CELL_CHARACTERS
    element = etree.fromstring(f"<t>{escape(safe.text)}</t>".encode())
    assert (element.text or "") == safe.text


@given(st.one_of(TEXTS, LONG_TEXTS))
@example("\0" * 40_000)
def test_a_safe_text_needs_no_second_treatment(text: str) -> None:
    once = safe_text(text).text
    assert safe_text(once) == SafeText(once)


@given(st.one_of(TEXTS, LONG_TEXTS))
@example("\ufffd" + "\0" * 40_000)
def test_every_replaced_character_that_is_shown_is_counted(text: str) -> None:
    safe = safe_text(text)
    kept = len(text.replace("\r\n", "\n")) - safe.cut
    own_signs = text.replace("\r\n", "\n")[:kept].count(REPLACEMENT)
    assert safe.replaced == safe.text.count(REPLACEMENT) - own_signs


@given(LONG_TEXTS)
@example("Z" * 32_768)
def test_a_cut_is_shown_at_the_end_and_counted(text: str) -> None:
    whole = len(text.replace("\r\n", "\n"))
    safe = safe_text(text)
    assume(safe.cut)
    kept, note, rest = safe.text.rpartition("… [cut here: the whole text has ")
    assert note
    assert rest == f"{whole} characters]"
    assert len(kept) == whole - safe.cut
    assert units(safe.text) >= EXCEL_CELL_CHARACTERS - 1


@given(TEXTS)
def test_a_safe_text_holds_nothing_that_hides_or_reorders(text: str) -> None:
    for character in safe_text(text).text:
        bidirectional = unicodedata.bidirectional(character)
        assert bidirectional not in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        assert unicodedata.category(character) not in {"Cc", "Cs"} or character in "\t\n"


def test_the_longest_text_that_fits_is_not_cut() -> None:
    text = "ä" * 32_767
    assert safe_text(text) == SafeText(text)
    assert safe_text(text + "ä").cut > 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=1+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "'",
        "_x0041_",
        "#N/A",
        " spaces ",
        "Zürich",
        "שלום",
        "👩‍💻",
    ],
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert safe_text(text) == SafeText(text)


@pytest.mark.parametrize(
    "name",
    [
        *("ZERO WIDTH SPACE", "WORD JOINER", "ZERO WIDTH NO-BREAK SPACE"),
        *("LEFT-TO-RIGHT MARK", "RIGHT-TO-LEFT MARK", "ARABIC LETTER MARK"),
        *("RIGHT-TO-LEFT OVERRIDE", "FIRST STRONG ISOLATE", "CANCEL TAG"),
    ],
)
def test_what_shows_as_nothing_is_made_visible(name: str) -> None:
    text = f"pay{unicodedata.lookup(name)}roll"
    assert safe_text(text) == SafeText("pay\N{REPLACEMENT CHARACTER}roll", replaced=1)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\r\ntwo", "one\ntwo"),
        ("one\rtwo", "one\ntwo"),
        ("one\x85two\u2028three\u2029four", "one\ntwo\nthree\nfour"),
        ("\r\r\n", "\n\n"),
    ],
)
def test_line_ends_become_line_feeds_and_are_no_loss(text: str, shown: str) -> None:
    assert safe_text(text) == SafeText(shown)


@pytest.mark.parametrize(
    "address",
    [
        "https://demo.klarify.me/process/12345",
        "https://demo.klarify.me",
        "https://a.b-c.example.com/x/?q=1&r='2'#top",
        "https://example.com/100%25/(a)/[b]",
        "HTTPS://Example.COM/Path",
        "https://example.com/x?next=https://other.example/",
        "https://example.com/@name",
    ],
)
def test_plain_web_addresses_are_linked_as_they_are(address: str) -> None:
    assert link_target(address) == address


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("https://example.com/Prüfung", "https://example.com/Pr%C3%BCfung"),
        ("https://example.com/?q=ü#ß", "https://example.com/?q=%C3%BC#%C3%9F"),
        ("https://example.com/👩", "https://example.com/%F0%9F%91%A9"),
    ],
)
def test_letters_beyond_ascii_are_percent_encoded_after_the_host(address: str, target: str) -> None:
    assert link_target(address) == target


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("", id="nothing"),
        pytest.param("demo.klarify.me/process/1", id="no scheme"),
        pytest.param("//demo.klarify.me/1", id="scheme of the page"),
        pytest.param("javascript:alert(1)", id="script"),
        pytest.param("JavaScript://example.com/%0Aalert(1)", id="script like an address"),
        pytest.param("data:text/html,x", id="data"),
        pytest.param("mailto:a@example.com", id="mail"),
        pytest.param("http://example.com/", id="unencrypted"),
        pytest.param("ftp://example.com/", id="other protocol"),
        pytest.param("ms-excel:ofe|u|https://example.com/a.xlsx", id="office protocol"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("file://server/share/a.xlsx", id="file on a server"),
        pytest.param(r"\\server\share", id="UNC"),
        pytest.param(r"https:\\example.com", id="backslashes"),
        pytest.param(r"https://example.com\@other.example", id="backslash in the host"),
        pytest.param("https://klarify.me@example.com/", id="user name"),
        pytest.param("https://user:word@example.com/", id="user name and password"),
        pytest.param("https://@example.com/", id="empty user name"),
        pytest.param("https://example.com:8443/", id="port"),
        pytest.param("https://example.com:/", id="empty port"),
        pytest.param("https://example.com:port/", id="port without number"),
        pytest.param("https://127.0.0.1/", id="IPv4"),
        pytest.param("https://2130706433/", id="IPv4 as a number"),
        pytest.param("https://0x7f.1/", id="IPv4 in disguise"),
        pytest.param("https://[::1]/", id="IPv6"),
        pytest.param("https://[::1/", id="IPv6 broken"),
        pytest.param("https://localhost/", id="no domain"),
        pytest.param("https:///path", id="no host"),
        pytest.param("https:example.com", id="no slashes"),
        pytest.param("https://example.com./", id="dot after the host"),
        pytest.param("https://example..com/", id="empty label"),
        pytest.param("https://-example.com/", id="hyphen first"),
        pytest.param("https://example-.com/", id="hyphen last"),
        pytest.param("https://a.-b.com/", id="hyphen first within"),
        pytest.param("https://exa_mple.com/", id="underscore"),
        pytest.param("https://xn--klarfy-5va.me/", id="punycode"),
        pytest.param("https://XN--klarfy-5va.me/", id="punycode in capitals"),
        pytest.param("https://a.xn--p1ai/", id="punycode at the end"),
        pytest.param("https://kl\N{CYRILLIC SMALL LETTER A}rify.me/", id="Cyrillic letter"),
        pytest.param("https://münchen.example.com/", id="umlaut in the host"),
        pytest.param("https://example。com/", id="ideographic full stop"),
        pytest.param("https://example℀.com/", id="sign that becomes a slash"),
        pytest.param("https://example.com%2f@other.example/", id="encoded host"),
        pytest.param("https://example.com/a b", id="space"),
        pytest.param(" https://example.com/", id="space before"),
        pytest.param("https://example.com/\N{NO-BREAK SPACE}", id="no-break space"),
        pytest.param('https://example.com/"x', id="quote"),
        pytest.param("https://example.com/<b>", id="angle brackets"),
        pytest.param("https://example.com/a\nb", id="line feed"),
        pytest.param("https://example.com/a\tb", id="tab"),
        pytest.param("https://example.com/\0", id="null"),
        pytest.param("https://example.com/\ud800", id="half a character"),
        pytest.param("https://example.com/\N{RIGHT-TO-LEFT OVERRIDE}gpj", id="reversed"),
    ],
)
def test_other_addresses_are_only_shown(address: str) -> None:
    assert link_target(address) is None


def test_links_are_as_long_as_excel_allows_after_encoding() -> None:
    start = "https://example.com/"
    longest = start + "x" * (EXCEL_LINK_CHARACTERS - len(start))
    assert len(longest) == 2_079
    assert link_target(longest) == longest
    assert link_target(longest + "x") is None
    assert link_target(start + "ü" * 400) is None


@given(st.one_of(TEXTS, st.builds("https://example.com/{}".format, TEXTS)))
def test_a_link_is_always_a_plain_ascii_web_address(text: str) -> None:
    target = link_target(text)
    if target is not None:
        assert target.isascii()
        assert target.isprintable()
        assert " " not in target
        assert target.lower().startswith("https://")
        assert link_target(target) == target
