"""The sheet for what a person wrote beside a row that has gone; the writer fills it."""

from klarify_xl.plan import Sheet
from klarify_xl.sheets.inventory import ARCHIVE, Inventory


def archive_sheet(inventory: Inventory) -> Sheet:
    """Return the sheet, without rows."""
    return Sheet(
        name=ARCHIVE,
        table="ArchivedNotes",
        identity=("Sheet", "Row", "Column"),
        columns=(
            inventory.column("Archived", "moment", 17),
            inventory.column("Sheet", width=20),
            inventory.column("Row", width=44),
            inventory.column("Column", width=24),
            inventory.column("Note", width=60),
        ),
        rows=(),
        description=inventory.say("What people wrote beside rows that are no longer there."),
    )
