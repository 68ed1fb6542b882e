"""`pipeline("summarization")`, which transformers 5 removed, answered by a Précis server."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any, Self, overload

from precis_client._pipeline_arguments import CallArguments, read_arguments
from precis_client._warnings import ServerWarning
from precis_client.channel import DEFAULT_ADDRESS
from precis_client.errors import PrecisError
from precis_client.sync import Client
from precis_client.types import Summary

Records = list[dict[str, str]]
"""The summaries of one text, best first: [{"summary_text": "..."}]."""

# What transformers' clean_up_tokenization_spaces=True replaces, in its order.
_CLEAN_UPS = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


class SummarizationPipeline:
    """Summarises as the object did that transformers 4 made; `pipeline` makes it.

    Threads may share it. What is not given to it or to a call takes the default of the model's
    style.
    """

    task = "summarization"

    def __init__(self, client: Client, **arguments: Any) -> None:
        read_arguments(arguments)
        self._client = client
        self._arguments = arguments

    @overload
    def __call__(self, inputs: str, /, **arguments: Any) -> Records: ...

    @overload
    def __call__(self, inputs: list[str], /, **arguments: Any) -> Records | list[Records]: ...

    @overload
    def __call__(self, inputs: Iterable[str], /, **arguments: Any) -> Iterator[Records]: ...

    def __call__(self, inputs: Any, /, **arguments: Any) -> Any:
        """Summarises a text, a list of texts, or whatever yields texts.

        A text gives a list with one dict, or `num_return_sequences` of them. A list gives a list
        with one dict for each text (a list of dicts each, if several were asked for). A generator
        or another iterable gives an iterator, which reads the texts as the server takes them and
        yields what a single text would give, in their order.

        Every failure of the server is a PrecisError, and the first one ends the call.
        """
        asked = read_arguments(self._arguments | arguments)
        if isinstance(inputs, str):
            return _records(self._client.summarize(inputs, **asked.fields), asked)
        if not isinstance(inputs, list):
            return self._in_order(_texts(inputs), asked)
        results = list(self._in_order(iter(list(_texts(inputs))), asked)) if inputs else []
        if all(len(records) == 1 for records in results):
            return [records[0] for records in results]
        return results

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _in_order(self, texts: Iterator[str], asked: CallArguments) -> Iterator[Records]:
        """Yields the records of each text in the order of the texts, over one batch call."""
        finished: dict[str, Summary] = {}
        position = 0
        with closing(self._client.batch(texts, **asked.fields)) as results:
            for result in results:
                try:
                    finished[result.item_id] = result.unwrap()
                except PrecisError as error:
                    error.add_note(f"text {result.item_id} of those given, counted from 0")
                    raise
                while (summary := finished.pop(str(position), None)) is not None:
                    yield _records(summary, asked)
                    position += 1


def pipeline(
    task: str,
    model: str | None = None,
    *,
    address: str = DEFAULT_ADDRESS,
    client: Client | None = None,
    **arguments: Any,
) -> SummarizationPipeline:
    """Makes what `transformers.pipeline("summarization")` made before transformers 5.

        from precis_client import pipeline

        summarizer = pipeline("summarization", address="localhost:50051")
        summarizer(text, max_length=60, do_sample=False)  # [{"summary_text": "..."}]

    `model` names a model that the server has, by default its first one. Other arguments, such as
    `num_beams`, hold for every call that does not give its own. `style` and `language` may be
    given too. For TLS, a token or a time limit, give a `client` of your own in place of `address`.

    An argument of transformers that cannot be met here is refused by name.
    """
    if task != SummarizationPipeline.task:
        raise ValueError(f"task={task!r}: a Précis server only does {SummarizationPipeline.task!r}")
    if model is not None and not isinstance(model, str):
        raise TypeError(
            f"model is a {type(model).__name__}: name a model that the server has, or none"
        )
    return SummarizationPipeline(client or Client(address), model=model, **arguments)


def _texts(inputs: Any) -> Iterator[str]:
    """Yields the texts of an iterable, or of a data set that only has `__getitem__`."""
    if isinstance(inputs, bytes | bytearray | dict):
        raise TypeError(f"inputs are a {type(inputs).__name__}; give a str, or several")
    return map(_checked, iter(inputs))


def _checked(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"a text is a {type(text).__name__}; each must be a str")
    return text


def _records(summary: Summary, asked: CallArguments) -> Records:
    for warning in summary.warnings:
        warnings.warn(f"the server says: {warning.message}", ServerWarning, stacklevel=2)
    texts = [each.summary for each in summary.alternatives] or [summary.summary]
    return [
        {"summary_text": _without_odd_spaces(text) if asked.cleans_up_spaces else text}
        for text in texts
    ]


def _without_odd_spaces(text: str) -> str:
    for found, put in _CLEAN_UPS:
        text = text.replace(found, put)
    return text
