"""What a server says beside its answer, for the program's developer to see."""

import warnings
from collections.abc import Iterable
from typing import Any

_KEY = "x-precis-warning"


class ServerWarning(UserWarning):
    """The server answered, and says that something about the call is not as its caller may think.

    For example that it does not check the token that was sent. Python shows each text once; a proxy
    in front of the server may check the token, and then `warnings.filterwarnings` hides this.
    """


def pass_on_warnings(trailing_metadata: Iterable[tuple[str, Any]] | None) -> None:
    """Issues a Python warning for each one that came with an answer."""
    for key, text in trailing_metadata or ():
        if key == _KEY:
            # Python shows a warning once for each place that issues it: here, once for each text.
            warnings.warn(f"the server says: {text}", ServerWarning, stacklevel=1)
