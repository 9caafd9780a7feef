r"""Makes Excel on Windows ready for the workbook template, and undoes just that.

Excel finds Python by the user's xlwings configuration, a file with lines like
``"INTERPRETER_WIN","C:\Python\python.exe"`` (xlwings' documentation, "User Config").
"""

import hashlib
import json
import locale
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from klarify_xl.errors import ConfigurationError, TargetError
from klarify_xl.settings import default_store
from klarify_xl.template import TEMPLATE_NAME, XLWINGS_VERSION, workbook_template

_INTERPRETER: Final = "INTERPRETER_WIN"
_CONDA_PATH: Final = "CONDA PATH"
_CONDA_ENVIRONMENT: Final = "CONDA ENV"
_RECEIPT_NAME: Final = "excel.json"


@dataclass
class _Receipt:
    """What an installation has done, to be undone one day.

    Attributes:
        before: Settings by name as they were; None for those that were not there.
        after: The same as we set them.
        workbooks: Checksums of the workbooks that we made, by path.
    """

    before: dict[str, str | None] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    workbooks: dict[str, str] = field(default_factory=dict)


def check_xlwings() -> None:
    """Refuse another xlwings than the one whose VBA the template holds.

    Raises:
        ConfigurationError: It is missing or of another version.
    """
    try:
        found = version("xlwings")
    except PackageNotFoundError:
        found = ""
    if found != XLWINGS_VERSION:
        raise ConfigurationError(
            f"The workbook needs xlwings {XLWINGS_VERSION}, but "
            f"{found or 'none'} is installed in {sys.prefix}.",
            hint=f"Run: pip install xlwings=={XLWINGS_VERSION}",
        )


def install(to: Path | None = None) -> Iterator[str]:
    """Make Excel ready, and yield what was done, in sentences.

    Args:
        to: The new workbook, or the folder for it; by default the documents folder.

    Raises:
        ConfigurationError: This is not Windows, or xlwings is of another version.
        TargetError: A file can't be written.
    """
    _refuse_others()
    check_xlwings()
    receipt = _read_receipt()
    file = configuration_file()
    present = _read_configuration(file)
    wanted = _settings()
    for name, value in wanted.items():
        if name not in receipt.after:
            receipt.before[name] = present.get(name)
        receipt.after[name] = value
    _write_receipt(receipt)
    if all(present.get(name) == value for name, value in wanted.items()):
        yield f"Excel finds Python already: {file} names {sys.executable}."
    else:
        _write_configuration(file, wanted)
        yield f"Excel finds Python now: {file} names {sys.executable}."
    yield from _copy_template(to or _documents(), receipt)
    yield "Open the workbook in Excel, and press Klarify > Settings > Access key, then Refresh."
    yield "To see whether all of it works in your Excel, run: klarify-xl check --excel"


def uninstall() -> Iterator[str]:
    """Undo an installation, and yield what was done, in sentences.

    Raises:
        ConfigurationError: This is not Windows.
        TargetError: A file can't be written.
    """
    _refuse_others()
    receipt = _read_receipt()
    if not receipt.after and not receipt.workbooks:
        yield "Nothing is installed in Excel."
        return
    file = configuration_file()
    present = _read_configuration(file)
    undone = {
        name: receipt.before.get(name)
        for name, value in receipt.after.items()
        if present.get(name) == value
    }
    if undone:
        _write_configuration(file, undone)
        yield f"{file} is as it was before."
    elif receipt.after:
        yield f"{file} was changed meanwhile, and was left as it is."
    for path, checksum in receipt.workbooks.items():
        workbook = Path(path)
        if not workbook.exists():
            continue
        if _checksum(workbook.read_bytes()) == checksum:
            workbook.unlink()
            yield f"{workbook} was removed, since nobody has worked in it."
        else:
            yield f"{workbook} stays, since somebody has worked in it."
    _receipt_file().unlink(missing_ok=True)
    yield f"What was read from Klarify stays in {default_store()}; delete it if you like."
    yield "The access key stays in the keyring; `klarify-xl key remove` removes it."


