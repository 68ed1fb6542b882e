"""Opens a graph in onnxruntime the way that costs a test least."""

from pathlib import Path
from typing import Any

import onnx
import onnxruntime

from bundle.arithmetic import make_products_exact

_ERROR = 3


def open_graph(graph: onnx.ModelProto | Path) -> Any:
    """A session with one thread: those of a pool would spin while they wait.

    It does not warn of caches that are copied because they are not bound in place.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERROR
    make_products_exact(options)
    source = str(graph) if isinstance(graph, Path) else graph.SerializeToString()
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
