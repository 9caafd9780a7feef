"""Writes the VBA that lists the worksheet functions in Excel's wizard, from their own help.

The wizard shows it in the language of Office: in German where a person has that, else in English.
"""

import inspect
from dataclasses import dataclass
from typing import Final, get_type_hints

from klarify_xl import udfs
from klarify_xl.language import LANGUAGES, Language
from klarify_xl.ribbon.module import literal

MODULE_NAME: Final = "FunctionsKlarify"

LONGEST: Final = 255
"""Characters of a description, or of an argument's, that ``Application.MacroOptions`` takes."""

_NAMES: Final = {"en": "English", "de": "German"}
_MODULE: Final = """\
' Lists the worksheet functions in Excel's wizard, in a category of their own.
' Written by scripts/build_template.py from klarify_xl.udfs. What is changed here is lost.
Option Explicit

' Called when the workbook opens. What it tells Excel is nothing that anybody has to save.
Sub KlarifyDescribeFunctions(book As Workbook)
    Dim wasSaved As Boolean
    ' Excel refuses it, for example, while the workbook is hidden. The functions work all the same.
    On Error Resume Next
    wasSaved = book.Saved
    If SpeaksGerman() Then
        DescribeInGerman book
    Else
        DescribeInEnglish book
    End If
    If wasSaved Then book.Saved = True
End Sub

Private Sub Describe(book As Workbook, name As String, text As String, Optional arguments)
    Dim macro As String
    macro = "'" & Replace(book.Name, "'", "''") & "'!" & name
    If IsMissing(arguments) Then
        Application.MacroOptions Macro:=macro, Description:=text, Category:={category}
    Else
        Application.MacroOptions Macro:=macro, Description:=text, Category:={category}, _
            ArgumentDescriptions:=arguments
    End If
End Sub
"""


@dataclass(frozen=True)
class Argument:
    """An argument of a worksheet function: its name, whether it may be left out, and its help."""

    name: str
    is_optional: bool
    help: str


@dataclass(frozen=True)
class Function:
    """A worksheet function: its name, its description, and its arguments in order."""

    name: str
    description: str
    arguments: tuple[Argument, ...]


def worksheet_functions() -> tuple[Function, ...]:
    """Return the functions of `klarify_xl.udfs` in the order in which they stand there."""
    return tuple(
        Function(name, inspect.getdoc(one) or "", _arguments(one))
        for name, one in vars(udfs).items()
        if name.startswith("KLARIFY_")
    )


def _arguments(function: object) -> tuple[Argument, ...]:
    hints = get_type_hints(function, include_extras=True)
    return tuple(
        Argument(one.name, one.default is not one.empty, hints[one.name].__metadata__[0]["doc"])
        for one in inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    )


def descriptions_module() -> str:
    """Return the source of the VBA module, in ASCII."""
    parts = [_MODULE.replace("{category}", literal(udfs.CATEGORY))]
    for code in LANGUAGES:
        lines = [line for one in worksheet_functions() for line in _described(one, Language(code))]
        body = "\n".join(lines)
        parts.append(f"Private Sub DescribeIn{_NAMES[code]}(book As Workbook)\n{body}\nEnd Sub\n")
    return "\n".join(parts)


def _described(function: Function, say: Language) -> list[str]:
    """Return the call that describes a function: a statement in lines that the editor takes."""
    texts = [
        literal(say(function.description)),
        *(literal(say(one.help)) for one in function.arguments),
    ]
    first = f'    Describe book, "{function.name}", _'
    if not function.arguments:
        return [first, f"        {texts[0]}"]
    arguments = ", _\n            ".join(texts[1:])
    return [first, f"        {texts[0]}, _", f"        Array({arguments})"]
