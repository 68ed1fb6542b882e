"""Write requirements/constraints.txt: one set of exact versions that holds for every extra at once.

pip resolves all extras together without installing anything (`--dry-run`), and what it chose is
written down. The GPU's packages are resolved beside PyTorch's default Linux wheel, so that the CUDA
libraries which both name agree. A CPU-only wheel names none: it serves for everything but this.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "requirements" / "constraints.txt"
OURS = {"precis", "precis-client"}
HEADER = """\
# Made by `make lock`; do not edit. For every install: pip install -c requirements/constraints.txt
# These versions hold together for all extras of pyproject.toml, on Linux x86-64 with Python 3.11.
"""


def main() -> int:
    """Resolve, check and write."""
    if sys.platform != "linux" or sys.version_info[:2] != (3, 11):
        print("make lock: run this on Linux with Python 3.11", file=sys.stderr)
        return 1
    pins = resolved_pins(all_extras())
    if "+" in pins["torch"]:
        print(
            f"make lock: pip found torch {pins['torch']}, which names no CUDA libraries: take away "
            "the index or folder that offers it (PIP_* variables, pip.conf) and run again",
            file=sys.stderr,
        )
        return 1
    lines = [f"{name}=={version}\n" for name, version in sorted(pins.items())]
    CONSTRAINTS.write_text(HEADER + "".join(lines), encoding="utf-8")
    print(f"{CONSTRAINTS.relative_to(ROOT)}: {len(lines)} pins")
    return 0


def all_extras() -> list[str]:
    """Read the names of the extras, so that a new one is locked without a change here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return sorted(project["optional-dependencies"])


def resolved_pins(extras: list[str]) -> dict[str, str]:
    """Ask pip which version of each distribution it would install into an empty environment."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    command += ["--report", "-", "./client", f".[{','.join(extras)}]"]
    report = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - fixed command
    chosen = [item["metadata"] for item in json.loads(report.stdout)["install"]]
    pins = {normalised(metadata["name"]): metadata["version"] for metadata in chosen}
    return {name: version for name, version in pins.items() if name not in OURS}


def normalised(name: str) -> str:
    """Spell a distribution's name the one way that package indexes compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
