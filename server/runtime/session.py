"""onnxruntime sessions, made one way and checked against the bundle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import onnxruntime
from onnxruntime import OrtAllocatorType, OrtArenaCfg, OrtMemoryInfo, OrtMemType

from bundle.arithmetic import make_products_exact
from bundle.errors import BundleError
from bundle.manifest import GraphSpec, TensorSpec
from bundle.signature import differences, tensor_as_read
from server.engine.runner import OutOfMemoryRunnerError
from server.runtime.failures import is_out_of_memory
from server.runtime.threads import ThreadBudget

CPU = "CPUExecutionProvider"

# The fused kernel is slower on the CPU than Add and LayerNormalization are: 9 % of the encoder
# (docs/adr/0004-int8.md).
_SLOW_FUSIONS = ("SkipLayerNormFusion",)
_RECORD_NODES = "session.record_ep_graph_assignment_info"
_WARNING = 2
# Numbers that become shapes are wanted on the CPU, so onnxruntime leaves what makes them there.
_SHAPE_ARITHMETIC = {
    *("Shape", "Size", "Gather", "Slice", "Concat", "Squeeze", "Unsqueeze", "Cast"),
    *("Add", "Sub", "Mul", "Div", "Max", "Min", "Range", "Equal", "Where", "ConstantOfShape"),
}
# The second: of a session that was to capture, and has nodes on the CPU.
_PLACEMENT_SAYS = ("CUDA failure", "graph capture")
_AS_REQUESTED = 1


@dataclass(frozen=True, slots=True)
class Placement:
    """The execution provider that is to run a session, and how."""

    provider: str
    options: Mapping[str, str] = field(default_factory=dict)
    disabled_optimizers: Sequence[str] = ()


ON_CPU = Placement(CPU, disabled_optimizers=_SLOW_FUSIONS)


class PlacementError(Exception):
    """A session cannot run where it is to run; says what the library said."""


def open_session(
    path: Path, expected: GraphSpec, budget: ThreadBudget, placement: Placement = ON_CPU
) -> Any:
    """Loads a graph, or raises BundleError if onnxruntime cannot or its signature is another.

    Raises PlacementError if it would run elsewhere than asked, and OutOfMemoryRunnerError.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = budget.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _WARNING
    make_products_exact(options)
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(budget.may_spin)))
    # A pool that goes on spinning after its run takes the cores from the other session's pool.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # What one slice of the encoder has just used lies in the processor's cache for the next.
    _share_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    may_split = placement.provider != CPU
    options.add_session_config_entry(_RECORD_NODES, str(int(may_split)))
    # A device's weights lie beside its arena: within, they would keep it from ever shrinking.
    options.add_session_config_entry(
        "session.use_device_allocator_for_initializers", str(int(may_split))
    )
    try:
        session = onnxruntime.InferenceSession(
            str(path),
            options,
            providers=[(placement.provider, dict(placement.options))],
            disabled_optimizers=list(placement.disabled_optimizers),
            # With it on, a failure would be printed, and the session made anew on the CPU.
            enable_fallback=0,
        )
    except Exception as error:  # onnxruntime raises classes of its own that derive from Exception
        raise _told(path, error) from error
    # A provider whose library cannot be loaded is left out without a word.
    if (actual := session.get_providers()[0]) != placement.provider:
        raise PlacementError(f"onnxruntime gave {path.name} {actual}, not {placement.provider}")
    found = GraphSpec(
        file=expected.file,
        inputs=tuple(_spec(tensor) for tensor in session.get_inputs()),
        outputs=tuple(_spec(tensor) for tensor in session.get_outputs()),
    )
    if problems := differences(expected, found):
        raise BundleError(path, f"wrong signature: {'; '.join(problems)}")
    return session


def nodes_elsewhere(session: Any) -> list[str]:
    """Names the nodes that another provider runs than the session's own: type, then name if any.

    Copies between the two are no nodes of the graph, and are not among them.
    """
    own = session.get_providers()[0]
    if own == CPU:  # there is no other to fall to, and nothing was recorded
        return []
    return sorted(
        f"{node.op_type} {node.name}".rstrip()
        for part in session.get_provider_graph_assignment_info()
        if part.ep_name != own
        for node in part.get_nodes()
    )


def unexpected_types(nodes: Sequence[str]) -> list[str]:
    """The types among nodes named by nodes_elsewhere that a GPU should have kept to itself."""
    return sorted({node.partition(" ")[0] for node in nodes} - _SHAPE_ARITHMETIC)


def _told(path: Path, error: Exception) -> Exception:
    if is_out_of_memory(error):
        return OutOfMemoryRunnerError(f"no memory to load {path.name}: {error}")
    if any(said in str(error) for said in _PLACEMENT_SAYS):
        return PlacementError(str(error))
    return BundleError(path, f"onnxruntime cannot load it: {error}")


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
