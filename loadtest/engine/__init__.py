"""Makes the calls: a process of its own on asyncio, which does nothing else.

Locust's statistics, messages and web page live in another process, under gevent. There a call of
gRPC for Python costs more than on asyncio, and a delay in one greenlet delays every call.
"""
