"""The process that verifies a bundle: `python -m export.verify`.

A process of its own, since onnxruntime never gives back the memory of its sessions.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from export.verify.compare import verify


def main(arguments: Sequence[str] | None = None) -> int:
    """Verifies a bundle and writes the report; exits non-zero if it may not be used."""
    parser = argparse.ArgumentParser(
        prog="python -m export.verify",
        description="Does a bundle say what the PyTorch model says?",
    )
    parser.add_argument("checkpoint", type=Path, help="the checkpoint the bundle was made from")
    parser.add_argument("bundle", type=Path, help="the bundle directory")
    parser.add_argument(
        "--documents", type=Path, required=True, help="directory of .txt files to summarise"
    )
    parser.add_argument("--report", type=Path, help="where to write the report as JSON")
    parsed = parser.parse_args(arguments)
    documents = [path.read_text("utf-8") for path in sorted(parsed.documents.glob("*.txt"))]
    if not documents:
        parser.error(f"{parsed.documents} holds no .txt file")
    report = verify(parsed.checkpoint, parsed.bundle, documents)
    told = {name: value for name, value in asdict(report).items() if value is not None}
    text = json.dumps(told | {"passed": report.passed}, indent=2) + "\n"
    if parsed.report:
        parsed.report.write_text(text, "utf-8")
    sys.stdout.write(text)
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
