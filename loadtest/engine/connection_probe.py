"""Finds out why a target does not answer: nobody there, or not agreed on TLS."""

import asyncio
import os
import socket
import ssl

from loadtest.exits import Exit, LoadTestError
from loadtest.orders import Target

_PATIENCE_S = 3.0
_LINGER_S = 0.5


async def explain_silence(target: Target, told: str) -> LoadTestError:
    """Connects without gRPC, whose own words are often those of its last attempt only."""
    host, _, port = target.address.removeprefix("dns:///").rpartition(":")
    if not port.isdigit():
        return LoadTestError(Exit.UNREACHABLE, f"{target.address} does not answer ({told})")
    host = host.strip("[]")
    try:
        await _connect(host, int(port), None, target)
    except (OSError, TimeoutError) as error:
        return LoadTestError(
            Exit.UNREACHABLE, f"{target.address} cannot be reached: {_words(error)}"
        )
    if not target.tls:
        if await _speaks_tls(host, int(port), target):
            return _tls(f"{target.address} speaks TLS: say --tls, and --ca for its certificate")
        return LoadTestError(Exit.UNREACHABLE, f"{target.address} does not answer ({told})")
    try:
        if not await _connect(host, int(port), _context(target), target):
            return _tls(
                f"{target.address} hangs up after the TLS handshake: it may want a certificate"
                " of ours, see --cert and --key"
            )
    except ssl.SSLCertVerificationError as error:
        return _tls(
            f"the certificate of {target.address} is not trusted: {error.verify_message}; see --ca"
        )
    except ssl.SSLError as error:
        if error.reason == "WRONG_VERSION_NUMBER":
            return _tls(f"{target.address} does not speak TLS: leave --tls, --ca and --cert out")
        return _tls(f"{target.address} does not agree on TLS: {_words(error)}")
    except ConnectionError as error:
        return _tls(f"{target.address} does not agree on TLS: {_words(error)}")
    except (OSError, TimeoutError) as error:
        return LoadTestError(Exit.UNREACHABLE, f"{target.address} does not answer: {_words(error)}")
    return LoadTestError(Exit.UNREACHABLE, f"{target.address} does not answer ({told})")


async def _speaks_tls(host: str, port: int, target: Target) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        await _connect(host, port, context, target)
    except ssl.SSLError as error:
        # A certificate is asked for only by those who speak it.
        return "CERTIFICATE_REQUIRED" in str(error)
    except (OSError, TimeoutError):
        return False
    return True


async def _connect(host: str, port: int, context: ssl.SSLContext | None, target: Target) -> bool:
    """Connects, and tells whether the other side stays.

    Who lacks a certificate is hung up on only after the handshake, and often without a word. Who is
    welcome gets the first frame of HTTP/2 at once.
    """
    name = (target.server_name or host) if context else None
    async with asyncio.timeout(_PATIENCE_S):
        reader, writer = await asyncio.open_connection(
            host, port, ssl=context, server_hostname=name
        )
    try:
        async with asyncio.timeout(_LINGER_S if context else 0):
            return await reader.read(1) != b""
    except TimeoutError:
        return True
    finally:
        writer.close()


def _context(target: Target) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=target.ca)
    context.set_alpn_protocols(["h2"])
    if target.cert is not None:
        context.load_cert_chain(target.cert, target.key)
    return context


def _words(error: Exception) -> str:
    """Says it as the system does: asyncio's own words repeat the address."""
    if isinstance(error, ssl.SSLError):
        return error.reason or str(error)
    if isinstance(error, socket.gaierror):
        return error.strerror or str(error)
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or "no answer in time"


def _tls(message: str) -> LoadTestError:
    return LoadTestError(Exit.TLS, message)
