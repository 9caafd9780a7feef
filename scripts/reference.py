"""Writes the README's reference from the program itself: python scripts/reference.py."""

import re
from pathlib import Path
from typing import Any

from typer.main import get_command
from udf_descriptions import worksheet_functions

from klarify_xl.cli import app
from klarify_xl.exit_codes import EXIT_CODES, EXIT_STALE, EXIT_UNCHANGED, EXIT_UNEXPECTED
from klarify_xl.fleet.file import FLEET_SETTINGS
from klarify_xl.fleet.organisations import ORGANISATION_SETTINGS
from klarify_xl.fleet.run import FleetResult
from klarify_xl.key_reference import KEY_SOURCES
from klarify_xl.options_file import SETTINGS
from klarify_xl.outcome import RefreshResult
from klarify_xl.plan import Column, Sheet
from klarify_xl.ribbon import TAB
from klarify_xl.settings import VARIABLES
from klarify_xl.sheets import empty_plan

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- reference: written by scripts/reference.py -->\n"
END = "<!-- /reference -->\n"
COMMANDS = (
    ("refresh",),
    ("check",),
    ("changes",),
    ("export",),
    ("packs",),
    ("fleet",),
    ("status",),
    ("schedule", "install"),
    ("schedule", "show"),
    ("schedule", "remove"),
    ("options",),
    ("key", "set"),
    ("key", "show"),
    ("key", "remove"),
    ("demo",),
    ("install",),
    ("uninstall",),
)


def reference() -> str:
    """Return the reference: commands, ribbon, functions, klarify.toml, variables, exit codes."""
    parts = (
        _commands(),
        _ribbon(),
        _functions(),
        _result("refresh", RefreshResult),
        _result("fleet", FleetResult),
        _settings(),
        _fleet(),
        _variables(),
        _exit_codes(),
    )
    return "\n".join(parts)


def with_reference(readme: str) -> str:
    """Return the README with the reference as the program has it now."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{reference()}\n{END}{after}"


def _commands() -> str:
    """Return a table of options for each command, from their declarations."""
    parts = []
    for words in COMMANDS:
        command: Any = get_command(app)
        for word in words:
            command = command.commands[word]
        rows = "\n".join(
            f"| `{', '.join(option.opts)}` | {option.help}{_default(option.default)} |"
            for option in command.params
        )
        name = " ".join(words)
        table = f"| option | meaning |\n| --- | --- |\n{rows}\n\n" if rows else ""
        parts.append(
            f"<details><summary><code>klarify-xl {name}</code>: {command.help}</summary>\n\n"
            f"{table}</details>\n"
        )
    return "\n".join(parts)


def _ribbon() -> str:
    """Return a table of the ribbon's buttons, from their declaration."""
    rows = "\n".join(
        f"| {one.label} | {one.keytip} | {one.screentip}. {one.supertip} |" for one in TAB.buttons
    )
    return (
        "<details><summary>The buttons of the ribbon's tab Klarify</summary>\n\n"
        f"| button | key | what it does |\n| --- | --- | --- |\n{rows}\n\n"
        f"Alt, {TAB.keytip} and the key press a button.\n\n</details>\n"
    )


def _functions() -> str:
    """Return tables of the worksheet functions, from their docstrings and arguments' help."""
    rows = []
    helps: dict[str, list[tuple[str, str]]] = {}
    for function in worksheet_functions():
        shown = []
        for one in function.arguments:
            shown.append(f"[{one.name}]" if one.is_optional else one.name)
            helps.setdefault(one.name, []).append((one.help, function.name))
        rows.append(f"| `{function.name}({', '.join(shown)})` | {function.description} |")
    arguments = [
        f"| `{argument}` | {text}{_only_in(argument, text, helps)} |"
        for argument, told in helps.items()
        for text in dict.fromkeys(text for text, _ in told)
    ]
    return (
        "<details><summary>The functions of `klarify_xl.udfs`</summary>\n\n"
        "| function | what it gives |\n| --- | --- |\n"
        + "\n".join(rows)
        + "\n\n| argument | meaning |\n| --- | --- |\n"
        + "\n".join(arguments)
        + "\n\n</details>\n"
    )


def _only_in(argument: str, text: str, helps: dict[str, list[tuple[str, str]]]) -> str:
    """Return which functions an argument means this in, where it means something else in others."""
    names = [f"`{name}`" for told, name in helps[argument] if told == text]
    return "" if len(names) == len(helps[argument]) else f" ({', '.join(names)})"


