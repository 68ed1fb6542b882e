"""Keeps the arrows that docs/architecture.md draws, and proves that each rule can fail."""

import subprocess
import sys
from collections.abc import Callable, Iterable

import pytest

from tests.architecture import (
    SourceFile,
    circle_breaches,
    circles,
    docstring_breaches,
    environment_breaches,
    home_breaches,
    houses_of,
    length_breaches,
    package_breaches,
    read_package,
    room_arrows,
    room_breaches,
    room_of,
)
from tests.arrows import MAX_LINES, PACKAGE_HOMES, ROOT

Rule = Callable[[Iterable[SourceFile]], list[str]]
EVERYWHERE = [
    package_breaches,
    room_breaches,
    circle_breaches,
    home_breaches,
    environment_breaches,
    length_breaches,
    docstring_breaches,
]


@pytest.mark.parametrize("package", PACKAGE_HOMES)
@pytest.mark.parametrize("rule", EVERYWHERE, ids=lambda rule: rule.__name__)
def test_every_package_keeps_the_rules_of_the_house(rule: Rule, package: str) -> None:
    files = read_package(package)
    assert files, f"{package} has no Python files"
    assert rule(files) == []


def test_the_arrows_between_rooms_allow_no_circle() -> None:
    assert circles(room_arrows()) == set()
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == {frozenset("abc")}


def test_no_room_is_declared_that_is_not_there() -> None:
    files = [file for package in PACKAGE_HOMES for file in read_package(package)]
    generated = {"precis_client.stubs"}
    rooms = {room_of(file.module, house) for file in files for house in houses_of(file.module)}
    assert room_arrows().keys() - generated <= rooms


def test_every_package_in_the_root_has_its_arrows_decided() -> None:
    folders = {init.parent.name for init in ROOT.glob("*/__init__.py")}
    assert folders - {"tests"} <= PACKAGE_HOMES.keys()


def test_no_test_file_is_too_long_to_be_one_idea() -> None:
    paths = sorted((ROOT / "tests").rglob("*.py"))
    files = [SourceFile(str(path.relative_to(ROOT)), path.read_text("utf-8")) for path in paths]
    assert length_breaches(files) == []


def test_importing_the_whole_server_loads_no_training_library() -> None:
    program = (
        "import sys, server.app; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.split()
    assert "onnxruntime" in loaded, "the program did not import the whole server"
    assert {"torch", "onnx", "onnxscript", "transformers", "model", "export"}.isdisjoint(loaded)


@pytest.mark.parametrize(
    ("rule", "module", "text"),
    [
        (package_breaches, "bundle.load", "import model"),
        (package_breaches, "model.decoding.generate", "from server.decoding import greedy"),
        (package_breaches, "server.rpc.summarizer", "from precis_client import Client"),
        (package_breaches, "server.service", "def late():\n    from export import pipeline"),
        (package_breaches, "precis_client.sync", "import server.types"),
        (package_breaches, "loadtest.users", "from precis_client.sync import Client"),
        (room_breaches, "server.decoding.greedy", "from server.engine.request import Row"),
        (room_breaches, "server.decoding.greedy", "from ..engine.request import Row"),
        (room_breaches, "server.engine.engine", "from server import runtime"),
        (room_breaches, "server.engine.engine", "import server.rpc.server"),
        (room_breaches, "server.text.chunk", "from server.service import Service"),
        (room_breaches, "server.rpc.server", "from server.engine.engine import Engine"),
        (room_breaches, "server.service", "from server.app import run"),
        (room_breaches, "server.attic", ""),
        (room_breaches, "model.network.layers", "from model.decoding.beam import beam_search"),
        (room_breaches, "model.network.layers", "def late():\n    from model import checkpoints"),
        (room_breaches, "model.explain.page", "from model.evaluation.rouge import rouge"),
        (room_breaches, "model.commands.train", "from model.__main__ import main"),
        (room_breaches, "export.passes.heads", "from ..graphs.modules import EncoderGraph"),
        (room_breaches, "export.package.pack", "from export.pipeline import ExportConfig"),
        (room_breaches, "bundle.manifest", "from bundle import Bundle"),
        (room_breaches, "model.attic", ""),
        (room_breaches, "server.runtime.step.fill", "import server.runtime.lane"),
        (room_breaches, "server.runtime.device.memory.lane", "from server.runtime import device"),
        (room_breaches, "server.runtime.attic", ""),
        (home_breaches, "server.app", "import torch"),
        (home_breaches, "server.engine.engine", "import onnxruntime as ort"),
        (home_breaches, "server.engine.engine", "import asyncio"),
        (home_breaches, "server.decoding.greedy", "from asyncio import Queue"),
        (home_breaches, "server.service", "import grpc.aio"),
        (home_breaches, "server.telemetry.metrics", "from grpc_health.v1 import health"),
        (home_breaches, "server.service", "from google.protobuf import duration_pb2"),
        (home_breaches, "server.service", "from precis_client.stubs.summarizer.v1 import x"),
        (home_breaches, "bundle.tokenizer", "import torch.nn"),
        (environment_breaches, "server.app", "import os\nport = os.environ['PRECIS_PORT']"),
        (environment_breaches, "server.app", "import os as system\nport = system.getenv('PORT')"),
        (environment_breaches, "server.app", "from os import environ"),
        (length_breaches, "server.app", "\n" * (MAX_LINES + 1)),
        (docstring_breaches, "server.app", '"""A module in a folder without __init__.py."""'),
    ],
)
def test_a_file_that_breaks_a_rule_is_named(rule: Rule, module: str, text: str) -> None:
    (breach,) = rule([SourceFile(module, text)])
    assert breach.startswith(module if rule is not docstring_breaches else "server ")


def test_files_that_import_each_other_are_named() -> None:
    files = [
        SourceFile("model.config", "def read():\n    from model.families import find"),
        SourceFile("model.families", "from model.families.bart import BART", is_package=True),
        SourceFile("model.families.bart", "from model.config import ModelConfig"),
        SourceFile("model.layers", "from model.config import ModelConfig"),
    ]
    assert circle_breaches(files) == [
        "model.config is in a circle: model.config, model.families, model.families.bart"
    ]


@pytest.mark.parametrize("text", ["", "import bundle", '"""  """'])
def test_a_package_without_a_docstring_is_named(text: str) -> None:
    assert docstring_breaches([SourceFile("server.text", text, is_package=True)]) == [
        "server.text has no docstring"
    ]


@pytest.mark.parametrize(
    ("rule", "module", "text"),
    [
        (package_breaches, "export.package.pack", "import bundle, model.network.config"),
        (package_breaches, "server.rpc.convert", "from precis_client.stubs.summarizer import v1"),
        (package_breaches, "model.bundler", "import bundles_of_something_else"),
        (room_breaches, "server.app", "from server.rpc.server import serve"),
        (room_breaches, "model.__main__", "from model.commands import train"),
        (room_breaches, "model.training.run", "import torch, model.network.layers"),
        (room_breaches, "export.verify.compare", "from model.commands import train"),
        (room_breaches, "server.engine.engine", "from .request import Row\nfrom ..types import X"),
        (home_breaches, "server.runtime.session", "import onnxruntime"),
        (home_breaches, "server.rpc.server", "import grpc\nfrom grpc_health.v1 import health"),
        (environment_breaches, "server.config", "import os\nport = os.environ['PRECIS_PORT']"),
        (length_breaches, "server.app", "\n" * MAX_LINES),
    ],
)
def test_a_file_that_keeps_a_rule_is_left_alone(rule: Rule, module: str, text: str) -> None:
    assert rule([SourceFile(module, text)]) == []
