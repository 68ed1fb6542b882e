"""The house's rules as functions: each takes source files and returns a sentence for every breach.

tests/test_architecture.py applies them to this repository, and to made-up files that break them.
Adding a package, or a room to one, means adding to a table here: that is where its arrows are
decided.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

MAX_LINES = 400

PACKAGE_HOMES: Mapping[str, Path] = {
    "bundle": ROOT,
    "model": ROOT,
    "export": ROOT,
    "server": ROOT,
    "precis_client": ROOT / "client",
    "loadtest": ROOT,
    "benchmarks": ROOT,
}
"""Our packages, and the folder that each lies in."""

PACKAGE_ARROWS: Mapping[str, set[str]] = {
    "bundle": set(),
    "model": {"bundle"},
    "export": {"bundle", "model"},
    "server": {"bundle", "precis_client.stubs"},
    "precis_client": set(),
    "loadtest": {"precis_client.stubs"},
    "benchmarks": {"bundle", "model", "export", "server", "precis_client", "loadtest"},
}
"""Which of our packages each may import beside itself.

`python -m model evaluate BUNDLE` runs the server's engine without an arrow to it: it starts
`python -m server.offline` and speaks JSON lines with it (see model/evaluation/bundle_process.py).
An import would tie training to the server, and put PyTorch's and ONNX Runtime's threads and memory
together.
"""

WORDS = {"server.types", "server.errors"}
"""What the server's rooms share: plain data and the error tree."""

ROOM_ARROWS: Mapping[str, set[str]] = {
    "server.types": {"server.errors"},
    "server.errors": set(),
    # The words of its settings are the engine's own.
    "server.config": WORDS | {"server.engine.admission"},
    "server.text": WORDS,
    "server.decoding": WORDS,
    "server.engine": WORDS | {"server.decoding"},
    "server.runtime": WORDS | {"server.decoding", "server.engine"},
    "server.telemetry": WORDS | {"server.engine"},
    "server.gate": WORDS | {"server.engine"},
    "server.forecast": WORDS | {"server.engine"},
    "server.remeasure": WORDS | {"server.engine"},
    "server.lifecycle": set(),
    "server.missing": set(),
    "server.streams": WORDS | {"server.decoding", "server.engine"},
    "server.jobs": WORDS
    | {
        "server.text",
        "server.gate",
        "server.forecast",
        "server.streams",
        "server.decoding",
        "server.engine",
    },
    "server.sharing": WORDS | {"server.jobs"},
    "server.service": WORDS
    | {
        "server.jobs",
        "server.sharing",
        "server.gate",
        "server.forecast",
        "server.remeasure",
        "server.streams",
        "server.engine",
    },
    "server.offline": WORDS
    | {
        "server.missing",
        "server.jobs",
        "server.text",
        "server.decoding",
        "server.engine",
        "server.runtime",
    },
    "server.rpc": WORDS | {"server.service", "server.telemetry"},
}
"""Which rooms of the server each may import beside itself: arrows point down only."""

FLOORS: Mapping[str, list[str]] = {
    "bundle": [
        "arithmetic decoding errors normalise processor protobuf_wire words",
        "checksum onnx_tensors spelling strict_json",
        "finite manifest tokenizer",
        "signature",
        "load",
    ],
    "model": [
        "data missing network progress",
        "decoding",
        "checkpoints",
        "text_summarizer",
        "evaluation explain",
        "training",
        "commands",
    ],
    "export": [
        "package passes precision",
        "graphs verify",
        "pipeline",
    ],
    "precis_client": [
        "_version _warnings channel errors options stubs",
        "_status types",
        "_convert _health",
        "_batch",
        "aio sync",
        "cli",
    ],
    "loadtest": [
        "exits grpc_user results scenario",
        "corpus measure orders",
        "report scenario_files",
        "engine",
        "conduct locustfile",
        "options",
        "fleet tour",
        "command_line",
    ],
    "benchmarks": [
        "default_style our_engine peers random_recipe recipe small_training tiny_sizes",
        "attention_ablation bundle_summariser engine_ceiling family_checkpoints startup",
        "cpu families quality",
        "gpu serving",
    ],
}
"""The rooms of every other package, lowest floor first: each may import what is below its floor."""

