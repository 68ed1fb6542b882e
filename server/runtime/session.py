"""onnxruntime sessions, made one way and checked against the bundle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import onnxruntime
from onnxruntime import OrtAllocatorType, OrtArenaCfg, OrtMemoryInfo, OrtMemType

from bundle.errors import BundleError
from bundle.manifest import GraphSpec, TensorSpec
from bundle.signature import differences, tensor_as_read
from server.runtime.threads import ThreadBudget

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

# The fused kernel is slower on the CPU than Add and LayerNormalization are: 9 % of the encoder
# (docs/adr/0004-int8.md).
_SLOW_FUSIONS = ("SkipLayerNormFusion",)
_WARNING = 2
_AS_REQUESTED = 1


@dataclass(frozen=True, slots=True)
class Placement:
    """The execution provider that is to run a session, and how."""

    provider: str
    options: Mapping[str, str] = field(default_factory=dict)
    disabled_optimizers: Sequence[str] = ()


ON_CPU = Placement(CPU, disabled_optimizers=_SLOW_FUSIONS)


def open_session(
    path: Path, expected: GraphSpec, budget: ThreadBudget, placement: Placement = ON_CPU
) -> Any:
    """Loads a graph, or raises BundleError if onnxruntime cannot or its signature is another."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = budget.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _WARNING
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(budget.may_spin)))
    # A pool that goes on spinning after its run takes the cores from the other session's pool.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # What one slice of the encoder has just used lies in the processor's cache for the next.
    _share_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        session = onnxruntime.InferenceSession(
            str(path),
            options,
            providers=[(placement.provider, dict(placement.options))],
            disabled_optimizers=list(placement.disabled_optimizers),
        )
    except Exception as error:  # onnxruntime raises classes of its own that derive from Exception
        raise BundleError(path, f"onnxruntime cannot load it: {error}") from error
    found = GraphSpec(
        file=expected.file,
        inputs=tuple(_spec(tensor) for tensor in session.get_inputs()),
        outputs=tuple(_spec(tensor) for tensor in session.get_outputs()),
    )
    if problems := differences(expected, found):
        raise BundleError(path, f"wrong signature: {'; '.join(problems)}")
    return session


@cache
def _share_memory() -> None:
    """Gives the sessions of this process one arena: once, or onnxruntime refuses.

    It grows by what is asked for; by default it would grow by powers of two.
    """
    where = OrtMemoryInfo("Cpu", OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, OrtMemType.DEFAULT)
    growth = OrtArenaCfg({"arena_extend_strategy": _AS_REQUESTED})
    onnxruntime.create_and_register_allocator(where, growth)


def _spec(tensor: Any) -> TensorSpec:
    return tensor_as_read(tensor.name, tensor.type, tensor.shape)
