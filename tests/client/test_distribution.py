"""What other services install: its public names, its needs and what importing it costs."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import precis_client
import precis_documents
from precis_client.stubs.summarizer.v1 import summarizer_pb2

DISTRIBUTION = Path(__file__).parents[2] / "client"
PACKAGE = Path(precis_client.__file__).parent


def modules_after(statement: str) -> set[str]:
    """Names what is loaded in a fresh process after a statement."""
    program = f"{statement}\nimport sys; print(*sys.modules)"
    # S603: the interpreter and the program are our own
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.split())


def test_the_public_names_are_sorted_and_all_there() -> None:
    assert precis_client.__all__ == sorted(precis_client.__all__)
    for name in precis_client.__all__:
        assert getattr(precis_client, name).__name__ == name


def test_type_checkers_are_shown_the_same_names() -> None:
    tree = ast.parse(Path(precis_client.__file__).read_text("utf-8"))
    (only_when_checking,) = (node for node in tree.body if isinstance(node, ast.If))
    shown = {alias.name for node in only_when_checking.body for alias in node.names}  # type: ignore[attr-defined]

    assert shown == set(precis_client.__all__)


def test_importing_the_stubs_does_not_load_the_client() -> None:
    loaded = modules_after(f"import {summarizer_pb2.__name__}")

    ours = {name for name in loaded if name.startswith("precis_client.")}
    assert {name for name in ours if not name.startswith("precis_client.stubs")} == {
        "precis_client._version"
    }


def test_help_does_not_load_grpc() -> None:
    loaded = modules_after("from precis_client.cli.parser import build_parser; build_parser()")

    assert "precis_client.cli.parser" in loaded
    assert not {"grpc", "google.protobuf"} & loaded


def test_the_distribution_needs_grpc_and_protobuf_and_the_status_messages_only() -> None:
    project = tomllib.loads((DISTRIBUTION / "pyproject.toml").read_text("utf-8"))["project"]

    assert project["name"] == "precis-client"
    assert project["dependencies"] == [
        "grpcio>=1.80",
        "protobuf>=6.31.1,<8",
        "googleapis-common-protos>=1.70",
    ]
    assert project["scripts"] == {"precis": "precis_client.cli:main"}


def test_reading_documents_needs_packages_for_pdf_and_html_only() -> None:
    project = tomllib.loads((DISTRIBUTION / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["optional-dependencies"] == {
        "documents": ["pypdf>=7.0,<8", "selectolax>=1.0,<2"]
    }
    loaded = modules_after("import precis_documents")
    assert not {"pypdf", "selectolax"} & loaded


@pytest.mark.parametrize("package", [precis_client, precis_documents])
def test_the_distribution_says_that_it_is_typed(package: ModuleType) -> None:
    assert (Path(str(package.__file__)).parent / "py.typed").exists()