RUNTIME_ARROWS: Mapping[str, set[str]] = {
    "threads": set(),
    "failures": set(),
    "session": {"failures", "threads"},
    "step": set(),
    # The runner on the processor.
    "lane_arrays": set(),
    "lane": {"lane_arrays"},
    "step_binding": {"lane_arrays", "step"},
    "encoding": {"failures"},
    "ort_runner": {"lane", "lane_arrays", "step_binding", "encoding"}
    | {"failures", "session", "step", "threads"},
    # The runner on a device.
    "device.drivers": {"failures", "session"},
    "device.memory": {"device.drivers", "step"},
    "device.steps": {"device.drivers", "device.memory", "step"},
    "device.encoding": {"device.drivers", "device.memory", "failures", "step"},
    "options": {"device.steps"},
    "device.runner": {"device.drivers", "device.memory", "device.steps", "device.encoding"}
    | {"failures", "options", "session", "step", "threads"},
    # Which of the two.
    "providers": {"device.drivers", "device.runner", "options", "ort_runner", "session"},
    "make_runner": {"device.memory", "failures", "options", "providers", "session"},
}
"""The same inside server.runtime, for its folders and for the files that are in none."""

COMPOSITION = {"server.app", *PACKAGE_HOMES, *(f"{package}.__main__" for package in PACKAGE_HOMES)}
"""Where the rooms are put together: these may import every room, and no room may import them."""

HOMES: Mapping[str, set[str]] = {
    "torch": {"model", "export", "benchmarks"},
    "transformers": {"benchmarks"},
    "onnx": {"export", "benchmarks"},
    "onnxscript": {"export", "benchmarks"},
    "onnxruntime": {"server.runtime", "export", "benchmarks"},
    "asyncio": {
        "server.__main__",
        "server.app",
        "server.lifecycle",
        "server.remeasure",
        "server.jobs",
        "server.rpc",
        "server.sharing",
        "server.streams",
        "precis_client",
        "loadtest.engine",
        "benchmarks",
    },
    "grpc": {"server.app", "server.rpc", "precis_client", "loadtest", "benchmarks"},
    "google.protobuf": {"server.rpc", "precis_client", "loadtest", "benchmarks"},
    "google.rpc": {"server.rpc", "precis_client", "loadtest", "benchmarks"},
    "precis_client.stubs": {"server.rpc", "precis_client", "loadtest", "benchmarks"},
}
"""Where alone each of these may be imported. `grpc` stands for grpc_health and the like too."""

ENVIRONMENT_HOMES = {
    "server.config",
    "server.runtime",
    "precis_client.cli",
    "export",
    "benchmarks",
    "loadtest.fleet.generator_process",
    "loadtest.tour",
}
"""Where alone environment variables may be used; in runtime and export only ONNX Runtime's own."""


@dataclass(frozen=True)
class SourceFile:
    """One Python file, known by its import name, such as `precis_client.cli`."""

    module: str
    text: str
    is_package: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text)

    def imports(self) -> Iterator[str]:
        """Names every module it imports, also inside functions and `if TYPE_CHECKING`.

        `from a import b` gives `a.b`, since b may be a module; relative imports are made absolute.
        """
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                origin = self._absolute(node)
                yield from (f"{origin}.{alias.name}" for alias in node.names)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if node.level == 0:
            return node.module or ""
        parts = self.module.split(".")
        climb = node.level - 1 if self.is_package else node.level
        parent = parts[: len(parts) - climb]
        return ".".join([*parent, node.module] if node.module else parent)


def read_package(package: str) -> list[SourceFile]:
    """Reads the files of one of our packages, the generated stubs left out."""
    home = PACKAGE_HOMES[package]
    files = []
    for path in sorted((home / package).rglob("*.py")):
        *folders, name = path.relative_to(home).with_suffix("").parts
        if folders[:2] == ["precis_client", "stubs"]:
            continue
        is_package = name == "__init__"
        module = ".".join(folders if is_package else [*folders, name])
        files.append(SourceFile(module, path.read_text(encoding="utf-8"), is_package))
    return files


def package_breaches(files: Iterable[SourceFile]) -> list[str]:
    """Arrows between top-level packages."""
    breaches = []
    for file in files:
        package = file.module.partition(".")[0]
        allowed = PACKAGE_ARROWS[package] | {package}
        breaches += [
            f"{file.module} imports {name}: {package} may import {_listed(PACKAGE_ARROWS[package])}"
            for name in file.imports()
            if name.partition(".")[0] in PACKAGE_ARROWS and not _is_within_any(name, allowed)
        ]
    return breaches


def room_breaches(files: Iterable[SourceFile]) -> list[str]:
    """Arrows between the rooms of a package, and rooms whose arrows nobody has decided."""
    arrows = room_arrows()
    breaches = []
    for file in files:
        if file.module in COMPOSITION:
            continue
        room = room_of(file.module)
        if room not in arrows:
            breaches.append(f"{room} is new: decide its arrows in ROOM_ARROWS or FLOORS")
            continue
        package = file.module.partition(".")[0]
        breaches += [
            f"{file.module} imports {name}: {room} may import {_listed(arrows[room])}"
            for name in file.imports()
            if _is_within(name, package) and not _is_within_any(name, arrows[room] | {room})
        ]
    return breaches


