"""Turns single calls into the figures of a phase: percentiles, windows, intervals, gates."""
