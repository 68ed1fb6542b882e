"""The scoring rule in PyTorch: every source once, in the tokens that the rule allows."""

from model.decoding.decoding_options import BeamOptions, GreedyOptions
from model.evaluation.decoding import decode_by_limit, scoring_options
from tests.model.factories import TINY, make_ids, make_model


def test_of_a_checkpoint_s_settings_only_bans_and_forced_tokens_count() -> None:
    defaults = BeamOptions(
        max_tokens=99,
        min_tokens=9,
        repetition_penalty=2.0,
        num_beams=3,
        banned_ids=(5,),
        banned_runs=((6, 7),),
        forced_first=3,
        forced_last=1,
    )
    assert scoring_options((0, 2), defaults) == GreedyOptions(
        no_repeat_ngram_size=3,
        banned_ids=(5, 0, 2),
        banned_runs=((6, 7),),
        forced_first=3,
        forced_last=1,
    )


def test_every_source_is_decoded_once_within_its_limit_and_the_network_s_positions() -> None:
    sources = [make_ids(length).tolist() for length in (9, 3, 7, 5, 2)]
    limits = [4, 500, 4, 2, 500]
    options = GreedyOptions(banned_ids=(TINY.end_id,))  # so that each runs to its limit
    found = list(decode_by_limit(make_model(), sources, limits, options, batch_size=2))
    assert sorted(index for index, _ in found) == [0, 1, 2, 3, 4]
    lengths = {index: len(generation.tokens) for index, generation in found}
    positions = TINY.max_target_positions
    assert lengths == {0: 4, 1: positions, 2: 4, 3: 2, 4: positions}
