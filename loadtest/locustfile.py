"""The users of a load test and its options; run by `python -m loadtest`."""

from pathlib import Path
from typing import Any

from locust import events, task

from loadtest.corpus import EmptyCorpus, read_corpus
from loadtest.grpc_user import SummarizerUser


class UnaryUser(SummarizerUser):
    """A service that wants whole summaries: three of four users."""

    weight = 3

    @task
    def ask(self) -> None:
        """Asks for one summary."""
        self.summarize()


class StreamingUser(SummarizerUser):
    """A person who reads along: one of four users."""

    weight = 1

    @task
    def ask(self) -> None:
        """Asks for one summary and reads it as it comes."""
        self.summarize_stream()


@events.init_command_line_parser.add_listener
def _add_options(parser: Any) -> None:
    group = parser.add_argument_group("Summarizer")
    group.add_argument(
        "--corpus",
        metavar="FOLDER",
        default="examples",
        help="folder of the documents to send, *.txt or *.jsonl (default: examples)",
    )
    group.add_argument(
        "--corpus-seed", type=int, default=0, help="chooses which are sent when (default: 0)"
    )
    group.add_argument("--style", default="", help="style to ask for (default: the model's)")
    group.add_argument(
        "--deadline-s",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="longest wait for one call (default: 60)",
    )


@events.init.add_listener
def _check_corpus(environment: Any, **_: Any) -> None:
    if environment.parsed_options is None:
        return
    try:
        read_corpus(Path(environment.parsed_options.corpus))
    except EmptyCorpus as error:
        raise SystemExit(f"loadtest: {error}") from None
