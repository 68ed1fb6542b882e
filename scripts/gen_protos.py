"""Generates the gRPC stubs in the client distribution from the files in protos/.

Run by `make protos`. The stubs are checked in, so nobody needs protoc to run or install anything;
tests/protos/test_stubs_are_fresh.py regenerates them elsewhere and compares. The same versions of
grpcio-tools and mypy-protobuf give the same bytes.
"""

import shutil
import sys
import sysconfig
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
DESTINATION = ROOT / "client"
STUBS = Path("precis_client/stubs")
"""Where the stubs live below the destination: protoc derives their import name from it."""


def generate(destination: Path = DESTINATION) -> list[Path]:
    """Writes the stubs of every proto below `destination` and returns their relative paths.

    A stub whose proto is gone is removed.
    """
    sources = sorted(path.relative_to(PROTOS) for path in PROTOS.rglob("*.proto"))
    with TemporaryDirectory() as folder:
        made_in = Path(folder)
        _run_protoc(sources, made_in)
        for package in _packages_of(sources):
            (made_in / package / "__init__.py").write_text(_package_docstring(package))
        # Only now, so that a proto that does not compile costs nobody the stubs there are.
        shutil.rmtree(destination / STUBS, ignore_errors=True)
        shutil.copytree(made_in / STUBS, destination / STUBS)
    made = (path for path in (destination / STUBS).rglob("*") if path.suffix in {".py", ".pyi"})
    return sorted(path.relative_to(destination) for path in made)


def _packages_of(sources: list[Path]) -> set[Path]:
    return {STUBS / parent for source in sources for parent in source.parents}


def _package_docstring(package: Path) -> str:
    about = package.relative_to(STUBS).as_posix()
    origin = "protos/" if about == "." else f"protos/{about}/"
    return f'"""Generated from {origin} by `make protos`; do not edit."""\n'


def _run_protoc(sources: list[Path], destination: Path) -> None:
    # The virtual path makes protoc write `from precis_client.stubs... import`, so no import needs
    # repair.
    arguments = [
        "protoc",
        f"-I{STUBS.as_posix()}={PROTOS}",
        f"-I{files('grpc_tools') / '_proto'}",
        f"--plugin=protoc-gen-mypy_grpc={_typing_plugin()}",
        f"--python_out={destination}",
        f"--pyi_out={destination}",
        f"--grpc_python_out={destination}",
        f"--mypy_grpc_out=quiet:{destination}",
        *((STUBS / source).as_posix() for source in sources),
    ]
    if protoc.main(arguments) != 0:
        raise SystemExit("protoc failed: its messages are above")


def _typing_plugin() -> str:
    """Finds mypy-protobuf's plugin: protoc itself types the messages but not the services."""
    plugin = shutil.which("protoc-gen-mypy_grpc", path=sysconfig.get_path("scripts"))
    if plugin is None:
        raise SystemExit(
            "mypy-protobuf is not installed in this environment; it is in the dev extra"
        )
    return plugin


def main() -> None:
    """Generates into client/ and names what was written."""
    for path in generate():
        sys.stdout.write(f"{(DESTINATION / path).relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
