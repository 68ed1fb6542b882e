"""The document that a server summarises before it takes calls."""

from bundle.tokenizer import BundleTokenizer
from server.types import ServedModel

SENTENCE = "This document is summarised first, so that the first caller does not wait for it. "


def first_document(tokenizer: BundleTokenizer, model: ServedModel) -> str:
    """A text that is long enough to be summarised, not returned, and short enough for the model."""
    limits = model.manifest.limits
    before = max((style.prefix_text or "" for style in model.manifest.styles), key=len)
    text = SENTENCE
    while len(tokenizer.encode(text)) < (limits.min_source_tokens or 0):
        text += SENTENCE
    while len(text) > 1 and len(tokenizer.encode(before + text)) > model.max_source_tokens:
        text = text[: len(text) // 2]
    return text.strip()
