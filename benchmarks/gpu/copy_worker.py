"""How fast the device reads and writes its own memory: `python -m benchmarks.gpu.copy_worker -`."""

import time

from benchmarks.gpu.our_device import open_device, used_bytes
from benchmarks.gpu.protocol import Job, Ready, Start, Work, serve

_BYTES = {"cuda": 4 << 30, "cpu": 64 << 20}
_COPIES, _ROUNDS = 8, 5


def load(start: Start) -> Ready:
    """Two blocks far larger than any cache."""
    device = open_device(start.device)
    nbytes = _BYTES[start.device]
    source, target = device.allocate(nbytes), device.allocate(nbytes)
    queue = device.queue()

    def work(job: Job) -> Work:
        fastest_s = float("inf")
        for _ in range(_ROUNDS):
            queue.wait()
            started_s = time.perf_counter()
            for _ in range(_COPIES):
                queue.copy(target.address, source.address, nbytes)
            queue.wait()
            fastest_s = min(fastest_s, time.perf_counter() - started_s)
        # A copy reads and writes each byte.
        return Work([], {"bytes_per_s": 2 * _COPIES * nbytes / fastest_s})

    return Ready(work, {"device": device.name}, lambda: used_bytes(device))


if __name__ == "__main__":
    serve(load)
