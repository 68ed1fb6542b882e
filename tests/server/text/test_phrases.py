"""Texts among the options become token ids, or are refused."""

from dataclasses import replace

import pytest

from server.errors import InvalidRequest
from server.text.phrases import with_phrases
from server.types import DecodingOptions
from tests.server.factories import BUNDLE

SPECIAL = BUNDLE.manifest.special_tokens
encode = BUNDLE.tokenizer.encode


def resolve(
    prefix: str = "",
    banned: tuple[str, ...] = (),
    *,
    max_tokens: int = 64,
    forces_first: bool = False,
) -> DecodingOptions:
    return with_phrases(
        DecodingOptions(max_tokens=max_tokens),
        prefix=prefix,
        banned_phrases=banned,
        tokenizer=BUNDLE.tokenizer,
        special=replace(SPECIAL, forced_first_id=3 if forces_first else None),
    )


def refusal(*arguments: object, **named: object) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        resolve(*arguments, **named)  # type: ignore[arg-type]
    return {violation.field: violation.description for violation in caught.value.violations}


def test_without_texts_the_options_stay_as_they_are() -> None:
    assert resolve() == DecodingOptions(max_tokens=64)


def test_a_prefix_is_the_tokens_of_its_text() -> None:
    options = resolve("We propose")
    assert BUNDLE.tokenizer.decode(options.prefix_ids) == "We propose"


def test_a_phrase_is_banned_at_the_beginning_and_after_a_space() -> None:
    options = resolve(banned=("in this paper", "we"))
    expected = {tuple(encode(text)) for text in ("in this paper", " in this paper", "we", " we")}
    assert set(options.banned_runs) == expected


def test_special_tokens_in_a_text_are_text() -> None:
    options = resolve("<headline>", ("</s>",))
    assert BUNDLE.tokenizer.decode(options.prefix_ids) == "<headline>"
    assert all(SPECIAL.end_id not in run for run in options.banned_runs)


@pytest.mark.parametrize(("forces_first", "num_forced"), [(False, 3), (True, 4)])
def test_a_prefix_must_leave_room_for_what_follows(forces_first: bool, num_forced: int) -> None:
    assert len(encode("one two three")) == 3
    assert resolve("one two three", max_tokens=num_forced + 1, forces_first=forces_first)
    found = refusal("one two three", max_tokens=num_forced, forces_first=forces_first)
    assert found == {
        "options.prefix": f"has {num_forced} tokens, must have fewer than "
        f"options.max_tokens = {num_forced}"
    }


def test_a_banned_phrase_that_the_prefix_has_in_it_is_named() -> None:
    found = refusal("We propose a method", ("model", "propose"))
    assert found == {"options.banned_phrases[1]": "is 'propose', but options.prefix has it in it"}


def test_a_prefix_that_the_model_cannot_write_is_refused() -> None:
    special = replace(SPECIAL, never_emitted_ids=(encode("novel")[-1],))
    with pytest.raises(InvalidRequest, match=r"options\.prefix: has text that .* cannot write"):
        with_phrases(
            DecodingOptions(max_tokens=64),
            prefix="novel",
            banned_phrases=(),
            tokenizer=BUNDLE.tokenizer,
            special=special,
        )
