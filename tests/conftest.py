"""What tests of several packages share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Some tests import onnxruntime themselves: like the packages under test, they send no usage data.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# How long an example takes says nothing on a machine that others use too.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def fp32_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default checkpoint exported without quantisation, by the exporter itself."""
    from export.pipeline import ExportConfig, export_bundle

    directory = tmp_path_factory.mktemp("fp32")
    documents = directory / "documents"
    documents.mkdir()
    (documents / "arxiv_zh.txt").symlink_to(ROOT / "examples" / "arxiv_zh.txt")
    export_bundle(
        ExportConfig(
            checkpoint=ROOT / "models" / "default" / "checkpoint",
            recipe=ROOT / "models" / "default" / "bundle.toml",
            output=directory / "bundle",
            documents=documents,
            precision="fp32",
        ),
        progress=False,
    )
    return directory / "bundle"


@pytest.fixture(autouse=True, scope="session")
def _run_from_the_root() -> None:
    """Paths such as models/default are meant from the root, wherever pytest was started."""
    os.chdir(ROOT)
