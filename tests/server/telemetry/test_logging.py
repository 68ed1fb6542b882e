"""Log lines: one each, for machines or eyes, without anyone's text."""

import json
import logging
from collections.abc import Iterator

import pytest

from server.errors import EngineFailure
from server.telemetry.logging import (
    JsonFormatter,
    TextFormatter,
    configure_logging,
    describe_exception,
    fields,
    log_stray_exception,
)

PRIVATE = "the patient's name"


def make_record(message: str = "ready", **extra: object) -> logging.LogRecord:
    logger = logging.getLogger("server.test")
    record = logger.makeRecord(
        logger.name, logging.INFO, __file__, 1, message, (), None, extra=fields(**extra)
    )
    record.created = 1_700_000_000.25
    return record


def raised(error: BaseException) -> BaseException:
    """An exception with the traceback of having been raised."""
    try:
        raise error
    except type(error) as caught:
        return caught


def test_a_json_line_holds_time_level_logger_message_and_fields() -> None:
    line = JsonFormatter().format(make_record(address="[::]:50051", threads=2, model=None))

    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "info",
        "logger": "server.test",
        "message": "ready",
        "address": "[::]:50051",
        "threads": 2,
    }


def test_a_text_line_holds_the_same_for_eyes() -> None:
    line = TextFormatter().format(make_record(threads=2, cause="engine failed", empty=""))

    assert line == (
        '2023-11-14T22:13:20.250Z INFO    ready threads=2 cause="engine failed" empty=""'
    )


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_no_value_can_begin_a_line_of_its_own(formatter: logging.Formatter) -> None:
    line = formatter.format(make_record(peer='x\n{"level": "error"}'))

    assert "\n" not in line


def test_what_no_json_knows_is_written_as_text() -> None:
    line = JsonFormatter().format(make_record(path=PosixLike()))

    assert json.loads(line)["path"] == "a/b"


def test_an_exception_that_may_quote_a_document_shows_only_where_it_was() -> None:
    described = describe_exception(raised(ValueError(PRIVATE)))

    assert PRIVATE not in described
    assert "builtins.ValueError" in described
    assert "in raised" in described


@pytest.mark.parametrize(
    "error", [EngineFailure("a step of 3 rows failed"), OSError(28, "No space left on device")]
)
def test_an_exception_that_cannot_quote_a_document_shows_its_words(error: Exception) -> None:
    assert str(error) in describe_exception(raised(error))


def test_an_exception_shows_its_cause_but_not_the_causes_words() -> None:
    failure = EngineFailure("a step failed")
    failure.__cause__ = raised(KeyError(PRIVATE))

    described = describe_exception(failure)

    assert "builtins.KeyError" in described
    assert "a step failed" in described
    assert PRIVATE not in described


def test_a_group_of_exceptions_shows_each_without_its_words() -> None:
    described = describe_exception(ExceptionGroup(PRIVATE, [ValueError(PRIVATE), TypeError()]))

    assert "builtins.ValueError" in described
    assert "builtins.TypeError" in described
    assert PRIVATE not in described


@pytest.fixture
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    asyncio_level = logging.getLogger("asyncio").level
    # Taken out first, so that configuring does not close them.
    root.handlers = []
    yield
    root.handlers, root.level = handlers, level
    logging.getLogger("asyncio").setLevel(asyncio_level)


@pytest.mark.usefixtures("_logging_as_it_was")
def test_logs_go_to_stderr_from_the_level_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(level="warning", format="json")

    logging.getLogger("server.test").info("too light")
    try:
        raise ValueError(PRIVATE)
    except ValueError:
        logging.getLogger("elsewhere").exception("went wrong", extra=fields(request_id="r"))

    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    logged = json.loads(line)
    assert captured.out == ""
    assert (logged["level"], logged["message"], logged["request_id"]) == (
        "error",
        "went wrong",
        "r",
    )
    assert "ValueError" in logged["exception"]
    assert PRIVATE not in line


@pytest.mark.usefixtures("_logging_as_it_was")
def test_a_text_log_shows_where_an_exception_was_below_its_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(level="info", format="text")

    logging.getLogger("server.test").error("went wrong", exc_info=raised(ValueError(PRIVATE)))

    first, *rest = capsys.readouterr().err.splitlines()
    assert first.endswith("ERROR   went wrong")
    assert rest[-1] == "builtins.ValueError (its text is withheld)"


def test_an_error_outside_any_request_is_logged_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    context = {"message": f"{PRIVATE} was never retrieved", "exception": ValueError(PRIVATE)}

    log_stray_exception(None, context)

    (record,) = caplog.records
    assert PRIVATE not in record.getMessage()
    assert record.exc_info is not None


class PosixLike:
    def __str__(self) -> str:
        return "a/b"
