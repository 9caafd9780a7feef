"""The measured work, one function each: python -m benchmark.tasks NAME ARGUMENTS."""

import json
import os
import pickle
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

Said = dict[str, Any]
"""What a task tells of itself, besides what is measured from outside."""

PAGE_SIZE: Final = 100
UDF_CALLS: Final = 10_000


@contextmanager
def stopwatch() -> Iterator[Said]:
    """Give a document that holds the seconds of what runs within, after its end."""
    said: Said = {}
    started = time.perf_counter()
    yield said
    said["seconds"] = time.perf_counter() - started


def sample_loop(url: str, engine: str, out: str) -> Said:
    """Fetch page after page as the API reference shows it, and write with pandas."""
    import pandas as pd  # noqa: PLC0415 -- its import belongs to what is measured
    import requests  # noqa: PLC0415

    rows: list[Said] = []
    page = 0
    with stopwatch() as said:
        while True:
            parameters: dict[str, str | int] = {
                "access_key": os.environ["KLARIFY_API_KEY"],
                "page": page,
                "pageSize": PAGE_SIZE,
            }
            reply = requests.get(f"{url}/api/procedures", params=parameters, timeout=30)
            reply.raise_for_status()
            document = reply.json()
            rows.extend(document["data"])
            if not document["hasNext"]:
                break
            page += 1
        pd.DataFrame(rows).to_excel(out, index=False, engine=engine)
    return said | {"procedures": len(rows)}


def fetch(url: str) -> Said:
    """Read a verified list with four pages in flight."""
    from klarify_xl.client import Client  # noqa: PLC0415
    from klarify_xl.settings import load_settings  # noqa: PLC0415
    from klarify_xl.walk import read_all  # noqa: PLC0415

    settings = load_settings(base_url=url)
    with Client(os.environ["KLARIFY_API_KEY"], settings=settings) as client:
        with stopwatch() as said:
            listing = read_all(client)
        return said | {"requests": client.request_count, "procedures": len(listing.procedures)}


def prepare(store: str, plan_file: str, rows_file: str) -> Said:
    """Keep the plan of the sheet Procedures for us, and its values as plain rows for others."""
    from klarify_xl.options import Options  # noqa: PLC0415
    from klarify_xl.plan import bare  # noqa: PLC0415
    from klarify_xl.sheets import build_plan  # noqa: PLC0415
    from klarify_xl.store import Store  # noqa: PLC0415

    with Store(store, read_only=True) as opened:
        plan = build_plan(opened, Options(shown=("Procedures",)))
    sheet = plan.tables[0]
    header = [column.title for column in sheet.columns]
    rows = [[_naive(bare(cell)) for cell in row] for row in sheet.rows]
    Path(plan_file).write_bytes(pickle.dumps(plan))
    Path(rows_file).write_bytes(pickle.dumps([header, *rows]))
    return {"cells": len(rows) * len(header)}


def _naive(value: object) -> object:
    # No writer of the others takes a moment with a time zone.
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def klarify_xl(plan_file: str, out: str) -> Said:
    """Write a plan, with formats, table, links and all."""
    from klarify_xl.collector import collector_paused  # noqa: PLC0415
    from klarify_xl.headless.target import Target  # noqa: PLC0415
    from klarify_xl.headless.workbook import write_workbook  # noqa: PLC0415

    # The others have loaded all that they need before they are measured, too.
    import_module("openpyxl")
    plan = pickle.loads(Path(plan_file).read_bytes())  # noqa: S301 -- our own file
    with stopwatch() as said, collector_paused():
        Target(Path(out)).replace(
            lambda file, _present: write_workbook(plan, file, data_mark="bench")
        )
    return said


def stages(url: str, store: str, out: str) -> Said:
    """Refresh step by step, and tell the seconds of each step."""
    with stopwatch() as loading:
        import_module("klarify_xl.cli")
        import_module("openpyxl")
    from klarify_xl.collector import collector_paused  # noqa: PLC0415
    from klarify_xl.headless.target import Target  # noqa: PLC0415
    from klarify_xl.pipeline import update_store, write_plan  # noqa: PLC0415
    from klarify_xl.settings import find_access_key, load_settings  # noqa: PLC0415
    from klarify_xl.sheets import build_plan  # noqa: PLC0415
    from klarify_xl.store import Store  # noqa: PLC0415

    settings = load_settings(base_url=url, store=store)
    found = find_access_key(settings.base_url)
    with Store(store) as opened, opened.exclusive(), collector_paused():
        with stopwatch() as reading:
            update_store(opened, settings, found)
        with stopwatch() as planning:
            plan = build_plan(opened)
        with stopwatch() as writing:
            write_plan(plan, Target(Path(out)), mark="bench")
    steps = {"loading": loading, "reading": reading, "planning": planning, "writing": writing}
    return {name: step["seconds"] for name, step in steps.items()}


