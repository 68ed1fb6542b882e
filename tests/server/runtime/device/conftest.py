"""Models on a device that is ordinary memory, beside the same models run plainly."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from bundle.load import Bundle
from server.runtime.device.drivers.host import HostDevice
from server.runtime.device.runner import DeviceRunner
from server.runtime.options import RunnerOptions
from server.runtime.ort_runner import OrtRunner
from tests.export.family_bundles import FamilyBundle
from tests.server.runtime.stepping import Model

MEMORY = 2 << 30
MAX_ROWS = 24


@dataclass(frozen=True)
class Pair:
    """The same network run both ways."""

    device: HostDevice
    on_device: Model
    plain: Model

    @property
    def bundle(self) -> Bundle:
        return self.plain.bundle

    @property
    def runner(self) -> DeviceRunner:
        assert isinstance(self.on_device.runner, DeviceRunner)
        return self.on_device.runner

    @property
    def sources(self) -> Sequence[Sequence[int]]:
        return self.plain.sources


def make_pair(bundle: Bundle, sources: Sequence[Sequence[int]]) -> Pair:
    device = HostDevice(MEMORY)
    runner = DeviceRunner(bundle, device, RunnerOptions(threads=1, max_rows=MAX_ROWS))
    return Pair(device, Model(bundle, runner, sources), Model(bundle, OrtRunner(bundle), sources))


@pytest.fixture(scope="session")
def copying(family_bundle: Callable[[str], FamilyBundle]) -> Pair:
    """A tiny random network with a copy head and learned places."""
    bundle = family_bundle("bart, copying").bundle
    chance = random.Random(2026)  # noqa: S311 - no secret
    ids = range(5, bundle.manifest.geometry.vocab_size)
    return make_pair(bundle, [chance.choices(ids, k=length) for length in (60, 17, 30, 5)])


@pytest.fixture(scope="session")
def relative(t5_model: Model) -> Pair:
    """A tiny random network with relative positions and without a copy head."""
    return make_pair(t5_model.bundle, t5_model.sources)


@pytest.fixture(params=["copying", "relative"])
def pair(request: pytest.FixtureRequest) -> Pair:
    """Each of them."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Pair)
    return found


@pytest.fixture
def model(pair: Pair) -> Model:
    """What the tests of a runner are given."""
    return pair.on_device


@pytest.fixture
def float_model(pair: Pair) -> Model:
    """The same: on a device all is in floats."""
    return pair.on_device
