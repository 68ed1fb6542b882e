"""Makes the calls: a process of its own on asyncio, which does nothing else.

Locust's statistics, messages and web page live in another process, under gevent. There gRPC for
Python makes some 1,200 calls a second at most and a delay in one greenlet delays every call.
"""
