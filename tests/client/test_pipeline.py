"""`pipeline("summarization")`: shapes and arguments of transformers 4, over a scripted server."""

import itertools
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import grpc
import pytest

from precis_client import Client, InvalidRequest, ServerWarning, SummarizationPipeline, pipeline
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from tests.fakes.scripted_summarizer import Refusal, Reply, ScriptedServer, response


@pytest.fixture
def pipe(server: ScriptedServer) -> Iterator[SummarizationPipeline]:
    with pipeline("summarization", address=server.address) as connected:
        yield connected


def answer_each_by_its_name(server: ScriptedServer, *documents: str) -> None:
    for document in documents:
        server.summarizer.script[document] = Reply(message=response(f"about {document}"))


def options_sent(server: ScriptedServer, pipe: SummarizationPipeline, **arguments: Any) -> Any:
    """What the arguments become on the wire."""
    pipe("A text.", **arguments)
    return server.summarizer.requests[-1].options


def test_a_text_gives_a_list_with_one_dict(pipe: SummarizationPipeline) -> None:
    assert pipe("A text.") == [{"summary_text": "A short summary."}]


def test_a_list_gives_a_list_of_dicts_in_its_order(
    server: ScriptedServer, pipe: SummarizationPipeline
) -> None:
    answer_each_by_its_name(server, "one", "two", "three")
    assert pipe(["one", "two", "three"]) == [
        {"summary_text": f"about {name}"} for name in ("one", "two", "three")
    ]
    assert pipe([]) == []


def test_a_generator_gives_an_iterator_over_what_single_texts_would_give(
    server: ScriptedServer, pipe: SummarizationPipeline
) -> None:
    answer_each_by_its_name(server, "one", "two")
    results = pipe(each for each in ("one", "two"))
    assert next(results) == [{"summary_text": "about one"}]
    assert list(results) == [[{"summary_text": "about two"}]]


def test_nothing_is_read_from_a_generator_before_the_first_result_is_asked_for(
    server: ScriptedServer, pipe: SummarizationPipeline
) -> None:
    texts = iter(["one"])
    results = pipe(texts)
    assert next(texts) == "one"
    assert list(results) == []


def test_several_summaries_of_a_text_are_all_given_best_first(
    server: ScriptedServer, pipe: SummarizationPipeline
) -> None:
    both = [pb.Alternative(summary="best"), pb.Alternative(summary="next")]
    server.summarizer.default = Reply(message=response("best", alternatives=both))
    records = [{"summary_text": "best"}, {"summary_text": "next"}]
    assert pipe("A text.", num_beams=2, num_return_sequences=2) == records
    assert pipe(["A text."] * 2, num_beams=2, num_return_sequences=2) == [records, records]


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ({"max_length": 60, "min_length": 10}, {"max_tokens": 59, "min_tokens": 9}),
        ({"min_length": 0}, {"min_tokens": 0}),
        ({"max_new_tokens": 60, "min_new_tokens": 10}, {"max_tokens": 60, "min_tokens": 10}),
        ({"max_length": 20, "max_new_tokens": 60}, {"max_tokens": 60}),
        ({"max_length": 1, "max_new_tokens": 60}, {"max_tokens": 60}),
        (
            {"num_beams": 4, "length_penalty": 2.0, "early_stopping": True},
            {"num_beams": 4, "length_penalty": 2.0, "early_stopping": True},
        ),
        (
            {"no_repeat_ngram_size": 3, "repetition_penalty": 1.5},
            {"no_repeat_ngram_size": 3, "repetition_penalty": 1.5},
        ),
        ({"do_sample": False}, {"temperature": 0.0}),
        ({"do_sample": True}, {"num_beams": 1, "temperature": 1.0, "top_k": 50}),
        (
            {"do_sample": True, "temperature": 0.5, "top_k": 0, "top_p": 0.5, "seed": 7},
            {"num_beams": 1, "temperature": 0.5, "top_k": 0, "top_p": 0.5, "seed": 7},
        ),
        ({"num_return_sequences": 1}, {"num_summaries": 1}),
    ],
    ids=str,
)
def test_an_argument_that_means_something_here_is_passed_on(
    server: ScriptedServer,
    pipe: SummarizationPipeline,
    arguments: dict[str, Any],
    sent: dict[str, Any],
) -> None:
    assert options_sent(server, pipe, **arguments) == pb.DecodingOptions(**sent)


