"""A real device, or with PRECIS_TEST_DEVICE=cpu the processor in its part.

`make test-gpu` runs what is here. On the processor these tests say nothing about a GPU; that they
run there shows that their own code does.
"""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnxruntime
import pytest

from bundle.load import Bundle
from server.runtime.device.drivers.cuda import CudaDevice, probe
from server.runtime.device.drivers.device import Device
from server.runtime.device.drivers.host import HostDevice
from tests.export.family_bundles import give_copy_head, make_bundle, make_checkpoint, tame


@dataclass(frozen=True)
class Network:
    """A tiny random network with a copy head, in both types."""

    checkpoint: Path
    fp32: Bundle
    fp16: Bundle
    sources: Sequence[Sequence[int]]


@pytest.fixture(scope="session")
def on_gpu() -> bool:
    """Whether there is a real one."""
    return os.environ.get("PRECIS_TEST_DEVICE", "cuda") != "cpu"


@pytest.fixture(scope="session")
def device(on_gpu: bool) -> Device:
    """What is tested."""
    if not on_gpu:
        return HostDevice(1 << 30)
    onnxruntime.preload_dlls()  # CUDA's libraries, where they lie beside it
    problem = probe(0)
    assert problem is None, problem
    return CudaDevice(0)


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    checkpoint = make_checkpoint("bart", tmp_path_factory.mktemp("gpu"), decoder_layers=2)
    give_copy_head(checkpoint)
    tame(checkpoint)
    fp32, fp16 = (make_bundle(checkpoint, precision).bundle for precision in ("fp32", "fp16"))
    chance = random.Random(2026)  # noqa: S311 - no secret
    ids = range(5, fp32.manifest.geometry.vocab_size)
    sources = [chance.choices(ids, k=length) for length in (60, 17, 30, 5, 44, 51)]
    return Network(checkpoint, fp32, fp16, sources)
