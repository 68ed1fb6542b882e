"""Measurements that anyone can repeat, each a comparison within one run.

`python -m benchmarks --help` lists them.
"""
