"""A summary that is answered once."""

from contextlib import aclosing

from server.types import Summariser, Summary, SummaryRequest


async def whole_summary(summariser: Summariser, request: SummaryRequest) -> Summary:
    """Waits for the summary and lets all that comes before it pass."""
    async with aclosing(summariser.summarise(request)) as events:
        async for event in events:
            if isinstance(event, Summary):
                return event
    raise RuntimeError("the service ended without a summary")
