"""The version of this distribution, readable without importing gRPC."""

__version__ = "0.1.0"
