"""Whatever people do in the file, and the organisation meanwhile, a refresh loses nothing."""

import contextlib
import random
import tempfile
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from openpyxl import load_workbook
from openpyxl.formula.translate import Translator
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.filters import SortCondition, SortState
from openpyxl.worksheet.table import Table, TableColumn, TableFormula

import klarify_xl
from klarify_xl.demo import DemoServer, Organisation

from .lint import lint
from .rich.grid import bounds
from .rich.view import View, our_titles, viewed
from .test_in_place import archived
from .workbooks import NOW

MOST_COLUMNS = 3
MOST_ROWS = 3
NAMES = [f"{verb} {noun}" for verb in ("Approve", "Plan", "Review") for noun in ("budget", "leave")]


@dataclass
class Cells:
    """A cell as an editing program holds it: what it shows, how, and where it leads."""

    value: Any
    style: Any
    link: Any
    row: int


@dataclass
class Edited:
    """Our table in a file opened for editing; leaving the context saves the file.

    Attributes:
        sheet: Its sheet.
        table: The table.
        rows: Its rows, to be changed at will; written back when saved.
    """

    sheet: Any
    table: Table
    rows: list[list[Cells]] = field(default_factory=list)

    @property
    def titles(self) -> list[str]:
        return [str(column.name) for column in self.table.tableColumns]

    def find(self, title: str) -> int:
        return self.titles.index(title)

    def identity(self, row: Sequence[Cells]) -> str | None:
        value = row[self.find("ID")].value
        return None if value is None else str(value)

    def read(self) -> None:
        _, top, right, bottom = bounds(self.table.ref)
        self.rows = [
            [self._take(number, column) for column in range(1, right + 1)]
            for number in range(top + 1, bottom + 1)
        ]

    def _take(self, number: int, column: int) -> Cells:
        cell = self.sheet.cell(number, column)
        return Cells(cell.value, copy(cell._style), cell._hyperlink, number)

    def write(self) -> None:
        """Put the rows where they now stand, as moving them in a spreadsheet program does."""
        _, top, right, bottom = bounds(self.table.ref)
        hidden = {
            number: self.sheet.row_dimensions[number].hidden
            for number in range(top + 1, bottom + 1)
        }
        for number in range(top + 1, bottom + 1):
            for column in range(1, right + 1):
                self.sheet._cells.pop((number, column), None)
            self.sheet.row_dimensions.pop(number, None)
        for number, row in enumerate(self.rows, start=top + 1):
            self.sheet.row_dimensions[number].hidden = hidden.get(row[0].row, False)
            for column, cell in enumerate(row, start=1):
                self._put(number, column, cell)
        last = top + max(1, len(self.rows))
        self.table.ref = f"A{top}:{get_column_letter(len(self.titles))}{last}"
        if self.table.autoFilter is not None:
            self.table.autoFilter.ref = self.table.ref
        if self.table.sortState is not None:
            letter = get_column_letter(self.find("Name") + 1)
            self.table.sortState.ref = f"A{top + 1}:{get_column_letter(len(self.titles))}{last}"
            for condition in self.table.sortState.sortCondition:
                condition.ref = f"{letter}{top + 1}:{letter}{last}"

    def _put(self, number: int, column: int, cell: Cells) -> None:
        new = self.sheet.cell(number, column)
        value = cell.value
        if isinstance(value, str) and value.startswith("=LEN("):
            origin = f"{new.column_letter}{cell.row}"
            value = Translator(value, origin=origin).translate_formula(new.coordinate)
        new.value = value
        if isinstance(value, str) and not value.startswith("=LEN("):
            # A text stays one, whatever it looks like.
            new.data_type = "s"
        new._style = cell.style
        if cell.link is not None:
            cell.link.ref = new.coordinate
            new._hyperlink = cell.link


