"""The pure engine: what to run next and what came of it.

No tensors, no transport, no clock of its own.
"""
