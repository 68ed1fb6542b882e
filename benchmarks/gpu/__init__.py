"""This engine beside others on one GPU, within a few minutes: `python -m benchmarks gpu`."""