@pytest.mark.parametrize(
    "arguments",
    [
        {"return_text": True, "return_tensors": False, "truncation": False},
        {"batch_size": 8, "num_workers": 2, "use_cache": True},
        {"temperature": 1.0, "top_k": 50, "top_p": 1.0},
        {"num_beam_groups": 1, "diversity_penalty": 0.0, "typical_p": 1.0},
        {"tokenizer": None, "device": None, "generation_config": None, "max_length": None},
        {"clean_up_tokenization_spaces": False, "use_fast": True, "trust_remote_code": False},
    ],
    ids=str,
)
def test_an_argument_is_accepted_with_the_value_that_changes_nothing(
    server: ScriptedServer, pipe: SummarizationPipeline, arguments: dict[str, Any]
) -> None:
    assert options_sent(server, pipe, **arguments) == pb.DecodingOptions()
    assert server.summarizer.requests[-1].long_document_policy == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"return_tensors": True}, "return_tensors=True: the server sends text, not token ids"),
        ({"return_text": False}, "return_text=False: the pipeline returns texts only"),
        ({"temperature": 0.7}, "temperature=0.7 does nothing without do_sample=True: add that"),
        ({"top_p": 0.9, "do_sample": False}, "top_p=0.9 does nothing without do_sample=True"),
        ({"seed": 1}, "seed=1 does nothing without do_sample=True"),
        ({"num_beams": 4, "do_sample": True}, "num_beams=4 with do_sample=True: the server"),
        ({"early_stopping": "never"}, "early_stopping='never': must be True or False"),
        ({"truncation": "only_second"}, "truncation='only_second': must be True or False"),
        ({"max_length": 1}, "max_length=1: it counts the decoder's start token"),
        ({"num_beam_groups": 2}, "num_beam_groups=2: the server has nothing like it"),
        ({"generation_config": {}}, "generation_config={}: give its settings as keyword arguments"),
        ({"device": 0}, "device=0: the server decides where the model runs"),
        ({"tokenizer": "t5-small"}, "tokenizer='t5-small': the model is loaded by the server"),
        ({"token": "hf_x"}, "token='hf_x': it is not sent"),
    ],
    ids=str,
)
def test_what_cannot_be_met_is_refused_by_name_wherever_it_is_given(
    server: ScriptedServer, pipe: SummarizationPipeline, arguments: dict[str, Any], said: str
) -> None:
    for refused in (
        lambda: pipe("A text.", **arguments),
        lambda: pipe(["A text."], **arguments),
        lambda: pipeline("summarization", address=server.address, **arguments),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
            refused()
    assert server.summarizer.requests == []


def test_an_unknown_argument_is_a_type_error_that_lists_the_known_ones(
    pipe: SummarizationPipeline,
) -> None:
    with pytest.raises(TypeError, match=r"has no argument 'max_lenght'; it takes .*max_length"):
        pipe("A text.", max_lenght=20)


@pytest.mark.parametrize("value", ["20", True, [20]])
@pytest.mark.parametrize("name", ["max_length", "num_beams", "temperature"])
def test_what_must_be_a_number_is_named_if_it_is_none(
    pipe: SummarizationPipeline, name: str, value: object
) -> None:
    with pytest.raises(TypeError, match=f"{name}=.*: must be a number"):
        pipe("A text.", **{name: value})


class TruncationStrategy(Enum):
    """As transformers has it."""

    LONGEST_FIRST = "longest_first"


@pytest.mark.parametrize("truncation", [True, "longest_first", TruncationStrategy.LONGEST_FIRST])
def test_truncation_asks_for_the_policy_of_that_name(
    server: ScriptedServer, pipe: SummarizationPipeline, truncation: object
) -> None:
    pipe("A text.", truncation=truncation)
    assert server.summarizer.requests[0].long_document_policy == pb.LONG_DOCUMENT_POLICY_TRUNCATE


def test_arguments_of_the_pipeline_hold_until_a_call_gives_its_own(server: ScriptedServer) -> None:
    pipe = pipeline(
        "summarization", "scripted", address=server.address, style="headline", num_beams=4
    )
    with pipe:
        pipe("one")
        pipe(["two"], num_beams=2, language="zh")
    one, two = server.summarizer.requests
    assert (one.model, one.style, one.options.num_beams) == ("scripted", "headline", 4)
    assert (two.style, two.language, two.options.num_beams) == ("headline", "zh", 2)


def test_a_client_of_ones_own_may_be_given(server: ScriptedServer, client: Client) -> None:
    assert pipeline("summarization", client=client)("A text.")


@pytest.mark.parametrize("task", ["text2text-generation", "translation_en_to_fr", "ner"])
def test_another_task_is_refused(task: str) -> None:
    with pytest.raises(ValueError, match=f"task='{task}': a Précis server only does"):
        pipeline(task)


def test_a_loaded_model_is_refused() -> None:
    with pytest.raises(TypeError, match="model is a object: name a model that the server has"):
        pipeline("summarization", object())  # type: ignore[arg-type]


@pytest.mark.parametrize("inputs", [["one", b"two"], b"bytes", {"a": "text"}, 3])
def test_what_is_no_text_is_refused_before_anything_is_sent(
    server: ScriptedServer, pipe: SummarizationPipeline, inputs: Any
) -> None:
    with pytest.raises(TypeError):
        pipe(inputs)
    assert server.summarizer.requests == []


def test_the_first_refused_text_ends_the_call_and_is_counted(
    server: ScriptedServer, pipe: SummarizationPipeline
) -> None:
    server.summarizer.script["bad"] = Refusal(grpc.StatusCode.INVALID_ARGUMENT, "too long")
    with pytest.raises(InvalidRequest, match="too long") as caught:
        pipe(["good", "bad"])
    assert caught.value.__notes__ == ["text 1 of those given, counted from 0"]


def test_an_error_of_the_generator_reaches_its_caller(pipe: SummarizationPipeline) -> None:
    def texts() -> Iterator[str]:
        yield "one"
        raise OSError("the disk is gone")

    results = pipe(texts())
    assert len(list(itertools.islice(results, 1))) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(results)


def test_spaces_are_cleaned_up_on_request(
    server: ScriptedServer, pipe: SummarizationPipeline
) -> None:
    server.summarizer.default = Reply(message=response("It is n't so , he said ."))
    asked = pipe("A text.", clean_up_tokenization_spaces=True)
    assert asked == [{"summary_text": "It isn't so, he said."}]
    assert pipe("A text.") == [{"summary_text": "It is n't so , he said ."}]


def test_the_warnings_of_a_summary_are_issued(
    server: ScriptedServer, pipe: SummarizationPipeline
) -> None:
    warning = pb.SummaryWarning(
        code=pb.WARNING_CODE_LANGUAGE_NOT_SUPPORTED, message="looks like German"
    )
    server.summarizer.default = Reply(message=response(warnings=[warning]))
    with pytest.warns(ServerWarning, match="looks like German"):
        pipe("Ein Text.")
