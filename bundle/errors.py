"""What can be wrong with a bundle."""

from pathlib import Path


class BundleError(Exception):
    """A bundle cannot be used; says which file, what was found and what was expected."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")
