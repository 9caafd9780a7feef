"""The tab Klarify of Excel's ribbon, declared once; its XML and its VBA derive from here."""

from dataclasses import dataclass
from typing import Final

from klarify_xl.language import Phrase

MODULE: Final = "klarify_xl.live"
"""Where the functions are that the buttons run."""

ROW_TABLES: Final = ("Procedures", "Lanes", "Relationships", "Changes", "Health")
"""Tables whose rows belong to a procedure each."""

NOTES_TABLES: Final = ("Procedures", "Lanes", "LaneTotals", "Relationships", "Changes", "Health")
"""Tables beside which people write."""


@dataclass(frozen=True)
class Usable:
    """When a control can be used.

    Attributes:
        table: Where the workbook has this table; "" for any workbook.
        on_sheet_of: While a sheet with one of these tables is the active one.
        on_row_of: While a row of one of these tables is selected.
    """

    table: str = ""
    on_sheet_of: tuple[str, ...] = ()
    on_row_of: tuple[str, ...] = ()


ALWAYS: Final = Usable()
OURS: Final = Usable(table="Procedures")


@dataclass(frozen=True)
class Button:
    """A button.

    Attributes:
        id: Its id in XML and VBA.
        label: What stands on it or below.
        screentip: Headline of what is told while the pointer rests on it.
        supertip: The text below.
        image: Name of an image that Office has.
        keytip: Keys that press it after Alt and those of the tab.
        entry: The function of `MODULE` that it runs.
        usable: When it can be used.
        large: Whether it takes the ribbon's full height.
    """

    id: str
    label: Phrase
    screentip: Phrase
    supertip: Phrase
    image: str
    keytip: str
    entry: str
    usable: Usable = OURS
    large: bool = False


@dataclass(frozen=True)
class Menu:
    """A menu of buttons; attributes as of `Button`."""

    id: str
    label: Phrase
    screentip: Phrase
    supertip: Phrase
    image: str
    keytip: str
    buttons: tuple[Button, ...]
    large: bool = False


@dataclass(frozen=True)
class Status:
    """A line of text that tells how things are.

    Attributes:
        id: Its id in XML and VBA.
        text: The VBA function that gives the text.
        screentip: Headline of what is told while the pointer rests on it.
        supertip: The text below.
        detail: The VBA function that gives what is told before that; "" for none.
    """

    id: str
    text: str
    screentip: Phrase
    supertip: Phrase
    detail: str = ""


Control = Button | Menu | Status


@dataclass(frozen=True)
class Group:
    """Controls that stand together under a label."""

    id: str
    label: Phrase
    controls: tuple[Control, ...]


@dataclass(frozen=True)
class Tab:
    """A tab of the ribbon; its label is a name and the same in all languages."""

    id: str
    label: str
    keytip: str
    groups: tuple[Group, ...]

    @property
    def controls(self) -> tuple[Control, ...]:
        """All controls, those in menus after their menu."""
        found: list[Control] = []
        for group in self.groups:
            for one in group.controls:
                found.append(one)
                found += one.buttons if isinstance(one, Menu) else ()
        return tuple(found)

    @property
    def buttons(self) -> tuple[Button, ...]:
        """All buttons, those in menus, too."""
        return tuple(one for one in self.controls if isinstance(one, Button))


REFRESH: Final = Group(
    "KlarifyGroupRefresh",
    Phrase("Refresh"),
    (
        Button(
            "KlarifyRefresh",
            Phrase("Refresh"),
            Phrase("Bring this workbook up to date"),
            Phrase(
                "Reads from Klarify what has changed since the last refresh. Your notes, columns, "
                "formats and sheets stay as they are."
            ),
            "Refresh",
            "R",
            "refresh",
            large=True,
        ),
        Button(
            "KlarifyRefreshEverything",
            Phrase("Refresh everything"),
            Phrase("Read everything again"),
            Phrase(
                "Reads all procedures, and so notices what Klarify does not stamp as changed: "
                "renamed references, for example. It takes longer, and is done once a day anyway."
            ),
            "RefreshAll",
            "E",
            "refresh_everything",
        ),
        Status(
            "KlarifyAge",
            "AgeText",
            Phrase("When the data was last compared with Klarify"),
            Phrase(
                "Counted from the last refresh that succeeded, on this computer or on a server."
            ),
        ),
        Status(
            "KlarifyResult",
            "ResultText",
            Phrase("How the last refresh went"),
            Phrase("After a failure the workbook is as it was before; Refresh tries again."),
            detail="FailureText",
        ),
    ),
)

