"""The tables of a plan as files for BI programs, with a manifest that says what they hold.

The manifest, ``export.json``, lists tables, columns, types, rows and checksums, and which columns
of CSV files hold escaped texts. It also tells our files from others', so that nothing of a
person's is overwritten.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from klarify_xl.errors import ConfigurationError, TargetLockedError
from klarify_xl.exports.escaping import RULE, UNDO
from klarify_xl.exports.folder import make_folder, replace_files
from klarify_xl.exports.formats import FORMATS, Encoded, check_format
from klarify_xl.exports.tables import Table, as_text, select, table_of
from klarify_xl.plan import Plan
from klarify_xl.progress import OnProgress, Progress, ignore

MANIFEST: Final = "export.json"

_CONVENTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "csv": {
        "encoding": "UTF-8 with a byte order mark",
        "form": "RFC 4180: commas, double quotes, lines that end with CR LF, one header line",
        "moments": "ISO 8601 in UTC",
        "escaping": RULE,
        "unescaping": f"Replace what the regular expression {UNDO} finds by its first group",
    },
    "json": {
        "encoding": "UTF-8",
        "form": "one list with an object for each row",
        "moments": "ISO 8601 in UTC",
    },
    "parquet": {"moments": "timestamp[us, UTC]", "mixed": "columns of mixed values are texts"},
}


def export_files(plan: Plan, formats: Iterable[str]) -> frozenset[str]:
    """Return the names of all files that an export of a plan's tables may read or replace."""
    stems = [table_of(sheet).stem for sheet in plan.tables]
    return frozenset({MANIFEST, *(f"{stem}.{name}" for stem in stems for name in formats)})


@dataclass(frozen=True)
class ExportResult:
    """What an export did.

    Attributes:
        outcome: ``written``, or ``unchanged`` where all files were left alone.
        out: The folder.
        rows: Rows by table.
        files: All files of the export.
        written: Those of them that were written now.
        left_over: Files of earlier exports that this one did not renew.
        escaped: Texts in CSV files that were escaped against formulas.
    """

    outcome: Literal["written", "unchanged"]
    out: str
    rows: dict[str, int]
    files: tuple[str, ...]
    written: tuple[str, ...]
    left_over: tuple[str, ...]
    escaped: int

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        return asdict(self)


