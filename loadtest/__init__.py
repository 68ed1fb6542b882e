"""Puts load on a running server, with Locust, and measures what its callers would feel."""
