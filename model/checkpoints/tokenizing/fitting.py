"""Whether the ids of a tokenizer.json fit the rows of an embedding."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.checkpoints.tokenizing.declared import TokenizerError

Content = Mapping[str, Any]
"""A parsed tokenizer.json."""


def fitting(content: Content, embedding_rows: int, path: Path) -> Content:
    """The same tokenizer without special tokens that have no row in the embedding.

    (facebook/bart-large-cnn has 50,264 rows, and a `<mask>` with id 50,264.) Any other id past the
    end is refused with both sizes, since text could turn into it.
    """
    ids = token_ids(content)
    past = {text for text, i in ids.items() if i >= embedding_rows}
    special = {token["content"] for token in content["added_tokens"] if token["special"]}
    if past - special:
        raise TokenizerError(
            f"{path} has {max(ids.values()) + 1} tokens, but the network's embedding has "
            f"{embedding_rows} rows"
        )
    return _without(content, past) if past else content


def token_ids(content: Content) -> dict[str, int]:
    """Every token with its id, added ones too."""
    vocabulary = content["model"]["vocab"]
    if isinstance(vocabulary, list):  # Unigram lists its pieces with their scores
        ids = {text: i for i, (text, _) in enumerate(vocabulary)}
    else:
        ids = dict(vocabulary)
    return ids | {token["content"]: token["id"] for token in content["added_tokens"]}


def _without(content: Content, texts: set[str]) -> Content:
    vocabulary = content["model"]["vocab"]
    if isinstance(vocabulary, list):
        kept: object = [entry for entry in vocabulary if entry[0] not in texts]
    else:
        kept = {text: i for text, i in vocabulary.items() if text not in texts}
    added = [token for token in content["added_tokens"] if token["content"] not in texts]
    return {**content, "added_tokens": added, "model": {**content["model"], "vocab": kept}}