def configuration_file() -> Path:
    """Return the user's xlwings configuration, where the workbook's VBA looks for it."""
    return Path.home() / ".xlwings" / "xlwings.conf"


def _refuse_others() -> None:
    if platform.system() != "Windows":
        raise ConfigurationError(
            "The ribbon and the worksheet functions work in Excel for Windows only.",
            hint="Elsewhere make and refresh workbooks with `klarify-xl refresh --out FILE`.",
        )


def _settings() -> dict[str, str]:
    """Return what the configuration has to say so that Excel runs this very Python."""
    conda, environment = os.environ.get("CONDA_EXE"), os.environ.get("CONDA_DEFAULT_ENV")
    prefix = os.environ.get("CONDA_PREFIX")
    settings = {_INTERPRETER: sys.executable}
    # Conda's environments have to be activated; another environment within wins over them.
    if conda and environment and prefix and Path(sys.prefix) == Path(prefix):
        settings[_CONDA_PATH] = str(Path(conda).parent.parent)
        settings[_CONDA_ENVIRONMENT] = environment
    return settings


def _copy_template(to: Path, receipt: _Receipt) -> Iterator[str]:
    content = workbook_template().read_bytes()
    to = to.expanduser()
    if to.suffix.lower() != ".xlsm":
        to /= "Klarify.xlsm"
    if to.exists():
        known = _checksum(to.read_bytes()) == _checksum(content)
        yield f"The workbook {to} is there already{'.' if known else ', and was left as it is.'}"
        return
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        _replace(to, content)
    except OSError as error:
        raise TargetError(
            f"The workbook {to} can't be written ({error.strerror}).",
            hint="Choose another --to.",
        ) from None
    receipt.workbooks[str(to.absolute())] = _checksum(content)
    _write_receipt(receipt)
    yield f"The workbook {to} was made from {TEMPLATE_NAME}."


def _documents() -> Path:
    documents = Path.home() / "Documents"
    return documents if documents.is_dir() else Path.home()


def _read_configuration(file: Path) -> dict[str, str]:
    return {name: value for name, value in map(_setting, _lines(file)) if name}


def _lines(file: Path) -> list[str]:
    try:
        # As VBA reads it: in the code page of the system.
        return file.read_text(encoding="locale").splitlines() if file.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise TargetError(
            f"The xlwings configuration {file} can't be read ({type(error).__name__}).",
            hint="Correct or remove it, and try again.",
        ) from None


def _setting(line: str) -> tuple[str, str]:
    name, _comma, value = line.partition(",")
    return name.strip().strip('"'), value.strip().strip('"')


def _write_configuration(file: Path, settings: Mapping[str, str | None]) -> None:
    """Set, add or remove settings; all other lines stay as they are.

    Args:
        file: The configuration.
        settings: Values by name; None removes a setting.
    """
    rest = dict(settings)
    kept = []
    for line in _lines(file):
        name = _setting(line)[0]
        if name not in settings:
            kept.append(line)
        elif name in rest:
            value = rest.pop(name)
            kept += [] if value is None else [f'"{name}","{value}"']
    kept += [f'"{name}","{value}"' for name, value in rest.items() if value is not None]
    try:
        if not any(line.strip() for line in kept):
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{line}\n" for line in kept)
        _replace(file, text.encode(locale.getencoding()))
    except OSError as error:
        raise TargetError(
            f"The xlwings configuration {file} can't be written ({error.strerror}).",
            hint="Allow writing to its folder, and try again.",
        ) from None


def _replace(file: Path, content: bytes) -> None:
    """Write a file in one step, so that a failure leaves the old one."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as temporary:
            temporary.write(content)
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _receipt_file() -> Path:
    return default_store().with_name(_RECEIPT_NAME)


def _read_receipt() -> _Receipt:
    file = _receipt_file()
    try:
        return _Receipt(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return _Receipt()


def _write_receipt(receipt: _Receipt) -> None:
    file = _receipt_file()
    content = json.dumps(vars(receipt), indent=1, ensure_ascii=False).encode()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _replace(file, content)
    except OSError as error:
        raise TargetError(
            f"The file {file} can't be written ({error.strerror}).",
            hint="Allow writing to its folder, and try again.",
        ) from None
