"""PyTorch to a bundle: convert, quantise, verify, pack. `python -m export --help` tells how."""

import os

# Before anything imports onnxruntime: its wheels send usage data to their maker unless told not to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
