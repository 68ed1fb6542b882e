"""This engine as a contender: `python -m benchmarks.cpu.our_worker BUNDLE`."""

from pathlib import Path

from benchmarks.cpu.session_clock import SessionClock
from benchmarks.our_engine import OurEngine, finished
from benchmarks.peers.protocol import Job, Summarise, Tokens, Work, serve
from server.types import DecodingOptions


def load(directory: Path, threads: int) -> Summarise:
    """Continuous batching, as the server runs it, of as many rows as a job's batch has."""
    clock = SessionClock()
    ours = OurEngine(directory, threads=threads)

    def summarise(job: Job) -> Work:
        engine = ours.engine(job.batch)
        options = _options(job)
        for index, document in enumerate(job.documents):
            engine.submit(ours.request(index, document, options))
        summaries: Tokens = [[] for _ in job.documents]
        steps = drafted = accepted = 0
        for event in finished(engine, clock.step):
            summaries[event.request_id] = list(event.hypotheses[0].tokens)
            steps += event.steps
            drafted += event.drafting.drafted
            accepted += event.drafting.accepted
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
