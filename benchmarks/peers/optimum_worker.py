"""optimum-onnx as a contender: `python -m benchmarks.peers.optimum_worker MODEL`.

The model is a folder that benchmarks/peers/export_optimum.py wrote.
"""

from pathlib import Path

import onnxruntime
from optimum.onnxruntime import ORTModelForSeq2SeqLM

from benchmarks.peers.generation import summarise_with
from benchmarks.peers.protocol import Summarise, serve


def load(directory: Path, threads: int) -> Summarise:
    """Its three graphs in fp32, with as many threads as everybody has."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    model = ORTModelForSeq2SeqLM.from_pretrained(
        directory, session_options=options, provider="CPUExecutionProvider"
    )
    return summarise_with(model)


if __name__ == "__main__":
    serve(load, ["optimum-onnx", "optimum", "onnxruntime"])
