"""The line that `precis version` and `precis --version` print."""

import platform
from importlib.metadata import version

from precis_client._version import __version__


def version_line() -> str:
    """Names the version of this command and of what it runs on."""
    parts = ", ".join(f"{name} {version(name)}" for name in ("grpcio", "protobuf"))
    return f"precis {__version__} ({parts}, Python {platform.python_version()})"
