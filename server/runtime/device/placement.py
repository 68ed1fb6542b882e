"""How onnxruntime's sessions are put on a device."""

from server.runtime.device.device import Device, Queue
from server.runtime.session import CUDA, ON_CPU, Placement


def placement_on(device: Device, queue: Queue, *, captures: bool, exact: bool) -> Placement:
    """A session that works in a queue; `exact` keeps float32 products from being rounded.

    On ordinary memory it is the processor's provider, which knows neither queues nor captures.
    """
    if device.kind != "cuda":
        return ON_CPU
    return Placement(
        CUDA,
        {
            "device_id": str(device.index),
            "user_compute_stream": str(queue.handle),
            "enable_cuda_graph": str(int(captures)),
            # By default it doubles what it holds each time it needs more.
            "arena_extend_strategy": "kSameAsRequested",
            # No network here has a convolution; an exhaustive search would only cost time.
            "cudnn_conv_algo_search": "HEURISTIC",
            "use_tf32": str(int(not exact)),
        },
    )
