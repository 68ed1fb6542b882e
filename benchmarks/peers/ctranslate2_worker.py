"""CTranslate2 as a contender: `python -m benchmarks.peers.ctranslate2_worker MODEL`.

The model is a folder that benchmarks/peers/convert_ctranslate2.py wrote, whose name ends in the
compute type: `ctranslate2-int8`.
"""

import sys
from pathlib import Path

from benchmarks.peers.protocol import Job, Summarise, Work, serve

# Its converters import these where they can; what serves needs neither, nor their memory.
sys.modules["torch"] = sys.modules["transformers"] = None  # type: ignore[assignment]

import ctranslate2  # noqa: E402 - only after that


def load(directory: Path, threads: int) -> Summarise:
    """One translator that computes with all threads together, as ours does."""
    compute_type = directory.name.rpartition("-")[2]
    translator = ctranslate2.Translator(
        str(directory),
        device="cpu",
        compute_type=compute_type,
        inter_threads=1,
        intra_threads=threads,
    )
    if translator.compute_type not in (compute_type, f"{compute_type}_float32"):
        raise ValueError(f"{compute_type} was asked for and {translator.compute_type} is computed")

    def summarise(job: Job) -> Work:
        # It sorts by length and cuts into batches itself.
        results = translator.translate_batch(
            [[f"t{token}" for token in document] for document in job.documents],
            max_batch_size=job.batch,
            beam_size=job.beams,
            max_input_length=0,
            max_decoding_length=job.max_tokens,
            min_decoding_length=job.min_tokens,
            no_repeat_ngram_size=job.no_repeat_ngram_size,
            suppress_sequences=[[f"t{token}"] for token in job.banned_ids],
        )
        return Work([[int(token[1:]) for token in result.hypotheses[0]] for result in results])

    return summarise


if __name__ == "__main__":
    serve(load, ["ctranslate2"])