@contextlib.contextmanager
def edited(file: Path) -> Iterator[Edited]:
    """Open Procedures for editing, and save it afterwards."""
    book = load_workbook(file)
    sheet = next(sheet for sheet in book.worksheets if "Procedures" in sheet.tables)
    # Over shorter rows openpyxl would leave the links of longer ones.
    found = Edited(sheet, sheet.tables["Procedures"])
    found.read()
    yield found
    found.write()
    book.save(file)


class Person(RuleBasedStateMachine):
    """A person who works in the workbook, and an organisation that lives on."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "procedures.xlsx"
        self.organisation = Organisation(procedures=0, seed=5, now=NOW)
        self.server = DemoServer(self.organisation)
        self.server.start()
        self.notes: dict[tuple[str, str], str] = {}
        self.formulas: dict[str, str] = {}
        self.own: list[str] = []
        self.planned: dict[str, str] = {}
        self.hidden: set[str] = set()
        self.removed: dict[str, dict[str, Any]] = {}
        self.order = "ours"
        self.usual: list[str] = []
        self.number = 0
        self.sheet = "Procedures"

    def teardown(self) -> None:
        self.server.stop()
        self.folder.cleanup()

    @initialize(
        kind=st.sampled_from(["structured", "ordinary", "undeclared"]), middle=st.booleans()
    )
    def begin(self, *, kind: str, middle: bool) -> None:
        for _ in range(6):
            self._add()
        self._refresh()
        self.usual, _ = self._standing()
        with edited(self.file) as table:
            self.add_a_column(table, middle=middle)
            self.add_a_column_of_formulas(table, kind)
            for place in range(0, 6, 2):
                self.type_a_note(table, place, 0, "first")

    # The organisation

    def _add(self) -> None:
        self.number += 1
        name = f"{NAMES[self.number % len(NAMES)]} {self.number}"
        lanes = ["Finance", "Legal"][: self.number % 3]
        self.organisation.add(name=name, lanes=lanes, called_within=[], called_from=[])

    def _later(self) -> None:
        self.organisation.now += timedelta(minutes=10)

    # By a seed: what hypothesis makes up itself is too much alike for things to meet each other.
    @rule(seed=st.integers(0, 2**32))
    def a_day_passes(self, seed: int) -> None:
        chance = random.Random(seed)
        with edited(self.file) as table:
            for _ in range(chance.randint(0, 4)):
                self._act(table, chance.randrange(11), chance.randrange(40), chance.randrange(40))
        self._live_on(chance)
        self.refresh()

    def _live_on(self, chance: random.Random) -> None:
        """Let people rename, add and remove procedures, and have removed ones return."""
        self._later()
        for _ in range(chance.randint(0, 2)):
            self.number += 1
            name = f"{chance.choice(('Aardvark', 'Middle', 'Zebra'))} {self.number}"
            self.organisation.edit(chance.choice(self.organisation.rows)["id"], name=name)
        if self.removed and chance.random() < 0.5:
            row = self.removed.pop(min(self.removed))
            stamp = f"{self.organisation.now:%Y-%m-%dT%H:%M:%SZ}"
            self.organisation.add(**{**row, "updated_at": stamp})
        for _ in range(chance.randint(0, 2)):
            row = chance.choice(self.organisation.rows)
            if len(self.organisation.rows) > 3:
                self.organisation.remove(row["id"])
                self.removed[row["id"]] = row
        for _ in range(chance.randint(0, 2)):
            self._add()

    # The person

    def _act(self, table: Edited, action: int, place: int, other: int) -> None:
        """Do one of the things that people do, somewhere."""
        words = ("checked", "ask Aiko", "=no formula", "007", "ünïcode", "a\nb")
        kinds = ("structured", "ordinary", "undeclared")
        (
            lambda: self.type_a_note(table, place, other, words[other % len(words)]),
            lambda: self.type_a_note(table, other, place, words[place % len(words)]),
            lambda: self.clear_a_note(table, place),
            lambda: self.add_a_column(table, middle=bool(other % 2)),
            lambda: self.add_a_column_of_formulas(table, kinds[other % len(kinds)]),
            lambda: self.sort_by_name(
                table, descending=bool(place % 2), remembered=bool(other % 3 == 0)
            ),
            lambda: self.swap_two_columns(table, place, other),
            lambda: self.hide_a_column(table, place),
            lambda: self.hide_or_show_a_row(table, place),
            lambda: self.insert_a_row(table, place),
            lambda: self.delete_a_row(table, place) if other % 2 else self.rename_the_sheet(table),
        )[action]()

    def add_a_column(self, table: Edited, *, middle: bool) -> None:
        if len(self.own) == MOST_COLUMNS:
            return
        title = f"Own {len(self.own)}"
        number = 1 + max(column.id for column in table.table.tableColumns)
        place = 3 if middle else len(table.titles)
        self._insert(table, place, TableColumn(id=number, name=title))
        self.own.append(title)

    def _insert(self, table: Edited, place: int, column: TableColumn) -> None:
        right = len(table.titles)
        header = [table.sheet.cell(1, number + 1).value for number in range(right)]
        widths = [self._width(table, number) for number in range(right)]
        table.table.tableColumns.insert(place, column)
        header.insert(place, column.name)
        widths.insert(place, (15.0, False))
        style = copy(table.sheet["A1"]._style)
        for number, (text, width) in enumerate(zip(header, widths, strict=True)):
            cell = table.sheet.cell(1, number + 1)
            cell.value, cell._style = text, style
            self._set_width(table, number, width)
        for row in table.rows:
            row.insert(place, Cells(None, copy(row[0].style), None, row[0].row))
        self._point_formulas(table)

    def _width(self, table: Edited, place: int) -> tuple[float, bool]:
        found = table.sheet.column_dimensions[get_column_letter(place + 1)]
        return found.width, bool(found.hidden)

    def _set_width(self, table: Edited, place: int, width: tuple[float, bool]) -> None:
        found = table.sheet.column_dimensions[get_column_letter(place + 1)]
        found.width, found.hidden = width

    def _point_formulas(self, table: Edited) -> None:
        """Let formulas refer to Name where it now is, as spreadsheet programs do."""
        letter = get_column_letter(table.find("Name") + 1)
        for title, kind in self.formulas.items():
            place = table.find(title)
            for row in table.rows:
                if row[place].value is not None:
                    row[place].value = self._formula(kind, letter, row[place].row)
            column = table.table.tableColumns[place]
            if column.calculatedColumnFormula is not None:
                text = self._formula(kind, letter, 2).removeprefix("=")
                column.calculatedColumnFormula = TableFormula(attr_text=text)

    @staticmethod
    def _formula(kind: str, letter: str, row: int) -> str:
        if kind == "structured":
            return "=LEN(Procedures[[#This Row],[Name]])"
        return f"=LEN({letter}{row})"

    def add_a_column_of_formulas(self, table: Edited, kind: str) -> None:
        if len(self.formulas) == MOST_COLUMNS:
            return
        title = f"Worked out {len(self.formulas)}"
        number = 1 + max(column.id for column in table.table.tableColumns)
        letter = get_column_letter(table.find("Name") + 1)
        column = TableColumn(id=number, name=title)
        if kind != "undeclared":
            text = self._formula(kind, letter, 2).removeprefix("=")
            column.calculatedColumnFormula = TableFormula(attr_text=text)
        self._insert(table, len(table.titles), column)
        for row in table.rows:
            row[-1].value = self._formula(kind, letter, row[-1].row)
        self.formulas[title] = kind

    def type_a_note(self, table: Edited, place: int, column: int, word: str) -> None:
        title = self.own[column % len(self.own)]
        row = table.rows[place % len(table.rows)]
        self.number += 1
        text = f"{word} {self.number}"
        row[table.find(title)].value = text
        identity = table.identity(row)
        if identity is None:
            name = str(row[table.find("Name")].value)
            self.planned[name] = f"{self.planned.get(name, '')}{text}"
            # Only the last note of such a row is looked for.
            self.planned[name] = text
            for other in self.own:
                if other != title:
                    row[table.find(other)].value = None
        else:
            self.notes[identity, title] = text

    def clear_a_note(self, table: Edited, place: int) -> None:
        if not self.notes:
            return
        identity, title = sorted(self.notes)[place % len(self.notes)]
        for row in table.rows:
            if table.identity(row) == identity:
                row[table.find(title)].value = None
                del self.notes[identity, title]

    def sort_by_name(self, table: Edited, *, descending: bool, remembered: bool) -> None:
        place = table.find("Name")
        table.rows.sort(key=lambda row: str(row[place].value).casefold(), reverse=descending)
        table.table.sortState = None
        if remembered:
            condition = SortCondition(ref="B2:B3", descending=descending or None)
            table.table.sortState = SortState(ref="A2:B3", sortCondition=[condition])
        kind = "sorted down" if descending else "sorted up"
        self.order = kind if remembered else "kept"

    def swap_two_columns(self, table: Edited, one: int, other: int) -> None:
        count = len(table.titles)
        first, second = one % count, other % count
        for items in (table.table.tableColumns, *table.rows):
            items[first], items[second] = items[second], items[first]
        widths = self._width(table, first), self._width(table, second)
        self._set_width(table, first, widths[1])
        self._set_width(table, second, widths[0])
        cells = table.sheet.cell(1, first + 1), table.sheet.cell(1, second + 1)
        cells[0].value, cells[1].value = cells[1].value, cells[0].value
        self._point_formulas(table)

    def hide_a_column(self, table: Edited, place: int) -> None:
        place %= len(table.titles)
        width, hidden = self._width(table, place)
        self._set_width(table, place, (width, not hidden))

    def hide_or_show_a_row(self, table: Edited, place: int) -> None:
        row = table.rows[place % len(table.rows)]
        identity = table.identity(row)
        if identity is None:
            return
        table.sheet.row_dimensions[row[0].row].hidden = identity not in self.hidden
        self.hidden ^= {identity}

    def insert_a_row(self, table: Edited, place: int) -> None:
        if len(self.planned) == MOST_ROWS:
            return
        self.number += 1
        name = f"Planned {self.number}"
        model = table.rows[0]
        row = [Cells(None, copy(cell.style), None, 1) for cell in model]
        row[table.find("Name")].value = name
        letter = get_column_letter(table.find("Name") + 1)
        for title, kind in self.formulas.items():
            row[table.find(title)].value = self._formula(kind, letter, 1)
        table.rows.insert(place % (len(table.rows) + 1), row)
        self.planned[name] = ""

    def delete_a_row(self, table: Edited, place: int) -> None:
        if len(table.rows) < 3:
            return
        row = table.rows.pop(place % len(table.rows))
        identity, name = table.identity(row), str(row[table.find("Name")].value)
        if identity is None:
            del self.planned[name]
            return
        self.hidden.discard(identity)
        self.notes = {key: note for key, note in self.notes.items() if key[0] != identity}

    def rename_the_sheet(self, table: Edited) -> None:
        self.number += 1
        table.sheet.title = self.sheet = f"Ours & {self.number}"

    # The refresh

    def _view(self) -> View:
        return viewed(self.file)["Procedures"]

    @staticmethod
    def _ids_of(view: View) -> list[str]:
        return [str(one) for one in view.column("ID") if one is not None]

    def _refresh(self) -> str:
        return klarify_xl.refresh(
            self.file,
            access_key=self.server.access_key,
            base_url=self.server.url,
            store=self.file.with_suffix(".db"),
            accept_removals=True,
        ).outcome

    def refresh(self) -> None:
        before, columns = self._standing()
        self._refresh()
        view = self._view()
        after = self._ids_of(view)
        listed = {str(row["id"]): row for row in self.organisation.rows}
        self._check_rows(view, listed)
        self._check_order(before, after, listed)
        self._check_notes(view, listed)
        assert view.sheet == self.sheet
        assert self._standing() == (after, columns)
        assert lint(self.file) == []
        content = self.file.read_bytes()
        assert self._refresh() == "unchanged"
        assert self.file.read_bytes() == content
        self.hidden &= set(listed)

    def _standing(self) -> tuple[list[str], list[tuple[str, tuple[float, bool]]]]:
        """Return the ids from the top, and titles and looks of the columns from the left."""
        sheet: Any = load_workbook(self.file)[self.sheet]
        table = Edited(sheet, sheet.tables["Procedures"])
        table.read()
        ids = [table.identity(row) for row in table.rows]
        columns = [(title, self._width(table, at)) for at, title in enumerate(table.titles)]
        return [one for one in ids if one is not None], columns

    def _check_rows(self, view: View, listed: dict[str, dict[str, Any]]) -> None:
        rows = {str(row.values["ID"]): row for row in view.rows if row.values["ID"] is not None}
        assert sorted(self._ids_of(view)) == sorted(listed)
        for identity, row in rows.items():
            wanted = listed[identity]
            assert row.values["Name"] == wanted["name"]
            assert row.values["Status"] == wanted["status"]
            assert row.values["Owner"] == (wanted["owner"] or None)
            assert row.values["Lanes"] == ("; ".join(wanted["lanes"]) or None)
            assert row.values["Link"] == wanted["url"]
            assert row.hidden == (identity in self.hidden)
        letter = get_column_letter(view.titles.index("Name") + 1)
        for title, kind in self.formulas.items():
            formula = self._formula(kind, letter, 0).replace(f"{letter}0", f"{letter}<+0>")
            for row in view.rows:
                assert row.values[title] == formula, (title, row.values["Name"])
        assert set(our_titles()["Procedures"]) <= set(view.titles)

    def _check_order(
        self, before: list[str], after: list[str], listed: dict[str, dict[str, Any]]
    ) -> None:
        names = [str(listed[identity]["name"]).casefold() for identity in after]
        usual = sorted(listed, key=lambda one: (listed[one]["name"].casefold(), one))
        kept = [identity for identity in before if identity in listed]
        new = [identity for identity in usual if identity not in kept]
        if self.order.startswith("sorted"):
            assert names == sorted(names, reverse=self.order == "sorted down")
            self.usual = []
            return
        # An order that happens to be the usual one can't be told from it.
        is_usual = before == self.usual or kept == [one for one in usual if one in kept]
        assert after == (usual if is_usual else kept + new)
        self.order = "ours" if is_usual else "kept"
        self.usual = usual if is_usual else []

    def _check_notes(self, view: View, listed: dict[str, dict[str, Any]]) -> None:
        rows = {str(row.values["ID"]): row for row in view.rows if row.values["ID"] is not None}
        kept = archived(self.file)
        for (identity, title), note in self.notes.items():
            if identity in listed:
                assert rows[identity].values[title] == note
            else:
                assert [row["Note"] for row in kept if self._is_of(row, identity, title)] == [note]
        own = {str(row.values["Name"]): row for row in view.rows if row.values["ID"] is None}
        assert set(own) - {"None"} == set(self.planned)
        for name, note in self.planned.items():
            assert note in [*own[name].values.values(), ""]
        typed = sum(value is not None for row in view.rows for value in self._typed(row).values())
        assert typed == sum(identity in listed for identity, _ in self.notes) + sum(
            note != "" for note in self.planned.values()
        )

    def _typed(self, row: Any) -> dict[str, Any]:
        return {title: row.values[title] for title in self.own}

    @staticmethod
    def _is_of(row: dict[str, Any], identity: str, title: str) -> bool:
        return identity in str(row["Row"]) and row["Column"] == title


def test_nothing_is_lost_whatever_people_do() -> None:
    run_state_machine_as_test(
        Person,
        settings=settings(
            max_examples=12,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # Seeds don't shrink to anything that tells more.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            print_blob=True,
        ),
    )
