"""Where NVIDIA's libraries lie that came as Python packages: for processes that load them."""

import importlib.util
import os
from pathlib import Path


def library_environment() -> dict[str, str]:
    """LD_LIBRARY_PATH with every folder of the `nvidia` package that holds a library."""
    found = importlib.util.find_spec("nvidia")
    roots = list(found.submodule_search_locations or ()) if found else []
    folders = sorted({str(file.parent) for root in roots for file in Path(root).rglob("*.so*")})
    inherited = os.environ.get("LD_LIBRARY_PATH", "")
    joined = ":".join([*folders, *([inherited] if inherited else [])])
    return {"LD_LIBRARY_PATH": joined} if joined else {}
