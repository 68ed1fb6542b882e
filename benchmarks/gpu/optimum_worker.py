"""optimum's models on onnxruntime-gpu: `python -m benchmarks.gpu.optimum_worker CHECKPOINT`.

It exports the checkpoint itself when it starts.
"""

import tempfile

import onnxruntime
import optimum.version
import torch
from optimum.exporters.onnx import main_export
from optimum.onnxruntime import ORTModelForSeq2SeqLM

from benchmarks.gpu.hugging_face_worker import used_bytes, worker
from benchmarks.gpu.protocol import Ready, Start, serve

_PROVIDERS = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}
_DTYPES = {"cuda": "fp16", "cpu": "fp32"}


def load(start: Start) -> Ready:
    """In half precision on a GPU, with its keys and values bound to the device's memory."""
    provider = _PROVIDERS[start.device]
    with tempfile.TemporaryDirectory() as target:
        main_export(
            str(start.model),
            output=target,
            task="text2text-generation-with-past",
            device=start.device,
            dtype=_DTYPES[start.device],
            do_validation=False,
            no_post_process=True,
            library_name="transformers",
        )
        model = ORTModelForSeq2SeqLM.from_pretrained(target, use_merged=False, provider=provider)
    if model.providers[0] != provider:
        raise RuntimeError(f"{provider} was asked for and {model.providers[0]} runs")
    versions = {"optimum": optimum.version.__version__, "onnxruntime": onnxruntime.__version__}
    device = torch.device(start.device)
    return Ready(worker(model, None), {"versions": versions}, lambda: used_bytes(device))


if __name__ == "__main__":
    serve(load)