def _rows(rows_file: str) -> list[list[Any]]:
    rows: list[list[Any]] = pickle.loads(Path(rows_file).read_bytes())  # noqa: S301 -- our own file
    return rows


def openpyxl(rows_file: str, out: str, write_only: str = "") -> Said:
    """Write plain rows with openpyxl."""
    from openpyxl import Workbook  # noqa: PLC0415

    rows = _rows(rows_file)
    with stopwatch() as said:
        workbook = Workbook(write_only=bool(write_only))
        sheet: Any = workbook.create_sheet("Procedures")
        for row in rows:
            sheet.append(row)
        workbook.save(out)
    return said


def xlsxwriter(rows_file: str, out: str) -> Said:
    """Write plain rows with XlsxWriter; texts are to stay texts."""
    from xlsxwriter import Workbook  # noqa: PLC0415

    rows = _rows(rows_file)
    with stopwatch() as said:
        plain = {"strings_to_formulas": False, "strings_to_urls": False}
        with Workbook(out, plain) as workbook:
            sheet = workbook.add_worksheet("Procedures")
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return said


def pyexcelerate(rows_file: str, out: str) -> Said:
    """Write plain rows with PyExcelerate."""
    from pyexcelerate import Workbook  # noqa: PLC0415

    rows = _rows(rows_file)
    with stopwatch() as said:
        workbook = Workbook()
        workbook.new_sheet("Procedures", data=rows)
        workbook.save(out)
    return said


def rustpy_xlsxwriter(rows_file: str, out: str) -> Said:
    """Write plain rows with rust_xlsxwriter, through its Python binding."""
    from rustpy_xlsxwriter import write_worksheet  # noqa: PLC0415

    header, *rows = _rows(rows_file)
    records = [dict(zip(header, row, strict=True)) for row in rows]
    with stopwatch() as said:
        write_worksheet(records, out, sheet_name="Procedures")
    return said


def add_note(file: str) -> Said:
    """Add a note beside the first procedure, as a person would, so that the file is theirs."""
    path = Path(file)
    part = "xl/worksheets/sheet2.xml"
    with zipfile.ZipFile(path) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    start, row, rest = parts[part].partition(b'<row r="2"')
    note = b'<c r="N2" t="inlineStr"><is><t>ask Ann</t></is></c></row>'
    parts[part] = start + row + rest.replace(b"</row>", note, 1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return {}


def worksheet_functions(store: str) -> Said:
    """Call worksheet functions as a sheet full of them would."""
    os.environ["KLARIFY_STORE"] = store
    from klarify_xl import graph, udfs  # noqa: PLC0415
    from klarify_xl.store import Store  # noqa: PLC0415

    with Store(store, read_only=True) as opened:
        procedures = opened.procedures()
    references = graph.by_source(graph.relationships(procedures))
    hub = max(procedures, key=lambda one: len(graph.callers(references, one.id)))
    calls: list[Callable[[str], Any]] = [
        lambda id_: udfs.KLARIFY_GET(id_, "Owner"),
        lambda id_: udfs.KLARIFY_GET(id_, "Updated"),
        udfs.KLARIFY_AGE,
        udfs.KLARIFY_LANES,
    ]
    with stopwatch() as first:
        udfs.KLARIFY_GET(procedures[0].id, "Owner")
    ids = islice(cycle(one.id for one in procedures), UDF_CALLS)
    with stopwatch() as said:
        for call, id_ in zip(cycle(calls), ids, strict=False):
            call(id_)
    # The first call of a kind reads what it needs.
    udfs.KLARIFY_IMPACT(procedures[0].id)
    with stopwatch() as impact:
        reached = udfs.KLARIFY_IMPACT(hub.id)
    return said | {
        "first": first["seconds"],
        "impact": impact["seconds"],
        "reached": len(reached),
    }


def main(name: str, *arguments: str) -> None:
    """Do a task, and print what it tells."""
    try:
        said = globals()[name](*arguments)
    except ModuleNotFoundError as error:
        said = {"missing": error.name}
    print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
