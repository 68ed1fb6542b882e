"""This engine as a contender: `python -m benchmarks.cpu.our_worker BUNDLE`."""

from pathlib import Path

from benchmarks.cpu.session_clock import SessionClock
from benchmarks.peers.protocol import Job, Summarise, Work, serve
from server.engine.drive import finish
from server.offline import TokenEngine
from server.types import DecodingOptions


def load(directory: Path, threads: int) -> Summarise:
    """Continuous batching, as the server runs it, of as many rows as a job's batch has."""
    clock = SessionClock()
    ours = TokenEngine.load(directory, provider="cpu", threads=threads)

    def summarise(job: Job) -> Work:
        options = _options(job)
        requests = [ours.request(i, document, options) for i, document in enumerate(job.documents)]
        finished = finish(ours.engine(job.batch), requests, run_step=clock.step)
        summaries = [list(each.hypotheses[0].tokens) for each in finished]
        steps = sum(each.steps for each in finished)
        drafted = sum(each.drafting.drafted for each in finished)
        accepted = sum(each.drafting.accepted for each in finished)
        details = {
            **clock.take(),
            "fed_tokens": steps * job.beams + drafted,
            "drafted_tokens": drafted,
            "accepted_tokens": accepted,
            "tokens_per_step": sum(map(len, summaries)) / steps,
        }
        return Work(summaries, details)

    return summarise


def _options(job: Job) -> DecodingOptions:
    return DecodingOptions(
        max_tokens=job.max_tokens,
        min_tokens=job.min_tokens,
        no_repeat_ngram_size=job.no_repeat_ngram_size,
        num_beams=job.beams,
        speculation=job.speculation,
    )


if __name__ == "__main__":
    serve(load, ["onnxruntime"])
