"""Log lines for machines or for eyes, on stderr, without the text of any document or summary.

Callers log a fixed sentence and put what varies into fields:
`log.info("call ended", extra=fields(code="OK"))`. The words of an exception are shown only if code
that never sees a document made them; of any other the type and the places are shown, since a
ValueError may quote its input.
"""

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

_log = logging.getLogger(__name__)

_FIELDS = "precis_fields"
_QUOTABLE_ORIGINS = frozenset({"bundle", "server", "grpc", "onnxruntime", "pydantic"})
_QUOTABLE_TYPES = (OSError, MemoryError)


def fields(**values: object) -> Mapping[str, object]:
    """What varies in a log line, to be given as `extra`; None is left out."""
    return {_FIELDS: {name: value for name, value in values.items() if value is not None}}


def configure_logging(*, level: str, format: Literal["json", "text"]) -> None:
    """Sends every logger's lines to stderr in the form asked for."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # At debug asyncio names its selector, and that is all it has to say.
    logging.getLogger("asyncio").setLevel(max(logging.INFO, logging.root.level))


def log_stray_exception(_: object, context: Mapping[str, Any]) -> None:
    """Logs what an event loop found unhandled; asyncio's own line would quote the exception."""
    _log.error("error outside any request", exc_info=context.get("exception"))


class _Formatter(logging.Formatter):
    def formatException(self, ei: object) -> str:
        error = ei[1] if isinstance(ei, tuple) else None
        return describe_exception(error) if isinstance(error, BaseException) else ""

    def _fields(self, record: logging.LogRecord) -> dict[str, object]:
        shown = dict(getattr(record, _FIELDS, {}))
        if record.exc_info:
            shown["exception"] = self.formatException(record.exc_info)
        return shown


class JsonFormatter(_Formatter):
    """One JSON object a line: time, level, logger and message, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Writes the line."""
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(line | self._fields(record), ensure_ascii=False, default=str)


class TextFormatter(_Formatter):
    """One line of time, level, message and key=value; an exception follows on its own lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Writes the line."""
        shown = self._fields(record)
        exception = shown.pop("exception", None)
        pairs = "".join(f" {name}={_plain(value)}" for name, value in shown.items())
        line = f"{_time(record)} {record.levelname:<7} {record.getMessage()}{pairs}"
        return f"{line}\n{exception}" if exception else line


def describe_exception(error: BaseException) -> str:
    """Where an exception came from, cause first, in its own words only if those are safe."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    parts = [describe_exception(cause), ""] if cause else []
    parts += [line.rstrip() for line in traceback.format_tb(error.__traceback__)]
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}"
    is_quotable = isinstance(error, _QUOTABLE_TYPES) or (
        kind.__module__.partition(".")[0] in _QUOTABLE_ORIGINS
    )
    parts.append(f"{name}: {error}" if is_quotable else f"{name} (its text is withheld)")
    if isinstance(error, BaseExceptionGroup):
        parts += [describe_exception(one) for one in error.exceptions]
    return "\n".join(parts)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: object) -> str:
    """A value that cannot be taken for two, nor break the line."""
    text = str(value)
    return text if text.isprintable() and text and not set(text) & set(' "=') else json.dumps(text)
