"""Reads the settings from flags and environment, and explains them."""

import argparse
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, NoReturn, get_args, get_origin

from pydantic import ValidationError

from server.config.settings import ServerConfig
from server.config.spelling import ENVIRONMENT_PREFIX, flag, spelled, variable

VERSION = "0.1.0"  # as in pyproject.toml
# Read by the `precis` command, often on the same machine.
_CLIENT_VARIABLES = {"PRECIS_ADDRESS", "PRECIS_TOKEN"}


class ConfigError(Exception):
    """A setting is wrong; names the flag, the variable, the value and what was expected."""


def load_config(arguments: Sequence[str]) -> ServerConfig:
    """Reads flags and environment. Raises ConfigError; --help and --version print and exit."""
    flags = vars(_parser().parse_args(arguments))
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return ServerConfig(**given)
    except ValidationError as error:
        raise ConfigError(_explain(error)) from error


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Names that look like settings of ours and are none, each with the likeliest meant.

    They are not refused: Kubernetes makes some for a service named precis.
    """
    known = {variable(name) for name in ServerConfig.model_fields} | _CLIENT_VARIABLES
    unknown = sorted(
        name for name in environment if name.startswith(ENVIRONMENT_PREFIX) and name not in known
    )
    return [name + _likeliest_meant(name.removeprefix(ENVIRONMENT_PREFIX)) for name in unknown]


def _likeliest_meant(name: str) -> str:
    meant = get_close_matches(name.lower(), ServerConfig.model_fields, n=1)
    return f" ({variable(meant[0])}?)" if meant else ""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; --help lists every setting")


class _PrintVersion(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        runs_on = [f"Python {platform.python_version()}"]
        for package in ("onnxruntime", "onnxruntime-gpu", "grpcio"):
            with suppress(PackageNotFoundError):
                runs_on.append(f"{package} {version(package)}")
        sys.stdout.write(f"precis server {VERSION} ({', '.join(runs_on)})\n")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m server",
        usage="%(prog)s [--SETTING VALUE ...]",
        description="Serves a summariser over gRPC. A flag beats its environment variable.",
        allow_abbrev=False,
        add_help=False,
    )
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name, info in ServerConfig.model_fields.items():
        extra: Any = info.json_schema_extra
        group, unit = extra["group"], extra["unit"]
        if group not in groups:
            groups[group] = parser.add_argument_group(group)
        # A switch by itself turns on, as everywhere.
        switch: Any = {"nargs": "?", "const": "on"} if info.annotation is bool else {}
        groups[group].add_argument(flag(name), dest=name, metavar=unit, help=_help(name), **switch)
    parser.add_argument("-h", "--help", action="help", help="Shows this and ends.")
    parser.add_argument("--version", action=_PrintVersion, nargs=0, help="Shows it and ends.")
    return parser


def _help(name: str) -> str:
    info = ServerConfig.model_fields[name]
    facts = [variable(name), f"default {_shown(info.default)}"]
    if expected := _expected(name):
        facts.append(expected)
    return f"{info.description} [{'; '.join(facts)}]".replace("%", "%%")


def _explain(error: ValidationError) -> str:
    """One line for all that is wrong."""
    problems = []
    for detail in error.errors():
        if not detail["loc"]:
            problems.append(str(detail["ctx"]["error"]))
            continue
        name, given = str(detail["loc"][0]), detail["input"]
        expected = _expected(name) or detail["msg"]
        problems.append(f"{spelled(name)}: {given!r} given, {expected} expected{_hint(given)}")
    return "; ".join(problems)


def _hint(given: object) -> str:
    if isinstance(given, str) and given.startswith("tcp://"):
        return (
            " (Kubernetes sets such variables for a service named precis: rename the service, "
            "or set enableServiceLinks: false on the pod)"
        )
    return ""


def _expected(name: str) -> str:
    info = ServerConfig.model_fields[name]
    if words := _words_of(info.annotation):
        *others, last = words
        return f"{', '.join(others)} or {last}"
    if info.annotation is bool:
        return "on or off"
    if info.annotation is str:
        return "at least one character"
    bounds = {bound: getattr(rule, bound) for rule in info.metadata for bound in _bounds_of(rule)}
    if len(bounds) < 2:
        return ""
    kind = "a whole number" if info.annotation is int else "a number"
    return f"{kind} from {bounds['ge']} to {bounds['le']}"


def _words_of(annotation: Any) -> Sequence[str]:
    """The words that a setting chooses among, if it does."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    is_enum = isinstance(annotation, type) and issubclass(annotation, StrEnum)
    return [*annotation] if is_enum else []


def _bounds_of(rule: object) -> list[str]:
    return [bound for bound in ("ge", "le") if hasattr(rule, bound)]


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, float):
        return f"{default:g}"
    return "none" if default is None else str(default)
