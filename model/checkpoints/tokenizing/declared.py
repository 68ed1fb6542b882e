"""What a checkpoint directory says of its tokenizer, in the small JSON files beside the weights."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


class TokenizerError(ValueError):
    """A checkpoint has no tokenizer that can be used; says what was looked for and found."""


@dataclass(frozen=True)
class Declared:
    """The files of one directory; those that it lacks count as empty."""

    directory: Path

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """config.json, which is never optional."""
        if not (self.directory / "config.json").is_file():
            raise TokenizerError(f"{self.directory} has no config.json: not a checkpoint directory")
        return self._read("config.json")

    @cached_property
    def tokenizer_config(self) -> Mapping[str, Any]:
        """tokenizer_config.json, over special_tokens_map.json, which older checkpoints have."""
        return {**self._read("special_tokens_map.json"), **self._read("tokenizer_config.json")}

    @property
    def family(self) -> str:
        """`model_type` of config.json."""
        return str(self.config.get("model_type"))

    @property
    def embedding_rows(self) -> int:
        """`vocab_size` of config.json: no id may reach it."""
        rows = self.config.get("vocab_size")
        if not isinstance(rows, int) or rows < 1:
            raise TokenizerError(f"{self.directory / 'config.json'}: vocab_size is {rows!r}")
        return rows

    def token(self, role: str, default: str | None) -> str | None:
        """The text of a special token such as `eos_token`; null in the file means none."""
        value = self.tokenizer_config.get(role, default)
        return value["content"] if isinstance(value, Mapping) else value

    def number(self, name: str, default: int) -> int:
        """A whole number of tokenizer_config.json, 0 or more."""
        value = self.tokenizer_config.get(name, default)
        if not isinstance(value, int) or value < 0:
            raise TokenizerError(f"{self.directory / 'tokenizer_config.json'}: {name} is {value!r}")
        return value

    def added_tokens(self) -> dict[int, Mapping[str, Any]]:
        """Tokens that were added to the vocabulary afterwards, by id, with how each is matched."""
        special = self._special_texts()
        added: dict[int, Mapping[str, Any]] = {
            token_id: {"content": text, "special": text in special}
            for text, token_id in self._read("added_tokens.json").items()
        }
        for token_id, token in self.tokenizer_config.get("added_tokens_decoder", {}).items():
            added[int(token_id)] = {"special": token["content"] in special, **token}
        return dict(sorted(added.items()))

    def _special_texts(self) -> set[str]:
        named = [value for role, value in self.tokenizer_config.items() if role.endswith("_token")]
        named += self.tokenizer_config.get("additional_special_tokens") or []
        return {token["content"] if isinstance(token, Mapping) else str(token) for token in named}

    def path(self, name: str) -> Path:
        """Where a file of the directory lies, whether or not it is there."""
        return self.directory / name

    def _read(self, name: str) -> dict[str, Any]:
        path = self.directory / name
        if not path.is_file():
            return {}
        return read_json_object(path)


def read_json_object(path: Path) -> dict[str, Any]:
    """A JSON file whose top is an object, or TokenizerError naming the file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TokenizerError(f"{path} is not JSON in UTF-8: {error}") from error
    if not isinstance(content, dict):
        raise TokenizerError(f"{path} holds a {type(content).__name__}, not an object")
    return content
