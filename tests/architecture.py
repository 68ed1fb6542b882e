"""The house's rules as functions: each takes source files and returns a sentence for every breach.

tests/test_architecture.py applies them to this repository, and to made-up files that break them.
The tables of what may import what are in tests/arrows.py.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from tests.arrows import (
    COMPOSITION,
    ENVIRONMENT_HOMES,
    FLOORS,
    HOMES,
    MAX_LINES,
    PACKAGE_ARROWS,
    PACKAGE_HOMES,
    ROOM_ARROWS,
)


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
        if folders[:2] in (["precis_client", "stubs"], ["server", "stubs"]):
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
        for house in houses_of(file.module):
            room = room_of(file.module, house)
            if room in arrows:
                breaches += [
                    f"{file.module} imports {name}: {room} may import {_listed(arrows[room])}"
                    for name in file.imports()
                    if _is_within(name, house) and not _is_within_any(name, arrows[room] | {room})
                ]
            elif not any(_is_within(other, file.module) for other in arrows):
                breaches.append(f"{room} is new: decide its arrows in tests/arrows.py")
    return breaches


def room_arrows() -> dict[str, set[str]]:
    """Which rooms each room may import beside itself."""
    arrows = dict(ROOM_ARROWS)
    for house, floors in FLOORS.items():
        below: set[str] = set()
        for floor in floors:
            rooms = {f"{house}.{name}" for name in floor.split()}
            arrows |= dict.fromkeys(rooms, below)
            below = below | rooms
    return arrows


def houses_of(module: str) -> Iterator[str]:
    """What is divided into rooms, and holds this file: its package, and maybe a room of that."""
    yield module.partition(".")[0]
    yield from (house for house in FLOORS if "." in house and module.startswith(f"{house}."))


def room_of(module: str, house: str) -> str:
    """The room of a file: one that is declared, a folder of its house, or a file of its own."""
    declared = (name for floor in FLOORS.get(house, ()) for name in floor.split())
    rooms = (f"{house}.{name}" for name in declared)
    first = module.removeprefix(f"{house}.").partition(".")[0]
    return next((room for room in rooms if _is_within(module, room)), f"{house}.{first}")


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
        for name in arrows.get(ahead.pop(), ()):
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
