"""Checkpoint to optimum's graphs: `python -m benchmarks.peers.export_optimum CHECKPOINT TARGET`."""

import sys

from optimum.onnxruntime import ORTModelForSeq2SeqLM


def main() -> None:
    """Exports one checkpoint."""
    checkpoint, target = sys.argv[1:]
    model = ORTModelForSeq2SeqLM.from_pretrained(checkpoint, export=True, use_cache=True)
    model.save_pretrained(target)


if __name__ == "__main__":
    main()
