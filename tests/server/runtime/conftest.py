"""The models that the runtime is tested with."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from bundle.load import load_bundle
from server.runtime.ort_runner import OrtRunner
from tests.bundle.conftest import DEFAULT_BUNDLE
from tests.export.family_bundles import FamilyBundle
from tests.server.runtime.documents import documents, source_ids
from tests.server.runtime.stepping import Model

NUM_SOURCES = 4


@pytest.fixture(scope="session")
def int8_model() -> Model:
    """The embedded bundle: a copy head, everything in int8."""
    return _default_model(DEFAULT_BUNDLE)


@pytest.fixture(scope="session")
def fp32_model(fp32_bundle: Path) -> Model:
    """The same network as it was trained."""
    return _default_model(fp32_bundle)


@pytest.fixture(scope="session")
def t5_model(family_bundle: Callable[[str], FamilyBundle]) -> Model:
    """A tiny random network with relative positions and without a copy head."""
    bundle = family_bundle("t5").bundle
    chance = random.Random(2026)  # noqa: S311 - no secret
    ids = range(3, bundle.manifest.geometry.vocab_size)
    sources = [chance.choices(ids, k=length) for length in (40, 17, 30, 5)]
    return Model(bundle, OrtRunner(bundle, threads=1), sources)


@pytest.fixture(params=["int8", "fp32", "t5"])
def model(request: pytest.FixtureRequest) -> Model:
    """Each of them."""
    found = request.getfixturevalue(f"{request.param}_model")
    assert isinstance(found, Model)
    return found


@pytest.fixture(params=["fp32", "t5"])
def float_model(request: pytest.FixtureRequest) -> Model:
    """Those that are not in int8."""
    found = request.getfixturevalue(f"{request.param}_model")
    assert isinstance(found, Model)
    return found


def _default_model(directory: Path) -> Model:
    bundle = load_bundle(directory)
    sources = [source_ids(bundle, document)[:500] for document in documents(NUM_SOURCES)]
    return Model(bundle, OrtRunner(bundle, threads=1), sources)
