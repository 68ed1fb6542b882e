"""The command `precis`."""

import sys
from collections.abc import Sequence

from precis_client.cli.config import address_from_environment
from precis_client.cli.quick_health import is_serving


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code; --help, --version and usage errors exit."""
    words = sys.argv[1:] if argv is None else argv
    # What a container's probe runs every few seconds must not cost the imports of all the rest.
    if list(words) == ["health"] and is_serving(address_from_environment()):
        sys.stdout.write("SERVING\n")
        return 0
    from precis_client.cli.run import run

    return run(words)
