"""Graphs on disk: small .onnx files that share one weights file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import onnx
from onnx import TensorProto, numpy_helper

WEIGHTS_FILE = "weights.bin"

# Smaller tensors stay inside the graph, where constant folding and shape inference can see them.
_SMALLEST_EXTERNAL_BYTES = 1024
# Page-aligned, so that a runtime may map the large ones instead of reading them.
_LARGE_BYTES, _LARGE_ALIGNMENT, _SMALL_ALIGNMENT = 65536, 4096, 64


def save_graphs(graph_models: Mapping[str, onnx.ModelProto], directory: Path) -> None:
    """Writes every graph as NAME and the weights of all into one file, equal tensors once.

    The order of the file is that of the graphs and of their initialisers, so the same export gives
    the same bytes.
    """
    offsets: dict[bytes, int] = {}
    with (directory / WEIGHTS_FILE).open("wb") as stream:
        for graph_model in graph_models.values():
            for tensor in graph_model.graph.initializer:
                content = numpy_helper.to_array(tensor).tobytes()
                if len(content) < _SMALLEST_EXTERNAL_BYTES:
                    continue
                digest = hashlib.sha256(content).digest()
                if digest not in offsets:
                    large = len(content) >= _LARGE_BYTES
                    alignment = _LARGE_ALIGNMENT if large else _SMALL_ALIGNMENT
                    stream.write(b"\0" * (-stream.tell() % alignment))
                    offsets[digest] = stream.tell()
                    stream.write(content)
                _point_to(tensor, offsets[digest], len(content))
    for name, graph_model in graph_models.items():
        onnx.save_model(graph_model, str(directory / name))
        onnx.checker.check_model(str(directory / name), full_check=True)


def _point_to(tensor: TensorProto, offset: int, length: int) -> None:
    tensor.ClearField("raw_data")
    for field in ("float_data", "int32_data", "int64_data"):
        tensor.ClearField(field)
    tensor.data_location = TensorProto.EXTERNAL
    del tensor.external_data[:]
    for key, value in (("location", WEIGHTS_FILE), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))
