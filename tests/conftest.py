"""What tests of several packages share."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.made_once import MadeOnce

if TYPE_CHECKING:  # many tests need no PyTorch
    from tests.export.family_bundles import FamilyBundle

# Some tests import onnxruntime themselves: like the packages under test, they send no usage data.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# The networks of tests are too small to gain by a second thread, and pytest-xdist's workers are
# many processes already. PyTorch reads this when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def _keep_to_one_core() -> None:
    """Gives each worker of pytest-xdist, and what it starts, a core to itself.

    A server takes a thread for each core that it may use, and onnxruntime's threads spin while they
    wait. Several workers with threads on all cores spend twice the processor time on a test.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if worker.isdecimal():
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker) % len(cores)]})


_keep_to_one_core()

# How long an example takes says nothing on a machine that others use too.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """What all processes of this run share: pytest-xdist gives each worker a folder in one."""
    base = tmp_path_factory.getbasetemp()
    return MadeOnce((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made_once")


@pytest.fixture(scope="session")
def default_bundles(made_once: MadeOnce) -> Path:
    """The default checkpoint as "fp32", by the exporter itself, and as "int8", not verified."""
    from export.package.recipe import read_recipe
    from export.pipeline import ExportConfig, build_unverified, export_bundle
    from tests.export.converting import converting_once

    recipe = ROOT / "models" / "default" / "bundle.toml"

    def make(directory: Path) -> None:
        documents = directory / "documents"
        documents.mkdir()
        (documents / "arxiv_zh.txt").symlink_to(ROOT / "examples" / "arxiv_zh.txt")
        fp32, int8 = (
            ExportConfig(
                checkpoint=ROOT / "models" / "default" / "checkpoint",
                recipe=recipe,
                output=directory / precision,
                documents=documents,
                precision=precision,
            )
            for precision in ("fp32", "int8")
        )
        with converting_once():
            export_bundle(fp32, progress=False)
            int8.output.mkdir()
            build_unverified(int8, read_recipe(recipe), int8.output)

    return made_once.directory("default", make)


@pytest.fixture(scope="session")
def fp32_bundle(default_bundles: Path) -> Path:
    """The default checkpoint exported without quantisation."""
    return default_bundles / "fp32"


@pytest.fixture(scope="session")
def family_bundle(made_once: MadeOnce) -> "Callable[[str], FamilyBundle]":
    """Makes the fp32 bundle of a family, once; "bart, copying" has a copy head and two layers."""
    from tests.export.family_bundles import (
        FamilyBundle,
        give_copy_head,
        make_bundle,
        make_checkpoint,
    )

    @cache
    def made(name: str) -> FamilyBundle:
        family, _, copies = name.partition(", ")

        def make(directory: Path) -> None:
            checkpoint = make_checkpoint(
                family, directory, **({"decoder_layers": 2} if copies else {})
            )
            if copies:
                give_copy_head(checkpoint)
            make_bundle(checkpoint)

        return FamilyBundle.of(made_once.directory(name, make) / family)

    return made


@pytest.fixture(autouse=True, scope="session")
def _run_from_the_root() -> None:
    """Paths such as models/default are meant from the root, wherever pytest was started."""
    os.chdir(ROOT)
