"""Tensors on a device, as onnxruntime is told of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server.runtime.device.drivers.device import Device

_ONNX_TYPES = {"float32": 1, "int64": 7, "bool": 9, "float16": 10, "bfloat16": 16}
ITEM_BYTES = {"float32": 4, "int64": 8, "bool": 1, "float16": 2, "bfloat16": 2}


@dataclass(frozen=True, slots=True)
class DeviceTensor:
    """What lies at an address."""

    address: int
    dtype: str
    shape: Sequence[int]


def bind_input(binding: Any, device: Device, name: str, tensor: DeviceTensor) -> None:
    """Lets a graph read a tensor where it lies; NumPy has no name for bfloat16, but ONNX has."""
    binding.bind_input(
        name, device.kind, device.index, _ONNX_TYPES[tensor.dtype], tensor.shape, tensor.address
    )


def bind_output(binding: Any, device: Device, name: str, tensor: DeviceTensor) -> None:
    """Lets a graph write a tensor where it is to lie."""
    binding.bind_output(
        name, device.kind, device.index, _ONNX_TYPES[tensor.dtype], tensor.shape, tensor.address
    )
