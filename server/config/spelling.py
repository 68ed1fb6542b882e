"""How a setting is written on the command line and in the environment."""

ENVIRONMENT_PREFIX = "PRECIS_"


def flag(name: str) -> str:
    """As an argument."""
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    """As an environment variable."""
    return ENVIRONMENT_PREFIX + name.upper()


def spelled(name: str) -> str:
    """As both, for messages."""
    return f"{flag(name)} ({variable(name)})"
