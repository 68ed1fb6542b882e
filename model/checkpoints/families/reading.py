"""Reading config.json key by key, with everything that is wrong told at once."""

from collections.abc import Mapping
from typing import Any

from model.network.config import ConfigError

_REQUIRED = object()

# Written by transformers, about the file and not about the network.
_BOOKKEEPING = ("architectures", "model_type", "transformers_version", "torch_dtype", "dtype")


class Reading:
    """Values taken from a config.json; `finish` raises what did not fit and gives what is left."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._taken: set[str] = set()
        self._missing: list[str] = []
        self._problems: list[str] = []

    def count(self, *keys: str, default: Any = _REQUIRED) -> Any:
        """A whole number, under the first of the keys that is there and not null.

        Only the first key counts as read: the others have a meaning of their own as well.
        """
        return self._take(keys, int, "a whole number", default)

    def number(self, key: str, default: float) -> float:
        """A number."""
        return float(self._take((key,), (int, float), "a number", default))

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        return bool(self._take((key,), bool, "true or false", default))

    def choice(self, key: str, choices: Mapping[str, Any], default: str) -> Any:
        """What a word stands for."""
        word = self.word(key, default)
        if word not in choices:
            self.refuse(f"{key}={word!r} is not supported; only {', '.join(choices)} are")
        return choices.get(word, choices[default])

    def word(self, key: str, default: str) -> str:
        """A word."""
        return str(self._take((key,), str, "a word", default))

    def table(self, key: str) -> dict[str, int]:
        """Whole numbers by name, none if the key is absent."""
        table = self._take((key,), dict, "an object", {})
        for name, value in table.items():
            if type(value) is not int:
                self.refuse(f"{key}[{name!r}] is {value!r}, not a whole number")
        return {name: value for name, value in table.items() if type(value) is int}

    def counts(self, key: str, how_many: int) -> tuple[int, ...]:
        """So many whole numbers, or one that stands for all of them."""
        value = self._take((key,), (int, list), "a whole number or a list of them", _REQUIRED)
        values = [value] * how_many if isinstance(value, int) else value
        if any(type(one) is not int for one in values):
            self.refuse(f"{key} is {value!r}, not a list of whole numbers")
            return ()
        return tuple(values)

    def require(self, fixed: Mapping[str, Any]) -> None:
        """What the network of this family does, whatever the file says: refuse another value.

        Null is no value, as everywhere in the file.
        """
        for key, ours in fixed.items():
            self._taken.add(key)
            found = self._values.get(key)
            if found is not None and found != ours:
                self.refuse(f"{key}={found!r} is not supported; only {ours!r} is")

    def refuse(self, problem: str) -> None:
        """Note what is wrong."""
        self._problems.append(problem)

    def finish(self) -> None:
        """Raise `ConfigError` with all that was missing or wrong."""
        problems = list(self._problems)
        if self._missing:
            problems.insert(0, f"missing from config.json: {', '.join(self._missing)}")
        if problems:
            raise ConfigError("; ".join(problems))

    def other_keys(self) -> dict[str, Any]:
        """The keys that nothing was read from."""
        known = {*self._taken, *_BOOKKEEPING}
        return {key: value for key, value in self._values.items() if key not in known}

    def _take(
        self, keys: tuple[str, ...], kind: type | tuple[type, ...], what: str, default: Any
    ) -> Any:
        self._taken.add(keys[0])
        found = [key for key in keys if self._values.get(key) is not None]
        if not found:
            if default is not _REQUIRED:
                return default
            self._missing.append(keys[0])
            return 1
        value = self._values[found[0]]
        # true is an int to Python, though not to whoever wrote the file
        if not isinstance(value, kind) or (isinstance(value, bool) and kind not in (bool, object)):
            self.refuse(f"{found[0]} is {value!r}, not {what}")
            return default if default is not _REQUIRED else 1
        return value
