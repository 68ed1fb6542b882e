"""`python -m server.keys add LABEL --file FILE`: makes a key for a caller of the server."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from server.keys.key_file import KeyFileError, add_key

_EPILOG = """\
The key is printed once and kept nowhere; the file has its SHA-256. To take a key away, delete its
line. A server with --api-keys FILE reads the file again by itself.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; a problem is one line on stderr."""
    asked = _parser().parse_args(arguments)
    try:
        key = add_key(asked.file, asked.label)
    except KeyFileError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{key}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m server.keys", description="Makes keys for those who may call the server."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser(
        "add", help="make a key and print it once", description="Makes a key.", epilog=_EPILOG
    )
    add.add_argument("label", metavar="LABEL", help="what logs and metrics call its holder")
    add.add_argument(
        "--file", metavar="FILE", type=Path, required=True, help="the file of keys; made if absent"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
