"""Opens a graph in onnxruntime the way that costs a test least."""

from pathlib import Path
from typing import Any

import onnx
import onnxruntime

from bundle.arithmetic import exact_session_entries
from bundle.processor import instruction_set

_ERROR = 3


def open_graph(graph: onnx.ModelProto | Path) -> Any:
    """A session with one thread: those of a pool would spin while they wait.

    It does not warn of caches that are copied because they are not bound in place.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERROR
    for key, value in exact_session_entries(instruction_set()).items():
        options.add_session_config_entry(key, value)
    source = str(graph) if isinstance(graph, Path) else graph.SerializeToString()
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
