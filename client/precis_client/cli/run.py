"""Parses the command line, runs the command and turns its failure into an exit code.

Nothing here or in parser.py imports gRPC, so that `precis --help` answers at once; commands.py
does.
"""

import io
import os
import sys
from collections.abc import Sequence

from precis_client.cli.config import silence_grpc
from precis_client.cli.exits import ExitCode, describe, exit_code_of
from precis_client.cli.inputs import UnusableInput
from precis_client.cli.output import complain
from precis_client.cli.parser import build_parser
from precis_client.errors import PrecisError


def run(argv: Sequence[str]) -> int:
    """Runs the command and returns its exit code; --help, --version and usage errors exit."""
    arguments = build_parser().parse_args(argv)
    silence_grpc()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as the documents are, whatever the terminal says
    try:
        from precis_client.cli import commands

        exit_code = commands.COMMANDS[arguments.command](arguments)
        sys.stdout.flush()
    except PrecisError as error:
        complain(describe(error, arguments))
        return exit_code_of(error)
    except UnusableInput as error:
        complain(str(error))
        return ExitCode.REFUSED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone. Python would flush once more at exit and complain: give
        # it a sink.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OUTPUT_CLOSED
    return exit_code
