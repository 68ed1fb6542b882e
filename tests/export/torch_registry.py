"""Keeps the table that torch.onnx.export makes anew, for more than a second, at every call."""

from functools import cache

from torch.onnx._internal.exporter import _registration
from torch.onnx._internal.exporter._registration import ONNXRegistry

_make = cache(ONNXRegistry.from_torchlib)


def _copy_of_the_table(opset_version: int) -> ONNXRegistry:
    """The exporter adds our translations to what it is given."""
    registry = ONNXRegistry()
    registry._opset_version = opset_version
    made = _make(opset_version)
    registry.functions = {target: list(metas) for target, metas in made.functions.items()}
    return registry


def keep_the_registry() -> None:
    """From now on, in this process."""
    _registration.ONNXRegistry.from_torchlib = staticmethod(_copy_of_the_table)
