"""The sheet for a person's cells whose row has gone: they return with the row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from klarify_xl.headless.cells import OwnCell, xml_text
from klarify_xl.headless.merge import Line, Note, row_name
from klarify_xl.headless.reading import OldSheet
from klarify_xl.plan import Sheet

ARCHIVED = "Archived"
SHEET = "Sheet"
ROW = "Row"
COLUMN = "Column"
NOTE = "Note"


@dataclass(frozen=True)
class Entry:
    """A cell in the archive.

    Attributes:
        table: Name of the table that it was in.
        note: The cell, what its row was about and the title of its column.
        at: When it was archived, as a moment or as the cell that says so.
    """

    table: str
    note: Note
    at: datetime | OwnCell | None


class Archive:
    """A person's cells whose rows have gone."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def read(
        self, old: OldSheet, columns: dict[str, int], is_formula: Callable[[OwnCell], bool]
    ) -> None:
        """Take in what stands in the archive.

        Args:
            old: Its sheet.
            columns: Columns of the sheet, from 1, by key.
            is_formula: Tells whether an archived cell is a formula kept as a text.
        """
        for row in old.rows:
            texts = {
                key: row.own[column].text if column in row.own else ""
                for key, column in columns.items()
            }
            note = row.own.get(columns[NOTE])
            if note is not None and not note.is_empty:
                if is_formula(note):
                    formula = note.text.removeprefix("=")
                    note = replace(note, formula=formula, content="", attributes=())
                entry = Note(texts[ROW], texts[COLUMN], note)
                self.entries.append(Entry(texts[SHEET], entry, row.own.get(columns[ARCHIVED])))

    def add(self, table: str, notes: Sequence[Note], at: datetime) -> None:
        """Take in cells whose rows have gone."""
        self.entries += [Entry(table, note, at) for note in notes]

    def give_back(self, table: str, lines: Sequence[Line], columns: dict[str, int]) -> None:
        """Put cells back into rows that have returned, where nothing else stands meanwhile.

        Args:
            table: Name of the table.
            lines: Its rows.
            columns: A person's columns, from 1, by title.
        """
        if not self.entries:
            return
        rows = {row_name(line.identity): line for line in lines if line.planned is not None}
        kept = []
        for entry in self.entries:
            line = rows.get(entry.note.row)
            column = columns.get(entry.note.column)
            if entry.table != table or line is None or column is None:
                kept.append(entry)
                continue
            present = line.own.get(column)
            if present is not None and not present.is_empty:
                kept.append(entry)
                continue
            line.own[column] = replace(entry.note.cell, column=column)
        self.entries = kept

    def sheet(self, model: Sheet) -> Sheet:
        """Return the archive's sheet with its rows, the newest last.

        Args:
            model: The sheet without rows.
        """
        rows = []
        for entry in self.entries:
            values: dict[str, Any] = {
                ARCHIVED: entry.at,
                SHEET: entry.table,
                ROW: entry.note.row,
                COLUMN: entry.note.column,
                NOTE: entry.note.cell,
            }
            rows.append(tuple(values[column.name] for column in model.columns))
        return replace(model, rows=tuple(rows))


def text_notes(
    texts: Mapping[tuple[int, int], str], what: str, old: OldSheet, titles: Mapping[int, str]
) -> list[Note]:
    """Return texts that belonged to cells that have gone, as notes.

    Args:
        texts: The texts, by row and column from 1.
        what: What they were, such as comments.
        old: What stood on the sheet.
        titles: Titles of its columns, from 1.
    """
    rows = {row.number: row for row in old.rows}
    notes = []
    for (row, column), text in texts.items():
        if row in rows:
            content = f'<is><t xml:space="preserve">{xml_text(text)}</t></is>'
            cell = OwnCell(row, column, (("t", "inlineStr"),), None, (), content, text)
            title = f"{titles.get(column, '')} ({what})"
            notes.append(Note(row_name(rows[row].identity), title, cell))
    return notes
