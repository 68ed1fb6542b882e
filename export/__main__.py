"""The command line of the exporter."""

import argparse
import sys
from pathlib import Path

from model.missing import report_missing

_DEFAULT = Path("models/default")


def main() -> int:
    """Makes a bundle from a checkpoint."""
    parser = argparse.ArgumentParser(
        prog="python -m export",
        description="Turns a PyTorch checkpoint into a bundle for the server, and verifies it.",
        epilog="""examples:
  python -m export                                   rebuild the embedded default bundle
  python -m export --precision fp32 --output /tmp/b  the same model without quantisation
  python -m export --precision fp16                  the same model for a CUDA device
  python -m export --checkpoint DIR --output BUNDLE  any checkpoint that `python -m model inspect`
                                                     says is supported

precisions, and where a server can run them:
  int8  CPU alone. The smallest, and on a CPU the fastest.
  fp32  CPU or CUDA. PyTorch's values; what others are compared with.
  fp16  CUDA. Half the memory and traffic. Networks such as T5 exceed its range and are refused.
  bf16  CUDA. The same size with float32's range and fewer digits: for networks that fp16 refuses.
""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--checkpoint", type=Path, default=_DEFAULT / "checkpoint",
        help="directory with config.json, weights as safetensors, and a tokenizer; one without "
        "tokenizer.json gets it built from its older files (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--recipe", type=Path,
        help="how the model is presented: styles, limits, licence (default: bundle.toml beside the "
        "checkpoint directory; without one, what the checkpoint says of itself)",
    )  # fmt: skip
    parser.add_argument(
        "--precision", choices=("int8", "fp32", "fp16", "bf16"), default="int8",
        help="number format of the weights: see below (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path,
        help="bundle directory (default: bundle-cpu-PRECISION, or bundle-cuda-PRECISION for fp16 "
        "and bf16, beside the checkpoint directory)",
    )  # fmt: skip
    parser.add_argument(
        "--documents", type=Path, default=Path("examples"),
        help="directory of .txt files that the verification summarises (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace an existing bundle")
    parsed = parser.parse_args()

    # torch takes seconds to import: --help and usage errors need not wait for it.
    try:
        from export.pipeline import ExportConfig, ExportError, export_bundle
    except ModuleNotFoundError as error:
        return report_missing(error, "python -m export", "export")

    home = parsed.checkpoint.parent
    device = "cuda" if parsed.precision in ("fp16", "bf16") else "cpu"
    output = parsed.output or home / f"bundle-{device}-{parsed.precision}"
    recipe = parsed.recipe or home / "bundle.toml"
    config = ExportConfig(
        checkpoint=parsed.checkpoint,
        recipe=recipe if parsed.recipe or recipe.exists() else None,
        output=output,
        documents=parsed.documents,
        precision=parsed.precision,
        force=parsed.force,
    )
    try:
        report = export_bundle(config)
    # Every refusal of ours is a ValueError: of a config, a checkpoint, a tokenizer, a recipe.
    except (ExportError, ValueError, OSError) as error:
        sys.stderr.write(f"export: {error}\n")
        return 1
    sys.stdout.write(
        f"{output}: verified on {report.documents} summaries, {report.agreement:.1%} of "
        f"{report.tokens} tokens and {report.equal_documents:.0%} of summaries equal to PyTorch's\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
