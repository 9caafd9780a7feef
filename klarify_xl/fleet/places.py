"""Places of files, which are local paths or addresses such as ``s3://bucket/folder``."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from klarify_xl.errors import ConfigurationError
from klarify_xl.remote.address import find_address


def is_address(place: str) -> bool:
    """Tell whether a place is an address of a store of files, and no local path."""
    return "://" in place


def resolved(place: str, folder: Path) -> str:
    """Return a place as it is to be used anywhere; a relative path starts at a folder.

    Raises:
        ConfigurationError: It is an address that holds a password, or a wrong one.
    """
    if is_address(place):
        find_address(place)
        return place.rstrip("/")
    path = Path(place).expanduser()
    return str(path if path.is_absolute() else folder.absolute() / path)


def file_system(place: str) -> tuple[Any, str]:
    """Return fsspec's file system of a place, and the path in it.

    Raises:
        ConfigurationError: fsspec, or what it needs for this kind of address, is not installed.
    """
    if find_spec("fsspec") is None:
        raise missing_extra()
    import fsspec  # noqa: PLC0415 -- an extra

    if not is_address(place):
        return fsspec.filesystem("file"), place
    try:
        file_system, path = fsspec.url_to_fs(place)
    except (ImportError, ValueError) as error:
        raise ConfigurationError(
            f"The address {place} can't be used: {error}.",
            hint="Addresses begin with a scheme that fsspec knows. For s3:// install s3fs, for "
            "az:// adlfs, for gs:// gcsfs, on every worker.",
        ) from None
    return file_system, path


def missing_extra() -> ConfigurationError:
    """Return the error that tells how to install what fleets need."""
    return ConfigurationError(
        "Fleets need Dask, which is not installed here.",
        hint="Install the extra: pip install 'klarify-xl[fleet]'.",
    )
