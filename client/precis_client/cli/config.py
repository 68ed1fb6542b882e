"""What the command takes from its environment, and what it sets there for gRPC."""

import os

# Written out here, for channel.py imports gRPC; a test keeps the two equal.
DEFAULT_ADDRESS = "localhost:50051"


def address_from_environment() -> str:
    """Reads PRECIS_ADDRESS; set to nothing is the same as not set."""
    return os.environ.get("PRECIS_ADDRESS") or DEFAULT_ADDRESS


def token_from_environment() -> str:
    """Reads PRECIS_TOKEN, a secret; "" if there is none."""
    return os.environ.get("PRECIS_TOKEN") or ""


def silence_grpc() -> None:
    """Keeps gRPC's log lines off stderr, unless GRPC_VERBOSITY asks for them.

    The command tells of each failure in a line of its own. Call it before gRPC is imported.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