def room_arrows() -> dict[str, set[str]]:
    """Which rooms each room of any package may import beside itself."""
    arrows = dict(ROOM_ARROWS)
    for package, floors in FLOORS.items():
        below: set[str] = set()
        for floor in floors:
            rooms = {f"{package}.{name}" for name in floor.split()}
            arrows |= dict.fromkeys(rooms, below)
            below = below | rooms
    return arrows


def room_of(module: str) -> str:
    """The room of a file: a folder of its package, or a file of its own."""
    return ".".join(module.split(".")[:2])


def runtime_breaches(files: Iterable[SourceFile]) -> list[str]:
    """Arrows inside the server's runtime, and rooms whose arrows nobody has decided."""
    breaches = []
    for file in files:
        inside = file.module.removeprefix("server.runtime.")
        if inside == file.module or file.is_package:
            continue
        room = next((room for room in RUNTIME_ARROWS if _is_within(inside, room)), None)
        if room is None:
            breaches.append(f"{file.module} is new: decide its arrows in RUNTIME_ARROWS")
            continue
        allowed = [f"server.runtime.{each}" for each in (room, *RUNTIME_ARROWS[room])]
        breaches += [
            f"{file.module} imports {name}: {room} may import {_listed(RUNTIME_ARROWS[room])}"
            for name in file.imports()
            if _is_within(name, "server.runtime") and not _is_within_any(name, allowed)
        ]
    return breaches


def circle_breaches(files: Iterable[SourceFile]) -> list[str]:
    """Files that import each other in a loop, one line for each loop."""
    files = {file.module: file for file in files}
    arrows = {
        name: {_nearest(imported, files) for imported in file.imports()} - {None, name}
        for name, file in files.items()
    }
    return [f"{min(circle)} is in a circle: {_listed(circle)}" for circle in circles(arrows)]


def circles(arrows: Mapping[str, Iterable[str | None]]) -> set[frozenset[str]]:
    """The groups of names that reach each other."""
    reached = {name: _reachable(name, arrows) for name in arrows}
    return {
        frozenset({name, *(other for other in reached[name] if name in reached[other])})
        for name in arrows
        if name in reached[name]
    }


def home_breaches(files: Iterable[SourceFile]) -> list[str]:
    """Libraries imported away from home."""
    return [
        f"{file.module} imports {name}: only {_listed(homes)} may"
        for file in files
        for name in file.imports()
        for library, homes in HOMES.items()
        if _is_within(name.replace("grpc_", "grpc."), library)
        and not _is_within_any(file.module, homes)
    ]


def environment_breaches(files: Iterable[SourceFile]) -> list[str]:
    """Environment variables read or set away from where settings are made."""
    readers = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    return [
        f"{file.module} line {node.lineno}: only {_listed(ENVIRONMENT_HOMES)} may use os.environ"
        for file in files
        if not _is_within_any(file.module, ENVIRONMENT_HOMES)
        for node in ast.walk(file.tree)
        if (isinstance(node, ast.Attribute) and node.attr in readers)
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and any(alias.name in readers for alias in node.names)
        )
    ]


def length_breaches(files: Iterable[SourceFile]) -> list[str]:
    """Files too long to be one idea."""
    counted = ((file.module, len(file.text.splitlines())) for file in files)
    return [
        f"{module} has {lines} lines, more than {MAX_LINES}: split it"
        for module, lines in counted
        if lines > MAX_LINES
    ]


def docstring_breaches(files: Iterable[SourceFile]) -> list[str]:
    """Packages that do not say what they are, or are none for want of an __init__.py."""
    files = list(files)
    packages = {file.module: file for file in files if file.is_package}
    folders = {file.module.rpartition(".")[0] for file in files if not file.is_package}
    missing = [f"{folder} has no __init__.py" for folder in sorted(folders - packages.keys())]
    silent = [
        f"{module} has no docstring"
        for module, file in packages.items()
        if not (ast.get_docstring(file.tree) or "").strip()
    ]
    return missing + silent


def _nearest(name: str, files: Mapping[str, SourceFile]) -> str | None:
    """The file that an import reads: the module itself, or the one that defines the name."""
    for module in (name, name.rpartition(".")[0]):
        if module in files:
            return module
    return None


def _reachable(start: str, arrows: Mapping[str, Iterable[str | None]]) -> set[str]:
    found: set[str] = set()
    ahead = [start]
    while ahead:
        for name in arrows[ahead.pop()]:
            if name is not None and name not in found:
                found.add(name)
                ahead.append(name)
    return found


def _is_within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _is_within_any(name: str, modules: Iterable[str]) -> bool:
    return any(_is_within(name, module) for module in modules)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing of ours"