class Export:
    """An export to a folder.

    Args:
        out: The folder; it is made if missing.
        formats: Names of formats, of `FORMATS`.
        tables: Names of the tables wanted; none for all.
        overwrite: Replace files that somebody changed, keeping them beside.

    Raises:
        ConfigurationError: There is no such format, or a package is missing.
        TargetError: The folder can't be written to.
    """

    def __init__(
        self,
        out: str | os.PathLike[str],
        formats: Iterable[str],
        *,
        tables: Sequence[str] = (),
        overwrite: bool = False,
    ) -> None:
        self._formats = tuple(dict.fromkeys(formats))
        for name in self._formats:
            check_format(name)
        self._wanted = tables
        self._overwrite = overwrite
        self.folder = make_folder(out)

    def write(self, plan: Plan, on_progress: OnProgress = ignore) -> ExportResult:
        """Write a plan's tables, all or none; what holds the same already is left alone.

        Args:
            plan: What to show; best one without Excel's limits.
            on_progress: Told after each file.

        Raises:
            ConfigurationError: There is no such table.
            TargetLockedError: A file is open, not ours, or was changed by somebody.
            TargetError: A file can't be written; the old ones are as they were.
        """
        tables = self._tables(plan)
        known = _read_manifest(self.folder)
        if known.get("organisation") not in {None, "", plan.organisation} and not self._overwrite:
            raise TargetLockedError(
                f"The export in {self.folder} shows {known['organisation']}, "
                f"not {plan.organisation}.",
                hint="Choose another --out, or use --overwrite if it is to be replaced.",
            )
        encoded = self._encoded(tables, on_progress)
        ours = _checksums(known)
        left_over = {
            name: ours[name]
            for name in sorted(ours.keys() - encoded.keys())
            if _is_there(self.folder, name)
        }
        manifest = _manifest(plan, tables, encoded, self._formats, left_over)
        contents = {name: one.content for name, one in encoded.items()}
        foreign = self._foreign({**contents, MANIFEST: manifest}, ours, known=bool(known))
        # The manifest goes last: what it tells of is there.
        written = replace_files(
            self.folder, {**contents, MANIFEST: manifest}, keep_beside=frozenset(foreign)
        )
        return ExportResult(
            outcome="written" if written else "unchanged",
            out=str(self.folder),
            rows={table.name: len(table.rows) for table in tables},
            files=(*contents, MANIFEST),
            written=tuple(written),
            left_over=tuple(left_over),
            escaped=sum(sum(one.escaped.values()) for one in encoded.values()),
        )

    def _tables(self, plan: Plan) -> list[Table]:
        every = [table_of(sheet) for sheet in plan.tables]
        try:
            return select(every, self._wanted)
        except KeyError as error:
            raise ConfigurationError(
                f"There is no table {error.args[0]!r}.",
                hint=f"Tables are: {', '.join(table.name for table in every)}.",
            ) from None

    def _encoded(self, tables: Sequence[Table], on_progress: OnProgress) -> dict[str, Encoded]:
        files = [(table, name) for table in tables for name in self._formats]
        encoded = {}
        for done, (table, name) in enumerate(files, start=1):
            encoded[f"{table.stem}.{name}"] = FORMATS[name](table)
            on_progress(Progress("Making tables", done, len(files)))
        return encoded

    def _foreign(
        self, contents: Mapping[str, bytes], ours: Mapping[str, str], *, known: bool
    ) -> list[str]:
        """Return files that are not as we wrote them; refuse unless they may be replaced."""
        foreign = []
        for name, content in contents.items():
            if not _is_there(self.folder, name) or (name == MANIFEST and known):
                continue
            present = _checksum((self.folder / name).read_bytes())
            if present not in {ours.get(name), _checksum(content)}:
                foreign.append(name)
        if foreign and not self._overwrite:
            what = "was changed after" if foreign[0] in ours else "is not from"
            done = " klarify-xl wrote it" if foreign[0] in ours else " klarify-xl"
            raise TargetLockedError(
                f"{self.folder / foreign[0]} {what}{done}, so nothing was exported.",
                hint="Choose another --out, or use --overwrite, which keeps the present file "
                "beside as NAME.before.EXT.",
            )
        return foreign


def _manifest(
    plan: Plan,
    tables: Iterable[Table],
    encoded: Mapping[str, Encoded],
    formats: Sequence[str],
    left_over: Mapping[str, str],
) -> bytes:
    described = [
        {
            "name": table.name,
            "description": table.description,
            "rows": len(table.rows),
            "columns": [asdict(field) for field in table.fields],
            "files": [
                {
                    "name": name,
                    "bytes": len(encoded[name].content),
                    "sha256": _checksum(encoded[name].content),
                    "escaped": encoded[name].escaped,
                }
                for name in (f"{table.stem}.{one}" for one in formats)
            ],
        }
        for table in tables
    ]
    manifest = {
        "made_by": plan.made_by,
        "organisation": plan.organisation,
        "data_as_of": as_text(plan.made_at),
        "formats": {name: _CONVENTIONS[name] for name in formats},
        "tables": described,
        "left_over": [{"name": name, "sha256": one} for name, one in left_over.items()],
    }
    return (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()


def _read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of an earlier export, or nothing if there is none of ours."""
    try:
        read = json.loads((folder / MANIFEST).read_bytes())
        _checksums(read)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
    is_ours = str(read.get("made_by")).startswith("klarify-xl ")
    return dict(read) if is_ours else {}


def _checksums(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the checksums of all files that a manifest tells of, by name."""
    files = [file for table in manifest.get("tables", ()) for file in table["files"]]
    files += manifest.get("left_over", ())
    return {str(file["name"]): str(file["sha256"]) for file in files}


def _is_there(folder: Path, name: str) -> bool:
    """Tell whether a file of that name stands in the folder itself."""
    return name == Path(name).name and (folder / name).is_file()


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
