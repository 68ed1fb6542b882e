"""The one call of grpc.health.v1 that a client makes.

Its two messages have one field each, so protobuf's own wrappers have the same wire form:
StringValue that of HealthCheckRequest{service}, Int32Value that of HealthCheckResponse{status}.
That saves a dependency.
"""

from google.protobuf.wrappers_pb2 import Int32Value, StringValue

from precis_client.types import ServingStatus

METHOD = "/grpc.health.v1.Health/Check"

_STATUS_OF_NUMBER = {
    1: ServingStatus.SERVING,
    2: ServingStatus.NOT_SERVING,
    3: ServingStatus.SERVICE_UNKNOWN,
}


def serialize_request(service: str) -> bytes:
    """Writes a HealthCheckRequest."""
    return StringValue(value=service).SerializeToString()


def parse_response(serialized: bytes) -> ServingStatus:
    """Reads a HealthCheckResponse."""
    return _STATUS_OF_NUMBER.get(Int32Value.FromString(serialized).value, ServingStatus.UNKNOWN)
