"""A generator as a process: reads orders from standard input, a JSON object a line, and answers.

Not for people; `python -m loadtest` starts it. It ends when its input does, and so never outlives
whoever started it.
"""

import asyncio
import json
import signal
import sys
import traceback

from pydantic import ValidationError

from loadtest.engine.clock import make_loop
from loadtest.engine.generator import Generator
from loadtest.engine.live import Live
from loadtest.exits import Exit, LoadTestError
from loadtest.orders import Line, Order, Setup

_LONGEST_LINE = 64 * 1024 * 1024  # a trace may have a million arrivals


class _Process:
    """Carries out one line at a time, except that a stop ends what is running."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._live = Live(lambda calls: self._say("calls", calls))
        self._generator: Generator | None = None
        self._phase: asyncio.Task[None] | None = None

    async def carry_out(self, line: Line) -> None:
        """Does what a line says."""
        if line.setup is not None:
            await self._set_up(line.setup)
        if line.order is not None:
            self._phase = asyncio.create_task(self._run(line.order))
            await asyncio.sleep(0)  # it begins: one that never began could not tell of its end
        if line.stop and self._phase is not None:
            self._phase.cancel()

    async def end(self) -> None:
        """Stops what is running and hangs up."""
        if self._phase is not None:
            self._phase.cancel()
            await asyncio.wait([self._phase])
        if self._generator is not None:
            await self._generator.close()

    async def _set_up(self, setup: Setup) -> None:
        if self._generator is not None:
            await self._generator.close()
        try:
            self._generator = Generator(setup, self._live.add)
            self._say("ready", dict(await self._generator.check()))
        except LoadTestError as error:
            self._say("failed", {"code": int(error.code), "message": str(error)})
        except Exception as error:  # a caller of somebody's own
            traceback.print_exc()
            self._say("failed", _broken(error))

    async def _run(self, order: Order) -> None:
        assert self._generator is not None
        try:
            async with self._live:
                found = await self._generator.run(order)
            self._say("done", found)
        except Exception as error:  # a caller of somebody's own
            traceback.print_exc()
            self._say("failed", _broken(error))

    def _say(self, word: str, content: object) -> None:
        self._writer.write(json.dumps({word: content}, separators=(",", ":")).encode() + b"\n")


def _broken(error: Exception) -> dict[str, object]:
    return {"code": int(Exit.BROKEN), "message": f"the generator failed: {error!r}"}


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LONGEST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, sys.stdout
    )
    process = _Process(asyncio.StreamWriter(transport, protocol, None, loop))
    try:
        async for line in reader:
            try:
                await process.carry_out(Line.model_validate_json(line))
            except ValidationError as error:
                print(f"loadtest: not understood: {error}", file=sys.stderr)
                return
    finally:
        await process.end()


if __name__ == "__main__":
    # Ctrl-C reaches every process of the terminal; whoever started this one says when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(_serve())
