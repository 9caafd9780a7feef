"""What a person attached to cells whose rows have gone: comments, and links on their own cells."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from klarify_xl.headless.reading import OldRow
from klarify_xl.live.addresses import Box
from klarify_xl.live.areas import Spot


def comments_of(worksheet: Any, rows: Sequence[OldRow], box: Box) -> dict[Spot, str]:  # noqa: ANN401
    """Return the texts of comments on cells of some rows of a table.

    Args:
        worksheet: The table's sheet, as Excel's object model has it.
        rows: The rows.
        box: The table's data rows.
    """
    if not rows:
        return {}
    numbers = {row.number for row in rows}
    found = dict(_texts(worksheet.Comments))
    # Newer ones, with replies; older versions of Excel don't know them, and the collection above
    # holds at least a notice of each.
    with contextlib.suppress(Exception):
        found |= dict(_threads(worksheet.CommentsThreaded))
    return {
        (row, column): text
        for (row, column), text in found.items()
        if row in numbers and box.left <= column <= box.right and text
    }


def links_of(worksheet: Any, rows: Sequence[OldRow], own: Sequence[int]) -> dict[Spot, str]:  # noqa: ANN401
    """Return where the links on a person's cells lead.

    Args:
        worksheet: Their sheet, as Excel's object model has it.
        rows: Their rows.
        own: Their columns.
    """
    found = {}
    for row in rows:
        for column in sorted(row.own.keys() & set(own)):
            links = worksheet.Cells(row.number, column).Hyperlinks
            if int(links.Count):
                link = links(1)
                parts = (str(link.Address or ""), str(link.SubAddress or ""))
                found[row.number, column] = "#".join(part for part in parts if part)
    return found


def _threads(threads: Any) -> Iterator[tuple[Spot, str]]:  # noqa: ANN401
    for number in range(1, int(threads.Count) + 1):
        thread = threads(number)
        replies = thread.Replies
        said = [thread, *(replies(at) for at in range(1, int(replies.Count) + 1))]
        yield _place(thread), "\n".join(str(one.Text()) for one in said)


def _texts(comments: Any) -> Iterator[tuple[Spot, str]]:  # noqa: ANN401
    for number in range(1, int(comments.Count) + 1):
        comment = comments(number)
        yield _place(comment), str(comment.Text())


def _place(comment: Any) -> Spot:  # noqa: ANN401
    cell = comment.Parent
    return int(cell.Row), int(cell.Column)
