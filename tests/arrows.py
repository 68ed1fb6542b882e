"""Tables of what may import what; tests/architecture.py has the rules that apply them.

Adding a package, or a room to one, means adding a line to a table here: that is where its arrows
are decided.
"""

from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

MAX_LINES = 400

PACKAGE_HOMES: Mapping[str, Path] = {
    "bundle": ROOT,
    "model": ROOT,
    "export": ROOT,
    "server": ROOT,
    "precis_client": ROOT / "client",
    "precis_documents": ROOT / "client",
    "loadtest": ROOT,
    "benchmarks": ROOT,
}
"""Our packages, and the folder that each lies in."""

PACKAGE_ARROWS: Mapping[str, set[str]] = {
    "bundle": set(),
    "model": {"bundle"},
    "export": {"bundle", "model"},
    "server": {"bundle", "precis_client.stubs"},
    "precis_client": {"precis_documents"},
    "precis_documents": set(),
    "loadtest": {"precis_client.stubs"},
    "benchmarks": {"bundle", "model", "export", "server", "precis_client", "loadtest"},
}
"""Which of our packages each may import beside itself.

`python -m model evaluate BUNDLE` runs the server's engine without an arrow to it: it starts
`python -m server.offline` and speaks JSON lines with it (see model/evaluation/bundle_process.py).
An import would tie training to the server, and put PyTorch's and ONNX Runtime's threads and memory
together.
"""

WORDS = {"server.types", "server.errors"}
"""What the server's rooms share: plain data and the error tree."""

ROOM_ARROWS: Mapping[str, set[str]] = {
    "server.types": {"server.errors"},
    "server.errors": set(),
    # The words of its settings are the engine's own.
    "server.config": WORDS | {"server.engine.admission"},
    "server.text": WORDS,
    "server.decoding": WORDS,
    "server.engine": WORDS | {"server.decoding"},
    "server.runtime": WORDS | {"server.decoding", "server.engine"},
    "server.telemetry": WORDS | {"server.engine"},
    "server.gate": WORDS | {"server.engine"},
    "server.forecast": WORDS | {"server.engine"},
    "server.remeasure": WORDS | {"server.engine"},
    "server.lifecycle": set(),
    "server.missing": set(),
    "server.streams": WORDS | {"server.decoding", "server.engine"},
    "server.jobs": WORDS
    | {
        "server.text",
        "server.gate",
        "server.forecast",
        "server.streams",
        "server.decoding",
        "server.engine",
    },
    "server.sharing": WORDS | {"server.jobs"},
    "server.service": WORDS
    | {
        "server.jobs",
        "server.sharing",
        "server.gate",
        "server.forecast",
        "server.remeasure",
        "server.streams",
        "server.engine",
    },
    "server.offline": WORDS
    | {
        "server.missing",
        "server.jobs",
        "server.text",
        "server.decoding",
        "server.engine",
        "server.runtime",
    },
    "server.keys": {"server.telemetry"},
    "server.rpc": WORDS
    | {"server.keys", "server.service", "server.stubs", "server.telemetry", "server.text"},
}
"""Which rooms of the server each may import beside itself: arrows point down only."""

FLOORS: Mapping[str, list[str]] = {
    "bundle": [
        "decoding errors normalise processor protobuf_wire words",
        "arithmetic checksum facts onnx_tensors strict_json",
        "finite manifest spelling",
        "signature tokenizer",
        "load",
    ],
    "model": [
        "data missing network progress",
        "decoding",
        "checkpoints",
        "text_summarizer",
        "evaluation explain",
        "training",
        "commands",
    ],
    "export": [
        "package passes precision",
        "graphs verify",
        "pipeline",
    ],
    "precis_client": [
        "_version _warnings channel errors options stubs",
        "_status types",
        "_convert _health",
        "_batch _pipeline_arguments",
        "aio sync",
        "_pipeline",
        "cli",
    ],
    "precis_documents": [
        "_pdf_text _types",
        "_child _child_process _decode _kinds word",
        "_read pdf subtitles web_page",
        "email_message",
    ],
    "loadtest": [
        "exits grpc_user results scenario",
        "corpus measure orders",
        "report scenario_files",
        "engine",
        "conduct locustfile",
        "options",
        "fleet tour",
        "command_line",
    ],
    "benchmarks": [
        "default_style peers random_recipe recipe rule_summaries small_training tiny_sizes",
        "attention_ablation attribution engine_ceiling family_checkpoints startup",
        "cpu families quality",
        "gpu serving",
        "long",
    ],
    # Rooms inside a room of the server: a runner on the processor, one on a device, and which.
    "server.runtime": [
        "failures lane_arrays step threads",
        "encoding lane session step_binding",
        "device.drivers ort_runner",
        "device.memory",
        "device.encoding device.steps",
        "options",
        "device.runner",
        "providers",
        "make_runner",
    ],
}
"""The rooms of every other package, lowest floor first: each may import what is below its floor."""

COMPOSITION = {"server.app", *PACKAGE_HOMES, *(f"{package}.__main__" for package in PACKAGE_HOMES)}
"""Where the rooms are put together: these may import every room, and no room may import them."""

HOMES: Mapping[str, set[str]] = {
    "torch": {"model", "export", "benchmarks"},
    "transformers": {"benchmarks"},
    "onnx": {"export", "benchmarks"},
    "onnxscript": {"export", "benchmarks"},
    "onnxruntime": {"server.runtime", "export", "benchmarks"},
    "asyncio": {
        "server.__main__",
        "server.app",
        "server.lifecycle",
        "server.remeasure",
        "server.jobs",
        "server.rpc",
        "server.sharing",
        "server.streams",
        "precis_client",
        "loadtest.engine",
        "benchmarks",
    },
    "pypdf": {"precis_documents"},
    "selectolax": {"precis_documents"},
    "grpc": {"server.app", "server.rpc", "precis_client", "loadtest", "benchmarks"},
    "google.protobuf": {"server.rpc", "precis_client", "loadtest", "benchmarks"},
    "google.rpc": {"server.rpc", "precis_client", "loadtest", "benchmarks"},
    "server.stubs": {"server.rpc"},
    "precis_client.stubs": {"server.rpc", "precis_client", "loadtest", "benchmarks"},
}
"""Where alone each of these may be imported. `grpc` stands for grpc_health and the like too."""

ENVIRONMENT_HOMES = {
    "server.config",
    "server.runtime",
    "precis_client.cli",
    "export",
    "benchmarks",
    "loadtest.fleet.generator_process",
    "loadtest.tour",
}
"""Where alone environment variables may be used; in runtime and export only ONNX Runtime's own."""
