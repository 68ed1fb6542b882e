"""Generates the gRPC stubs from the files in protos/: each folder of protos has a home for them.

Run by `make protos`. The stubs are checked in, so nobody needs protoc to run or install anything;
tests/protos/test_stubs_are_fresh.py regenerates them elsewhere and compares. The same versions of
grpcio-tools and mypy-protobuf give the same bytes.
"""

import shutil
import sys
import sysconfig
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"


@dataclass(frozen=True)
class Home:
    """Where the stubs of one folder of protos live."""

    protos: str
    """The folder below protos/."""
    root: Path
    """The folder that is on Python's path, below the repository's."""
    stubs: Path
    """Below that: protoc derives the import name from it."""

    @property
    def path(self) -> Path:
        """The folder of the stubs, below the repository's."""
        return self.root / self.stubs


HOMES = (
    Home("summarizer", Path("client"), Path("precis_client/stubs")),
    # Not in the client: a process can hold one definition of these messages, and a program that
    # uses our client may use Triton's too.
    Home("inference", Path(), Path("server/stubs")),
)


def generate(destination: Path = ROOT) -> list[Path]:
    """Writes the stubs of every proto below `destination` and returns their relative paths.

    A stub whose proto is gone is removed.
    """
    if homeless := {path.name for path in PROTOS.iterdir()} - {home.protos for home in HOMES}:
        raise SystemExit(f"decide in HOMES where the stubs of {', '.join(sorted(homeless))} live")
    made = (path for home in HOMES for path in _generate(home, destination / home.path))
    return sorted(path.relative_to(destination) for path in made)


def _generate(home: Home, folder: Path) -> list[Path]:
    sources = sorted(path.relative_to(PROTOS) for path in (PROTOS / home.protos).rglob("*.proto"))
    with TemporaryDirectory() as temporary:
        made_in = Path(temporary)
        _run_protoc(sources, home.stubs, made_in)
        for package in {parent for source in sources for parent in source.parents}:
            init = made_in / home.stubs / package / "__init__.py"
            init.write_text(_package_docstring(package, home))
        # Only now, so that a proto that does not compile costs nobody the stubs there are.
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made_in / home.stubs, folder)
    return [path for path in folder.rglob("*") if path.suffix in {".py", ".pyi"}]


def _package_docstring(package: Path, home: Home) -> str:
    about = package.as_posix()
    origin = f"protos/{home.protos if about == '.' else about}/"
    return f'"""Generated from {origin} by `make protos`; do not edit."""\n'


def _run_protoc(sources: list[Path], stubs: Path, destination: Path) -> None:
    # The virtual path makes protoc write `from precis_client.stubs... import`, so no import needs
    # repair.
    arguments = [
        "protoc",
        f"-I{stubs.as_posix()}={PROTOS}",
        f"-I{files('grpc_tools') / '_proto'}",
        f"--plugin=protoc-gen-mypy_grpc={_typing_plugin()}",
        f"--python_out={destination}",
        f"--pyi_out={destination}",
        f"--grpc_python_out={destination}",
        f"--mypy_grpc_out=quiet:{destination}",
        *((stubs / source).as_posix() for source in sources),
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
    """Generates where the stubs live and names what was written."""
    for path in generate():
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
