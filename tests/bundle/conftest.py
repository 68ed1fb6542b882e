"""A copy of the default bundle that a test may break."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DEFAULT_BUNDLE = Path("models/default/bundle-cpu-int8").absolute()


@pytest.fixture
def broken_bundle(tmp_path: Path) -> Callable[..., Path]:
    """Makes a bundle directory, the large files linked, with a changed manifest."""

    def make(change: Callable[[dict[str, Any]], None] = lambda manifest: None) -> Path:
        for path in DEFAULT_BUNDLE.iterdir():
            (tmp_path / path.name).symlink_to(path)
        manifest_path = tmp_path / "manifest.json"
        manifest = json.loads(manifest_path.read_text("utf-8"))
        change(manifest)
        manifest_path.unlink()
        manifest_path.write_text(json.dumps(manifest), "utf-8")
        return tmp_path

    return make
