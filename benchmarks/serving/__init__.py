"""Servers under load, side by side: ours, and what else one could serve the same model with.

`python -m benchmarks serving` finds the highest rate that each keeps up with and how long callers
wait below it, what the load generator itself costs, and whether other generators agree with it.
"""
