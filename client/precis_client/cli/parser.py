"""The command line of `precis`, described and parsed; it imports nothing that is slow to load."""

import sys
from argparse import (
    SUPPRESS,
    Action,
    ArgumentParser,
    ArgumentTypeError,
    BooleanOptionalAction,
    RawDescriptionHelpFormatter,
)
from dataclasses import fields
from types import UnionType
from typing import Any, NoReturn, get_args, get_origin, get_type_hints

from precis_client.cli.config import DEFAULT_ADDRESS, address_from_environment
from precis_client.cli.exits import EXIT_CODES_HELP
from precis_client.options import BEAMS, LENGTH, SAMPLING, WORDS, DecodingOptions

_DEFAULT_TIMEOUT_S = 60.0
_HEALTH_TIMEOUT_S = 3.0

_EXAMPLES = """\
examples:
  precis summarize article.txt
  precis summarize article.txt --style headline --stream
  precis summarize - --json < article.txt
  precis summarize reports/*.txt --json > summaries.jsonl
  precis models --address summarizer.example:50051
  precis health --service summarizer.v1.Summarizer

"""
_SUMMARIZE_EXAMPLES = """\
examples:
  precis summarize article.txt
  precis summarize article.txt --style brief --max-tokens 40
  precis summarize report.pdf page.html notes.docx mail.eml talk.srt
  precis summarize article.txt --style extract --sentences 3 --bullets
  precis summarize article.txt --stream
  precis summarize article.txt --sources
  precis summarize article.txt --beams 4 --num-summaries 2
  precis summarize article.txt --temperature 0.7 --top-p 0.9 --seed 1
  precis summarize article.txt --prefix "The authors" --ban "novel" --ban "state of the art"
  precis summarize article.txt --json | jq .usage
  precis summarize - --language zh < article.txt
  precis summarize reports/*.txt --json > summaries.jsonl

Several files go over one call and are printed as they finish, under a line "==> FILE <==" (with
--json: one object in a line each). A file that cannot be read or is refused is told on stderr and
the others go on.

Three ways to choose the words:
  greedy        the likeliest token each time; the default, and the fastest
  beam search   --beams 4 keeps four beginnings and returns the likeliest whole summary
  sampling      --temperature 0.7 draws the tokens: another summary each time, or the same by --seed
An option of one way beside another is refused, never ignored. What a server does not serve is
refused by name (see `precis models`).
"""


class _Parser(ArgumentParser):
    """Complains in one line, as the rest of the command does."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


class _PrintVersion(Action):
    """Prints the version and ends; argparse's own action would look it up for every command."""

    def __call__(self, parser: ArgumentParser, *_: Any) -> NoReturn:
        from precis_client.cli.version import version_line

        sys.stdout.write(f"{version_line()}\n")
        parser.exit()


def build_parser() -> ArgumentParser:
    """Describes the whole command line."""
    parser = _Parser(
        prog="precis",
        description="Summarise text with a Précis server.",
        epilog=_EXAMPLES + EXIT_CODES_HELP,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action=_PrintVersion, nargs=0, help="the same as the command version"
    )
    _add_connection_options(
        parser,
        address=address_from_environment(),
        tls=False,
        tls_ca=None,
        token_file=None,
        timeout=None,
    )
    # SUPPRESS: an option after the command overrides, one that is absent there leaves what came
    # before the command.
    shared = _Parser(add_help=False)
    _add_connection_options(
        shared,
        address=SUPPRESS,
        tls=SUPPRESS,
        tls_ca=SUPPRESS,
        token_file=SUPPRESS,
        timeout=SUPPRESS,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, about: str, examples: str = "") -> ArgumentParser:
        return commands.add_parser(
            name,
            help=about,
            description=about[0].upper() + about[1:] + ".",
            epilog=f"{examples}\n{EXIT_CODES_HELP}",
            formatter_class=RawDescriptionHelpFormatter,
            parents=[shared],
        )

    _add_summarize_options(
        add("summarize", "summarise files or standard input", _SUMMARIZE_EXAMPLES)
    )
    add("models", "list the models that the server answers for").add_argument(
        "--json", action="store_true", help="print everything as JSON"
    )
    health = add("health", "ask whether the server is ready; exit code 0 only if it is")
    health.add_argument(
        "--service", default="", help="name of one gRPC service (default: the server as a whole)"
    )
    health.add_argument("--json", action="store_true", help="print the status as JSON")
    add("version", "print the version of this command and of what it runs on")
    return parser


def timeout_s_of(timeout: float | None, command: str) -> float:
    """Settles the bound on one request; a probe must not wait as long as a summary may take."""
    if timeout is not None:
        return timeout
    return _HEALTH_TIMEOUT_S if command == "health" else _DEFAULT_TIMEOUT_S


