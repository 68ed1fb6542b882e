"""A checkpoint's rules reach the bundle, or keep it from being made."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bundle.manifest import DecodingDefaults, SpecialTokens, read_manifest
from export.package.constraints import BundleConstraints, UnservedSettingError, bundle_constraints
from model.checkpoints.config_file import read_config
from model.checkpoints.generation_defaults import read_generation_defaults
from tests.bundle.conftest import DEFAULT_BUNDLE

CHECKPOINT = Path("models/default/checkpoint")


def constraints(directory: Path) -> BundleConstraints:
    config = read_config(directory / "config.json")
    return bundle_constraints(
        directory / "tokenizer.json", config, read_generation_defaults(directory, config)
    )


def checkpoint_with(directory: Path, **generation: Any) -> Path:
    """The embedded checkpoint without its weights, and with other generation settings."""
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(CHECKPOINT / name, directory / name)
    (directory / "generation_config.json").write_text(json.dumps(generation), encoding="utf-8")
    return directory


def test_the_embedded_bundle_says_what_the_embedded_checkpoint_would_make_of_it() -> None:
    assert constraints(CHECKPOINT).special_tokens == read_manifest(DEFAULT_BUNDLE).special_tokens


def test_forced_tokens_single_bad_words_and_lengths_are_served(tmp_path: Path) -> None:
    checkpoint = checkpoint_with(
        tmp_path,
        forced_bos_token_id=9,
        forced_eos_token_id=1,
        bad_words_ids=[[12]],
        suppress_tokens=[11],
        max_length=143,
        min_length=57,
        no_repeat_ngram_size=3,
        num_beams=4,
        length_penalty=2.0,
        early_stopping=True,
        repetition_penalty=1.2,
        renormalize_logits=True,
    )
    assert constraints(checkpoint) == BundleConstraints(
        SpecialTokens(
            pad_id=0,
            end_id=1,
            decoder_start_id=0,
            never_emitted_ids=(0, 2, 3, 4, 5, 6, 7, 11, 12),
            forced_first_id=9,
            forced_last_id=1,
        ),
        DecodingDefaults(
            max_tokens=142,
            min_tokens=56,
            no_repeat_ngram_size=3,
            num_beams=4,
            length_penalty=2.0,
            early_stopping=True,
            repetition_penalty=1.2,
        ),
    )


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"num_beams": 4, "early_stopping": "never"}, "early_stopping=never"),
        ({"encoder_no_repeat_ngram_size": 3}, "encoder_no_repeat_ngram_size=3"),
        ({"begin_suppress_tokens": [9]}, r"begin_suppress_tokens=\(9,\)"),
        ({"bad_words_ids": [[9, 10]]}, r"bad_words_ids with runs such as \[9, 10\]"),
    ],
)
def test_rules_that_the_server_does_not_keep_are_refused_by_name(
    tmp_path: Path, setting: dict[str, Any], told: str
) -> None:
    with pytest.raises(UnservedSettingError, match=f"sets {told}, which the server does not do"):
        constraints(checkpoint_with(tmp_path, **setting))
