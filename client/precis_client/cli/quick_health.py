"""A health check without gRPC's library, whose import alone takes longer than the check.

It writes one request in HTTP/2 and looks at nothing but the message that comes back. True is sure;
False says only that it is not sure, and then the whole client asks again and tells what is wrong.
"""

import socket
from typing import BinaryIO

_TIMEOUT_S = 1.0
_MOST_FRAMES = 32  # before the answer; there are three or four, such as the server's settings

_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _GOAWAY = 0x0, 0x1, 0x3, 0x4, 0x7
_END_STREAM, _END_HEADERS = 0x1, 0x4
_OUR_STREAM = 1

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# gRPC's frame: not compressed, and the length of the message. The request is empty, which asks for
# the server as a whole; the answer is HealthCheckResponse{status: SERVING}.
_ASKED = b"\0" + b"\0\0\0\0"
_SERVING = b"\0" + b"\0\0\0\2" + b"\x08\x01"


def is_serving(address: str) -> bool:
    """Whether the server at HOST:PORT, which speaks in clear, says that it is serving."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _TIMEOUT_S) as connection:
            connection.sendall(_request(address))
            with connection.makefile("rb") as answer:
                return _first_data(answer) == _SERVING
    except (OSError, ValueError, OverflowError):  # the last two: it is no HOST:PORT
        return False


def _request(address: str) -> bytes:
    # Numbers below 0x80 index HPACK's static table: method POST, scheme http, and names of fields.
    headers = (
        b"\x83\x86"
        + _literal(b"\x04", "/grpc.health.v1.Health/Check")
        + _literal(b"\x01", address)
        + _literal(b"\x0f\x10", "application/grpc")
        + _literal(b"\x00\x02te", "trailers")
    )
    return (
        _PREFACE
        + _frame(_SETTINGS, 0, 0, b"")
        + _frame(_HEADERS, _END_HEADERS, _OUR_STREAM, headers)
        + _frame(_DATA, _END_STREAM, _OUR_STREAM, _ASKED)
    )


def _literal(name: bytes, value: str) -> bytes:
    encoded = value.encode("ascii")
    if len(encoded) > 126:
        raise ValueError("longer than a length of one byte can say")
    return name + bytes([len(encoded)]) + encoded


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def _first_data(answer: BinaryIO) -> bytes:
    """What the first DATA frame of our stream holds; nothing if the call ends without one."""
    for _ in range(_MOST_FRAMES):
        header = answer.read(9)
        if len(header) < 9:
            break
        kind, flags = header[3], header[4]
        payload = answer.read(int.from_bytes(header[:3]))
        if kind == _DATA:
            return payload
        if kind in (_RST_STREAM, _GOAWAY) or (kind == _HEADERS and flags & _END_STREAM):
            break
    return b""
