"""The only place that knows onnxruntime.

It holds the sessions, the tensors behind the rows and the engine's ModelRunner.
"""

import os

# Before anything imports onnxruntime: its wheels send usage data to their maker unless told not to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
