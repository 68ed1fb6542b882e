"""The Locust side: a user in each Locust process, whose calls a generator makes for it.

Locust deals with machines and processes, statistics and the web page; see loadtest/engine for the
calls.
"""