def _add_connection_options(parser: ArgumentParser, **defaults: Any) -> None:
    group = parser.add_argument_group("connection")
    group.add_argument(
        "--address",
        metavar="HOST:PORT",
        default=defaults["address"],
        help=f"the server (default: $PRECIS_ADDRESS, else {DEFAULT_ADDRESS})",
    )
    group.add_argument(
        "--tls",
        action="store_true",
        default=defaults["tls"],
        help="encrypt, trusting well-known roots",
    )
    group.add_argument(
        "--tls-ca",
        metavar="FILE",
        default=defaults["tls_ca"],
        help="encrypt, trusting only the certificates in this PEM file",
    )
    group.add_argument(
        "--token-file",
        metavar="FILE",
        default=defaults["token_file"],
        help="file with the key that the server asks for (default: the key in $PRECIS_TOKEN)",
    )
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_positive_seconds,
        default=defaults["timeout"],
        help=f"longest wait for each file or answer (default: {_DEFAULT_TIMEOUT_S:g}, "
        f"health: {_HEALTH_TIMEOUT_S:g})",
    )


def _add_summarize_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help='text, Markdown, PDF, HTML, .docx, .eml, .srt or .vtt, or "-" for stdin',
    )
    parser.add_argument(
        "--encoding",
        metavar="NAME",
        help="encoding of text, subtitles and HTML, such as utf-16 or gb18030 (default: utf-8, "
        "or what a page declares)",
    )
    output = parser.add_argument_group("output")
    output.add_argument("--stream", action="store_true", help="print the summary as it is written")
    output.add_argument(
        "--json",
        action="store_true",
        help="print the whole reply as JSON (--stream: one event a line)",
    )
    request = parser.add_argument_group("request")
    request.add_argument("--style", help='a style that the model has, such as "brief"')
    request.add_argument("--language", metavar="TAG", help='the document\'s language, such as "en"')
    request.add_argument("--model", metavar="NAME", help="the model (default: the server's first)")
    request.add_argument("--model-version", metavar="VERSION", help="(default: the newest)")
    request.add_argument(
        "--long-document",
        choices=("auto", "refuse", "truncate", "select", "cover"),
        help="what to do with a document that is too long for the model: summarise its key "
        "sentences (select) or every part of it (cover), read its beginning (truncate), or refuse "
        "it (default: auto, the server chooses)",
    )
    traced = request.add_mutually_exclusive_group()
    traced.add_argument(
        "--sources",
        action="store_true",
        help="list below the summary where each of its sentences comes from",
    )
    traced.add_argument(
        "--attribution",
        choices=("sentence", "word"),
        help="ask where each sentence or word of the summary comes from; shown by --json",
    )
    request.add_argument(
        "--offset-unit",
        choices=("code_point", "utf16", "byte"),
        help="what the offsets of --attribution count (default: code_point)",
    )
    form = parser.add_argument_group(
        "sentences", "Only with --style extract, or with --long-document cover."
    )
    form.add_argument("--words", type=int, metavar="COUNT", help="most words; whole sentences")
    form.add_argument("--sentences", type=int, metavar="COUNT", help="most sentences")
    form.add_argument(
        "--order", choices=("document", "rank"), help="order of the sentences (default: document)"
    )
    form.add_argument("--bullets", action="store_true", default=None, help="one sentence a line")
    request.add_argument("--request-id", metavar="ID", help="your id of the request, one file only")
    _add_decoding_options(parser)


_GROUPS = {
    LENGTH: ("decoding", "Defaults are those of the style; the server checks the ranges."),
    WORDS: ("words", None),
    BEAMS: ("beam search", "Only with --beams above 1, but for --length-penalty."),
    SAMPLING: ("sampling", "Only with --temperature above 0."),
}


def _add_decoding_options(parser: ArgumentParser) -> None:
    groups = {
        name: parser.add_argument_group(title, about) for name, (title, about) in _GROUPS.items()
    }
    hints = get_type_hints(DecodingOptions)
    for field in fields(DecodingOptions):
        group, about = groups[field.metadata["group"]], field.metadata["about"]
        flags = field.metadata["flags"] or ("--" + field.name.replace("_", "-"),)
        kind = _without_none(hints[field.name])
        if kind is bool:
            group.add_argument(*flags, action=BooleanOptionalAction, default=None, help=about)
            continue
        is_repeated = get_origin(kind) is tuple
        group.add_argument(
            *flags,
            dest=field.name,
            metavar=field.metadata["metavar"],
            action="append" if is_repeated else "store",
            type=str if is_repeated else kind,
            help=about,
        )


def _without_none(hint: UnionType) -> type:
    kind: type = next(each for each in get_args(hint) if each is not type(None))
    return kind


def _positive_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds") from None
    if not 0 < seconds < float("inf"):
        raise ArgumentTypeError(f"{text!r} is not above 0")
    return seconds
