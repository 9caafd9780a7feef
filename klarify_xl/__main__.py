"""Entry point of ``klarify-xl`` and ``python -m klarify_xl``."""

import sys


def main() -> None:
    """Run the command line; ``--version`` answers without loading it."""
    if sys.argv[1:] == ["--version"]:
        from klarify_xl import __version__  # noqa: PLC0415

        print(f"klarify-xl {__version__}")  # noqa: T201
        return
    try:
        from klarify_xl.cli import run  # noqa: PLC0415 -- loads all the rest

        run()
    except KeyboardInterrupt:
        # Before any command has begun, or after it has ended.
        print("Stopped.", file=sys.stderr)  # noqa: T201 -- the console may not be loaded
        sys.exit(130)


if __name__ == "__main__":
    main()
