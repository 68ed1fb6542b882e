"""The least time that a case could take on this machine: its bytes and operations at full rate.

Weights are counted and attention is not, so the true floor lies a little higher.
"""

import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_READ_BYTES = 200_000_000
_ROUNDS = 12
# The shape of an encoder's product, 256 tokens through a feed-forward layer of BART-large.
_M, _K, _N = 256, 1024, 4096


@dataclass(frozen=True)
class Machine:
    """What this machine's memory and cores give, with as many threads as the contenders have."""

    read_bytes_per_s: float
    int8_operations_per_s: float


@dataclass(frozen=True)
class Work:
    """Weights that a model multiplies with."""

    # Of the encoder, and of the decoder's cross keys and values: for each source token.
    source_weights: int
    # Of the decoder: read at each step, and multiplied with for each token of it.
    step_weights: int

    def floor_s(
        self, machine: Machine, *, source_tokens: int, steps: float, step_tokens: float
    ) -> float:
        """Seconds in eight bits: the encoder bound by operations, a step by whichever is slower.

        A step feeds `step_tokens` tokens on average.
        """
        encode_s = 2 * self.source_weights * source_tokens / machine.int8_operations_per_s
        read_s = self.step_weights / machine.read_bytes_per_s
        compute_s = 2 * self.step_weights * step_tokens / machine.int8_operations_per_s
        return encode_s + steps * max(read_s, compute_s)


def work_of(config: dict[str, Any]) -> Work:
    """Counted from a config.json of the BART family."""
    width, feed_forward = config["d_model"], "ffn_dim"
    encoder_layer = 4 * width**2 + 2 * width * config[f"encoder_{feed_forward}"]
    decoder_layer = 6 * width**2 + 2 * width * config[f"decoder_{feed_forward}"]
    cross = 2 * width**2
    layers = config["decoder_layers"]
    return Work(
        source_weights=config["encoder_layers"] * encoder_layer + layers * cross,
        step_weights=layers * decoder_layer + config["vocab_size"] * width,
    )


def read_work(checkpoint: Path) -> Work:
    """That of a checkpoint."""
    return work_of(json.loads((checkpoint / "config.json").read_text("utf-8")))


def measure_machine(threads: int) -> Machine:
    """Both rates, each the median of a dozen tries."""
    return Machine(_read_bytes_per_s(threads), _int8_operations_per_s(threads))


def _read_bytes_per_s(threads: int) -> float:
    numbers = np.ones(_READ_BYTES // 4, np.float32)
    parts = np.array_split(numbers, threads)
    seconds = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(_ROUNDS):
            started_s = time.perf_counter()
            # numpy lets go of the interpreter meanwhile.
            list(pool.map(np.max, parts))
            seconds.append(time.perf_counter() - started_s)
    return numbers.nbytes / statistics.median(seconds)


def _int8_operations_per_s(threads: int) -> float:
    """One MatMulInteger with constant weights, as our graphs have it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        _one_product(), options, providers=["CPUExecutionProvider"]
    )
    inputs = {"a": np.random.default_rng(0).integers(0, 256, (_M, _K), np.uint8)}
    seconds = []
    for _ in range(_ROUNDS):
        started_s = time.perf_counter()
        session.run(None, inputs)
        seconds.append(time.perf_counter() - started_s)
    return 2 * _M * _K * _N / statistics.median(seconds)


def _one_product() -> bytes:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(1).integers(-127, 128, (_K, _N), np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["y"])],
        "product",
        [helper.make_tensor_value_info("a", TensorProto.UINT8, [_M, _K])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [_M, _N])],
        [numpy_helper.from_array(weights, "b")],
    )
    opsets = [helper.make_opsetid("", 21)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content
