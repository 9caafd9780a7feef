"""The VBA module RibbonKlarify from the ribbon's declaration."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from klarify_xl.headless.marks import REFRESHED_MARK, RESULT_MARK
from klarify_xl.language import Language
from klarify_xl.ribbon import ALWAYS, MODULE, STATUS_TEXTS, Button, Status, Tab, Usable
from klarify_xl.ribbon.markup import on_action

MODULE_NAME: Final = "RibbonKlarify"

_LAST_ASCII: Final = 126


def ribbon_module(tab: Tab) -> str:
    """Return the source of the VBA module, in ASCII: other letters depend on a code page."""
    source = (files(__package__) / f"{MODULE_NAME}.bas").read_text(encoding="ascii")
    values = {
        "module": MODULE,
        "refreshed": REFRESHED_MARK,
        "result": RESULT_MARK,
    }
    for name, value in values.items():
        source = source.replace(f"{{{name}}}", value)
    parts = {
        "clicks": _clicks(tab),
        "status labels": _status_labels(tab),
        "status details": _status_details(tab),
        "usable cases": _usable_cases(tab),
        "usable list": _usable_list(tab),
        "texts": _text_cases(tab),
    }
    lines: list[str] = []
    for line in source.splitlines():
        part = line.strip().removeprefix("' {").removesuffix("}")
        indent = line[: len(line) - len(line.lstrip())]
        lines += [indent + one if one else "" for one in parts[part]] if part in parts else [line]
    return "\n".join(lines) + "\n"


def literal(text: str) -> str:
    """Return an expression of VBA for a text, in ASCII."""
    parts: list[str] = []
    plain = ""
    for character in text:
        if " " <= character <= chr(_LAST_ASCII):
            plain += character.replace('"', '""')
            continue
        parts += [f'"{plain}"'] if plain else []
        parts.append(f"ChrW({ord(character)})")
        plain = ""
    if plain or not parts:
        parts.append(f'"{plain}"')
    return " & ".join(parts)


def _clicks(tab: Tab) -> list[str]:
    lines: list[str] = []
    for one in tab.buttons:
        lines += [
            f"Sub {on_action(one)}(control As IRibbonControl)",
            f'    RunEntry "{one.entry}"',
            "End Sub",
            "",
        ]
    return lines[:-1]


def _status_labels(tab: Tab) -> list[str]:
    return [
        f'Case "{one.id}": LabelOf = {one.text}()'
        for one in tab.controls
        if isinstance(one, Status)
    ]


def _status_details(tab: Tab) -> list[str]:
    lines: list[str] = []
    for one in tab.controls:
        if isinstance(one, Status) and one.detail:
            told = f"SupertipOf = {one.detail}() & vbCrLf & SupertipOf"
            lines += [f'Case "{one.id}"', f'    If {one.detail}() <> "" Then {told}']
    return lines


def _limited(tab: Tab) -> Iterator[Button]:
    return (one for one in tab.buttons if one.usable != ALWAYS)


def _usable_cases(tab: Tab) -> list[str]:
    return [f'Case "{one.id}": CanUse = {_condition(one.usable)}' for one in _limited(tab)]


def _usable_list(tab: Tab) -> list[str]:
    """Return what joins the states of the controls that depend on the selection."""
    selected = [one for one in _limited(tab) if one.usable.on_sheet_of or one.usable.on_row_of]
    return ["UsableHere = " + ' & "," & '.join(f'CanUse("{one.id}")' for one in selected)]


def _condition(usable: Usable) -> str:
    conditions = [f'HasTable("{usable.table}")'] if usable.table else []
    for function, tables in (("OnSheetOf", usable.on_sheet_of), ("OnRowOf", usable.on_row_of)):
        conditions += [f'{function}("|{"|".join(tables)}|")'] if tables else []
    return " And ".join(conditions)


def _text_cases(tab: Tab) -> list[str]:
    german = Language("de")
    return [
        f'Case "{name}": Said = IIf(german, {literal(german(text))}, {literal(text)})'
        for name, text in ribbon_texts(tab)
    ]


def ribbon_texts(tab: Tab) -> Iterator[tuple[str, str]]:
    """Yield all texts of the ribbon by the names that the VBA module has for them."""
    for group in tab.groups:
        yield f"{group.id}.label", group.label
    for one in tab.controls:
        if not isinstance(one, Status):
            yield f"{one.id}.label", one.label
        yield f"{one.id}.screentip", one.screentip
        yield f"{one.id}.supertip", one.supertip
    yield from STATUS_TEXTS.items()
