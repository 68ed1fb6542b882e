"""Checks what --address, --tls-ca and --token-file name, of which gRPC would tell little."""

import re
import ssl

from precis_client.cli.config import token_from_environment
from precis_client.cli.inputs import UnusableInput, read_file

_URL_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_HOST_ALONE = re.compile(
    r"[^:/]*:?"  # a name or an IPv4 address
    r"|\[[^]]*\]:?"  # an IPv6 address in brackets
    r"|[0-9a-f.]*:[0-9a-f.]*:[0-9a-f:.]*",  # or without, where gRPC takes all of it for the host
    re.IGNORECASE,
)


def checked_address(address: str) -> str:
    """Returns the address, unless it is a URL or has no port.

    gRPC would add port 443, which is never meant here; who does mean it can write it.
    """
    if url_scheme := _URL_SCHEME.match(address):
        raise _unusable(address, f"leave out {url_scheme[0]}")
    if _HOST_ALONE.fullmatch(address):
        raise _unusable(address, "the port is missing, as in HOST:50051")
    return address


def read_certificates(name: str) -> bytes:
    """Reads a file of PEM certificates."""
    content = read_file(name)
    try:
        # Text around the certificates is allowed, in whatever encoding; they themselves are ASCII.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            cadata=content.decode("ascii", "ignore")
        )
    except (ssl.SSLError, ValueError):  # ValueError: the file is empty
        raise UnusableInput(f"{name}: no PEM certificate") from None
    return content


def read_token(name: str | None) -> str | None:
    """Reads the token from a file, or from $PRECIS_TOKEN where none is named; None if neither has.

    Never from the command line, which every user of the machine can see. An error does not say what
    was read.
    """
    if name is None:
        source, token = "$PRECIS_TOKEN", token_from_environment()
        if not token:
            return None
    else:
        source, token = name, read_file(name).decode("utf-8", "replace")
    token = token.strip()
    if not token or not all("!" <= character <= "~" for character in token):
        raise UnusableInput(f"{source}: a token is one word of visible ASCII characters")
    return token


def _unusable(address: str, why: str) -> UnusableInput:
    return UnusableInput(f"cannot use the address {address} (see --address): {why}")