def _default(value: object) -> str:
    if isinstance(value, list):
        value = ", ".join(value)
    return "" if value is None or value is False else f" Default: `{value}`."


def _result(command: str, kind: type) -> str:
    """Return a table of what a command gives with ``--json``, from the docstring of its result."""
    described = (kind.__doc__ or "").split("Attributes:")[1]
    rows = "\n".join(
        f"| `{name}` | {meaning.replace('``', '`')} |"
        for name, meaning in re.findall(r"^ +(\w+): (.+)$", described, re.MULTILINE)
    )
    return (
        f"<details><summary>What <code>klarify-xl {command} --json</code> gives</summary>\n\n"
        f"| name | meaning |\n| --- | --- |\n{rows}\n\nOn failure `outcome` is `failed`, with "
        "`error`, `message`, `hint` and `exit_code`.\n\n</details>\n"
    )


def _settings() -> str:
    """Return tables of what ``klarify.toml`` sets, and of the names that it knows."""
    settings = "\n".join(
        f"| `[{table}]` | `{name}` | {meaning} |"
        for table, names in SETTINGS.items()
        for name, meaning in names.items()
    )
    sheets = "\n".join(
        f"| {sheet.key} | {', '.join(_column(sheet, column) for column in sheet.columns)} |"
        if isinstance(sheet, Sheet)
        else f"| {sheet.key} | |"
        for sheet in empty_plan().sheets
    )
    return (
        "<details><summary>What <code>klarify.toml</code> sets</summary>\n\n"
        "`klarify-xl options` prints a complete one with all defaults.\n\n"
        f"| table | setting | meaning |\n| --- | --- | --- |\n{settings}\n\n"
        "Sheets and columns go by these names, whatever language and titles are chosen; a name "
        "with a space goes in double quotes. Columns in bold tell rows apart and can't be left "
        "out, nor can the sheet Procedures, nor a column by which a formula of a shown sheet "
        "counts; the message says why. Where a whole sheet is left out, figures counted from it "
        "are numbers instead of formulas.\n\n"
        f"| sheet | columns |\n| --- | --- |\n{sheets}\n\n</details>\n"
    )


def _fleet() -> str:
    """Return tables of what ``fleet.toml`` sets, and of the sources of keys."""
    tables = (("[fleet]", FLEET_SETTINGS), ("organisations, [defaults]", ORGANISATION_SETTINGS))
    settings = "\n".join(
        f"| `{table}` | `{name}` | {meaning} |"
        for table, names in tables
        for name, meaning in names.items()
    )
    sources = "\n".join(f"| `{source}` | {meaning} |" for source, meaning in KEY_SOURCES.items())
    return (
        "<details><summary>What <code>fleet.toml</code> sets</summary>\n\n"
        "`organisations` names a CSV file whose titles are these settings, or stands as "
        "`[[organisations]]` tables. `[defaults]` counts where an organisation says nothing. "
        "Relative paths start at the file's folder.\n\n"
        f"| table | setting | meaning |\n| --- | --- | --- |\n{settings}\n\n"
        f"| key | where it is kept |\n| --- | --- |\n{sources}\n\n</details>\n"
    )


def _column(sheet: Sheet, column: Column) -> str:
    return f"**{column.name}**" if column.name in sheet.identity else column.name


def _variables() -> str:
    rows = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in VARIABLES.items())
    return (
        "An explicit option wins over the environment, that over a `.env` file in the current "
        "folder, that over the keyring, and that over AWS Secrets Manager (asked if a "
        "region or the secret's name is set).\n\n"
        f"| environment or `.env` | meaning |\n| --- | --- |\n{rows}\n"
    )


def _exit_codes() -> str:
    codes = [
        (0, "done"),
        (EXIT_UNEXPECTED, "unexpected: please report it"),
        *((code, meaning) for code, meaning, _ in EXIT_CODES),
        (EXIT_UNCHANGED, "nothing changed (with `--exit-unchanged` only)"),
        (EXIT_STALE, "the last refresh failed, or is older than `--max-age` (`status` only)"),
    ]
    rows = "\n".join(f"| {code} | {meaning} |" for code, meaning in sorted(codes))
    return f"| exit code | meaning |\n| --- | --- |\n{rows}\n"


if __name__ == "__main__":
    README.write_text(with_reference(README.read_text(encoding="utf-8")), encoding="utf-8")