LOOK: Final = Group(
    "KlarifyGroupLook",
    Phrase("Look at"),
    (
        Button(
            "KlarifyChanges",
            Phrase("What changed"),
            Phrase("Show what changed"),
            Phrase("Goes to the sheet with all changes that refreshes noticed, the newest first."),
            "ReviewTrackChanges",
            "C",
            "show_changes",
            Usable(table="Changes"),
            large=True,
        ),
        Button(
            "KlarifyHealth",
            Phrase("Health"),
            Phrase("Show what needs care"),
            Phrase(
                "Goes to the sheet with gaps, doubts and contradictions, and says why each one "
                "matters."
            ),
            "TraceError",
            "H",
            "show_health",
            Usable(table="Health"),
            large=True,
        ),
        Button(
            "KlarifyOpen",
            Phrase("Open in Klarify"),
            Phrase("Open the selected procedure in Klarify"),
            Phrase("Select a row that belongs to a procedure; its page opens in your browser."),
            "HyperlinkOpenExcel",
            "O",
            "open_in_klarify",
            Usable(on_row_of=ROW_TABLES),
            large=True,
        ),
    ),
)

WORK: Final = Group(
    "KlarifyGroupWork",
    Phrase("Your work"),
    (
        Button(
            "KlarifyNotes",
            Phrase("Notes column"),
            Phrase("Add a column for your notes"),
            Phrase(
                "Adds a column at the right of the table. What you write there follows its "
                "procedure whenever rows move, and is archived if the procedure vanishes."
            ),
            "ReviewNewComment",
            "N",
            "add_notes_column",
            Usable(on_sheet_of=NOTES_TABLES),
            large=True,
        ),
    ),
)

SETTINGS: Final = Group(
    "KlarifyGroupSettings",
    Phrase("Settings and help"),
    (
        Menu(
            "KlarifySettings",
            Phrase("Settings"),
            Phrase("Access key, organisation and options"),
            Phrase("What Klarify needs to know of you, and how this workbook is to look."),
            "AdvancedFileProperties",
            "S",
            (
                Button(
                    "KlarifyKey",
                    Phrase("Access key …"),
                    Phrase("Enter the access key"),
                    Phrase(
                        "The key is kept in your operating system's keyring, never in the "
                        "workbook. Administrators find it in Klarify under Settings > "
                        "Integrations."
                    ),
                    "AdpPrimaryKey",
                    "K",
                    "set_access_key",
                    ALWAYS,
                ),
                Button(
                    "KlarifyOrganisation",
                    Phrase("Organisation …"),
                    Phrase("Choose the organisation"),
                    Phrase(
                        "Tells whose procedures this workbook shows, and chooses the address of "
                        "another organisation."
                    ),
                    "OrganizationChartInsert",
                    "G",
                    "choose_organisation",
                    ALWAYS,
                ),
                Button(
                    "KlarifyOptions",
                    Phrase("Options …"),
                    Phrase("Choose how the workbook looks"),
                    Phrase(
                        "Sheets, columns, titles, language, time zone and colours, as the next "
                        "refresh is to write them."
                    ),
                    "FieldChooser",
                    "P",
                    "edit_options",
                    ALWAYS,
                ),
            ),
            large=True,
        ),
        Button(
            "KlarifyHelp",
            Phrase("Help"),
            Phrase("How this workbook works"),
            Phrase(
                "Opens the manual: refreshing, your own work in the file, and what can go wrong."
            ),
            "Help",
            "L",
            "show_help",
            ALWAYS,
            large=True,
        ),
    ),
)

TAB: Final = Tab("KlarifyTab", "Klarify", "K", (REFRESH, LOOK, WORK, SETTINGS))

STATUS_TEXTS: Final = {
    "never": Phrase("Not refreshed yet"),
    "now": Phrase("Refreshed just now"),
    "minutes": Phrase("Refreshed {n} minutes ago"),
    "hours": Phrase("Refreshed {n} hours ago"),
    "days": Phrase("Refreshed {n} days ago"),
    "moment": Phrase("Refreshed on {n} UTC"),
    "procedures": Phrase("Procedures: {n}"),
    "failed": Phrase("The last refresh failed"),
    "error": Phrase("This could not be done:"),
}
"""What the status lines and messages say; {n} stands for a number, or for a moment."""

ENTRIES: Final = tuple(dict.fromkeys(one.entry for one in TAB.buttons))
"""The functions of `MODULE` that the ribbon runs, without arguments."""
