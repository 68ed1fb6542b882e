"""Converting a network takes seconds, far longer than what is made of the graphs afterwards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import onnx
import pytest

from export import pipeline
from model.network.transformer import Summarizer
from tests.export.torch_registry import keep_the_registry

keep_the_registry()

Converter = Callable[[Summarizer], onnx.ModelProto]
_CONVERTERS = (
    "export_encoder",
    "export_decoder_step",
    "export_decoder_tokens",
    "export_decoder_ahead",
)


@contextmanager
def converting_once() -> Iterator[None]:
    """Converts one checkpoint for the first bundle of it, and gives copies to those that follow."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _CONVERTERS:
            patch.setattr(pipeline, name, _once(getattr(pipeline, name)))
        yield


def _once(convert: Converter) -> Converter:
    kept: list[onnx.ModelProto] = []

    def convert_once(summarizer: Summarizer) -> onnx.ModelProto:
        if not kept:
            kept.append(convert(summarizer))
        copy = onnx.ModelProto()
        copy.CopyFrom(kept[0])
        return copy

    return convert_once
