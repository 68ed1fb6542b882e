"""Reads scenarios from TOML, by name or by path, and says what is wrong with one in one line."""

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from loadtest.exits import Exit, LoadTestError
from loadtest.measure.gates import check_objective
from loadtest.scenario import CorpusTable, MixEntry, Phase, ProbeTable, Scenario, SearchTable

FOLDER = Path(__file__).with_name("scenarios")

_TABLES: dict[str, type[BaseModel]] = {
    "corpus": CorpusTable,
    "mix": MixEntry,
    "phases": Phase,
    "probe": ProbeTable,
    "search": SearchTable,
}
_TIMES = {"seconds", "warm_up_s", "then_seconds"}
_RATES = {"rate", "of_probe", "rate_to", "lowest", "highest"}


def list_scenarios() -> Iterator[tuple[str, str]]:
    """Gives the name of each scenario that comes with this package, and what it is for."""
    for path in sorted(FOLDER.glob("*.toml")):
        yield path.stem, read_scenario(path.stem).description


def read_scenario(
    name: str,
    changes: Sequence[str] = (),
    time_factor: float = 1.0,
    rate_factor: float = 1.0,
) -> Scenario:
    """Reads a scenario by its name or its path, changed by assignments such as `slo.p99_ms=500`."""
    path = _find(name)
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _usage(f"{path}: {error}") from None
    for change in changes:
        _change(data, change)
    _scale(data, _TIMES, time_factor)
    _scale(data, _RATES, rate_factor)
    try:
        _read_traces(data, path.parent)
        scenario = Scenario.model_validate(_as_tuples(data))
        for slo in (scenario.slo, *(phase.slo for phase in scenario.phases)):
            check_objective(slo or {})
    except ValidationError as error:
        raise _usage(f"{path.name}: {_explain(error)}") from None
    except ValueError as error:
        raise _usage(f"{path.name}: {error}") from None
    if scenario.search is not None and not scenario.slo:
        raise LoadTestError(
            Exit.NO_SLO,
            f"{path.name}: a [search] needs an [slo] table to know what to keep,"
            " such as p99_ms = 1000",
        )
    return scenario


def suggest(wrong: str, right: Iterable[str]) -> str:
    """Says what was likely meant, else what there is."""
    right = sorted(right)
    near = difflib.get_close_matches(wrong, right, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]}?"
    return f"there are {', '.join(right)}" if right else "there is none"


def _find(name: str) -> Path:
    if name.endswith(".toml") or "/" in name:
        path = Path(name)
        if not path.is_file():
            raise _usage(f"no scenario file {name}")
        return path
    path = FOLDER / f"{name}.toml"
    if not path.is_file():
        names = [each.stem for each in FOLDER.glob("*.toml")]
        raise _usage(f"no scenario {name!r}: {suggest(name, names)}")
    return path


def _change(data: dict[str, Any], change: str) -> None:
    """Carries out one assignment; a number steps into a list."""
    key, equals, text = change.partition("=")
    if not equals or not key:
        raise _usage(f"--set {change}: not of the form KEY=VALUE")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *parents, last = key.strip().split(".")
    place: Any = data
    try:
        for parent in parents:
            place = place[int(parent)] if isinstance(place, list) else place.setdefault(parent, {})
        place[int(last) if isinstance(place, list) else last] = value
    except (IndexError, ValueError, TypeError, AttributeError):
        raise _usage(f"--set {change}: the scenario has no place {key}") from None


def _scale(data: Any, keys: set[str], factor: float) -> None:
    """Multiplies the numbers of these keys, wherever they are."""
    if isinstance(data, list):
        for each in data:
            _scale(each, keys, factor)
    elif isinstance(data, dict):
        for key, value in data.items():
            if key in keys and isinstance(value, int | float) and factor != 1:
                data[key] = value * factor
            else:
                _scale(value, keys, factor)


def _read_traces(data: dict[str, Any], folder: Path) -> None:
    """Puts the times of trace files in their places, since other machines have no such file."""
    phases = data.get("phases")
    for phase in phases if isinstance(phases, list) else ():
        name = phase.get("trace") if isinstance(phase, dict) else None
        if not isinstance(name, str):
            continue
        try:
            lines = (folder / name).read_text("utf-8").split()
            phase["at_s"] = [float(line) for line in lines]
        except (OSError, ValueError) as error:
            raise ValueError(f"trace {name}: {error}") from None


def _as_tuples(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(map(_as_tuples, data))
    if isinstance(data, dict):
        return {key: _as_tuples(value) for key, value in data.items()}
    return data


def _explain(error: ValidationError) -> str:
    """Says the first thing that is wrong: where, what, and the nearest right key."""
    first = error.errors()[0]
    *tables, key = first["loc"] or ("",)
    where = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        table = next((each for each in reversed(tables) if isinstance(each, str)), "")
        model = _TABLES.get(table, Scenario)
        return f"unknown key {where}: {suggest(str(key), model.model_fields)}"
    message = first["msg"].removeprefix("Value error, ")
    value = first["input"]
    told = f", not {value!r}" if isinstance(value, bool | int | float | str) else ""
    return f"{where or 'the scenario'}: {message[0].lower()}{message[1:]}{told}"


def _usage(message: str) -> LoadTestError:
    return LoadTestError(Exit.USAGE, message)
