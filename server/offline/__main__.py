"""`python -m server.offline BUNDLE`: JSON lines in, JSON lines out."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from server.missing import MISSING_EXIT_CODE, what_to_install

if TYPE_CHECKING:
    from server.offline.engine import OfflineEngine

_DESCRIPTION = "Summarise documents with the server's engine, in this process and without a server."
_EPILOG = """
Each line of standard input is one request, and each line of standard output its answer, in order:

  {"document": "A long text ..."}
  {"document": "...", "id": "a7", "style": "headline", "options": {"num_beams": 4}}

options are the decoding options of the API (docs/api.md); language is checked against the model's.
"attribution": "sentence" (or "word") adds where each of them stands in the document.
In place of document, source_ids may hold the token ids that the encoder reads. An answer has the
request's id, or else its line number:

  {"id": "a7", "summary": "...", "finish_reason": "stop", "source_tokens": 231, ...}

A line that holds no valid request ends the run once the lines before it are answered: the error
names the line and the field. A document that is too long is refused in the same way, never cut.
With --keep-going the answer to a document that is refused is {"id": "a7", "error": {...}}.

exit codes: 0  every line has a summary
            1  some have none (with --keep-going), or the engine failed
            2  the command line, the bundle or a line is wrong

  python -m server.offline models/default/bundle-cpu-int8 < documents.jsonl > summaries.jsonl
"""
_USAGE_EXIT_CODE = 2
_INTERRUPTED_EXIT_CODE = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Answers standard input line by line; a problem is one line on stderr."""
    options = _parser().parse_args(arguments)
    try:
        return _main(options)
    except ModuleNotFoundError as error:
        return _fail(what_to_install(error), MISSING_EXIT_CODE)
    except BrokenPipeError:  # nobody reads on, as after `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED_EXIT_CODE


def _main(options: argparse.Namespace) -> int:
    # Only now, so that --help answers at once and a missing package can be reported.
    from bundle.errors import BundleError
    from server.engine.runner import RunnerError, RunnerLostError
    from server.offline.engine import OfflineEngine
    from server.runtime.providers.policy import ProviderError

    try:
        with OfflineEngine(
            options.bundle,
            provider=options.provider,
            strict=options.strict,
            device=options.device,
            threads=options.threads,
            max_rows=options.rows,
            speculation=options.speculation,
        ) as engine:
            return _answer(engine, options)
    except (BundleError, ProviderError) as error:
        return _fail(str(error), _USAGE_EXIT_CODE)
    except (RunnerError, RunnerLostError) as error:
        return _fail(str(error), 1)


def _answer(engine: "OfflineEngine", options: argparse.Namespace) -> int:
    from server.errors import InvalidRequest, RequestError
    from server.offline.engine import in_order
    from server.offline.progress import Progress
    from server.offline.records import RecordReader, error_record, summary_record

    reader = RecordReader(sys.stdin.buffer, style=options.style)
    num_refused = 0
    with (
        closing(Progress(sys.stderr, is_quiet=options.quiet)) as progress,
        closing(in_order(engine.run(reader))) as outcomes,
    ):
        for number, outcome in enumerate(outcomes, 1):
            id = reader.ids.pop(number)
            if not isinstance(outcome, RequestError):
                _write(summary_record(id, outcome))
            elif options.keep_going:
                num_refused += 1
                _write(error_record(id, outcome))
            else:
                progress.close()
                is_callers_fault = isinstance(outcome, InvalidRequest)
                return _fail(
                    f"line {number}: {outcome}", _USAGE_EXIT_CODE if is_callers_fault else 1
                )
            progress.add()
    if reader.problem:
        return _fail(reader.problem, _USAGE_EXIT_CODE)
    if num_refused:
        return _fail(f"{num_refused} of {number} lines have no summary", 1)
    return 0


def _write(record: dict[str, Any]) -> None:
    text = json.dumps(record, ensure_ascii=False)
    # Half a surrogate pair, which an id may hold, is written as JSON escapes it.
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.buffer.flush()


def _fail(problem: str, exit_code: int) -> int:
    sys.stderr.write(f"error: {' '.join(problem.split())}\n")
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m server.offline",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    count: dict[str, Any] = {
        "type": _whole_number(least=0, most=1024),
        "default": 0,
        "metavar": "COUNT",
    }
    add = parser.add_argument
    add("bundle", metavar="BUNDLE", help="directory of the model")
    add(
        "--style",
        default="",
        metavar="NAME",
        help="style of the lines that name none (default: the model's own)",
    )
    add(
        "--keep-going",
        action="store_true",
        help="write an error in place of a summary that cannot be written, and go on",
    )
    add("--quiet", action="store_true", help="show no progress")
    add(
        "--rows",
        **count,
        help="summaries written at once (default 0: 16 on a CPU, on a GPU as many as fit)",
    )
    add("--threads", **count, help="threads that compute (default 0: one for each core)")
    add(
        "--provider",
        choices=("auto", "cuda", "cpu"),
        default="auto",
        help="where the model runs (default auto: on a GPU if there is one that suits it)",
    )
    add("--device", **count, help="number of the GPU (default 0)")
    add("--strict", action="store_true", help="fail where it cannot run on the GPU asked for")
    add(
        "--no-speculation",
        dest="speculation",
        action="store_false",
        help="guess no tokens ahead: slower, with the same summaries",
    )
    return parser


def _whole_number(*, least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            problem = f"{text!r} given, a whole number from {least} to {most} expected"
            raise argparse.ArgumentTypeError(problem)
        return int(text)

    return parse


if __name__ == "__main__":
    sys.exit(main())
