"""The peers' own environment, made when it is first needed: their packages never meet ours."""

import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path("requirements/peers.txt")
HOME = Path("build/peers")


def peers_python() -> Path:
    """The interpreter of an environment that holds exactly what requirements/peers.txt says."""
    python, stamp = HOME / "bin" / "python", HOME / "installed.txt"
    wanted = REQUIREMENTS.read_text("utf-8")
    if not (stamp.is_file() and stamp.read_text("utf-8") == wanted):
        sys.stderr.write(f"making {HOME} for the peers (once; PyTorch alone is 0.2 to 3 GB) ...\n")
        _run(sys.executable, "-m", "venv", "--clear", str(HOME))
        _run(str(python), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS))
        stamp.write_text(wanted, "utf-8")
    # Not resolved: what the link points to is the bare interpreter without the environment.
    return python.absolute()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr)  # noqa: S603 - our own words
