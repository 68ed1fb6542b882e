"""What to do about a package that is not installed."""

MISSING_EXIT_CODE = 2


def what_to_install(error: ModuleNotFoundError) -> str:
    """One line for people. A missing module of our own is our fault, and raised again."""
    name = (error.name or "").partition(".")[0]
    if name in ("bundle", "server"):
        raise error
    return (
        f"the package {name!r} is not installed here. `make serve` installs what the server "
        "needs and starts it; or: "
        "pip install -c requirements/constraints.txt -e ./client -e '.[server]'"
    )
