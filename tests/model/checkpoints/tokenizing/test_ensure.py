"""What a checkpoint directory must hold, and what is said when it does not."""

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from bundle import BundleTokenizer
from model.checkpoints.tokenizing import TokenizerError, describe, ensure_tokenizer, fitting
from tests.model.checkpoints.tokenizing import checkpoints

pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")


def _change(path: Path, **values: object) -> None:
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(content | values))


def test_a_tokenizer_json_that_is_there_is_used_as_it_is(tmp_path: Path) -> None:
    checkpoints.bart(tmp_path)
    path = ensure_tokenizer(tmp_path)
    before = path.read_bytes()
    (tmp_path / "merges.txt").unlink()
    assert ensure_tokenizer(tmp_path) == path == tmp_path / "tokenizer.json"
    assert path.read_bytes() == before


def test_a_checkpoint_that_must_not_change_gets_its_tokenizer_elsewhere(tmp_path: Path) -> None:
    checkpoint, output = tmp_path / "checkpoint", tmp_path / "output"
    checkpoint.mkdir()
    checkpoints.t5(checkpoint)
    before = sorted(checkpoint.iterdir())
    assert ensure_tokenizer(checkpoint, output) == output / "tokenizer.json"
    assert sorted(checkpoint.iterdir()) == before


@pytest.mark.parametrize(
    ("family", "needed"),
    [
        ("bart", "no vocab.json and no merges.txt"),
        ("led", "no vocab.json and no merges.txt"),
        ("pegasus", "no spiece.model"),
        ("mbart", "no sentencepiece.bpe.model"),
        ("marian", "no source.spm and no target.spm and no vocab.json"),
    ],
)
def test_what_is_missing_to_build_one_is_named(tmp_path: Path, family: str, needed: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": family, "vocab_size": 9}))
    with pytest.raises(TokenizerError, match=rf"no tokenizer\.json.*{needed}"):
        ensure_tokenizer(tmp_path)
    assert needed in describe(tmp_path)


def test_an_unknown_family_is_told_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert", "vocab_size": 9}')
    with pytest.raises(TokenizerError, match="'bert', only for bart, led, marian, mbart"):
        ensure_tokenizer(tmp_path)


def test_a_directory_without_config_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"no config\.json"):
        ensure_tokenizer(tmp_path)


def test_a_vocabulary_larger_than_the_embedding_is_refused_with_both_sizes(tmp_path: Path) -> None:
    oracle = checkpoints.pegasus(tmp_path)
    _change(tmp_path / "config.json", vocab_size=len(oracle) - 1)
    with pytest.raises(TokenizerError, match=rf"{len(oracle)} tokens.*{len(oracle) - 1} rows"):
        ensure_tokenizer(tmp_path)
    assert not (tmp_path / "tokenizer.json").exists()


def test_special_tokens_past_the_embedding_are_left_out(tmp_path: Path) -> None:
    # As in facebook/bart-large-cnn, whose <mask> has no row.
    oracle = checkpoints.bart(tmp_path)
    vocabulary = oracle.get_vocab()
    last = max(vocabulary, key=vocabulary.__getitem__)
    swapped = vocabulary | {"<mask>": vocabulary[last], last: vocabulary["<mask>"]}
    (tmp_path / "vocab.json").write_text(json.dumps(swapped))
    whole = json.loads(ensure_tokenizer(tmp_path).read_text(encoding="utf-8"))
    (tmp_path / "tokenizer.json").unlink()
    _change(tmp_path / "config.json", vocab_size=len(oracle) - 1)

    path = ensure_tokenizer(tmp_path)

    assert BundleTokenizer(path).vocab_size == len(oracle) - 1
    assert BundleTokenizer(path).encode("a <mask> b")
    assert fitting(whole, len(oracle) - 1, path) == json.loads(path.read_text(encoding="utf-8"))


def test_added_tokens_keep_their_ids(tmp_path: Path) -> None:
    oracle = checkpoints.bart(tmp_path)
    (tmp_path / "added_tokens.json").write_text(json.dumps({"<en>": len(oracle)}))
    _change(tmp_path / "tokenizer_config.json", additional_special_tokens=["<en>"])
    tokenizer = BundleTokenizer(ensure_tokenizer(tmp_path))
    assert tokenizer.vocab_size == len(oracle) + 1
    assert tokenizer.decode([len(oracle)]) == ""


def test_an_added_token_elsewhere_than_declared_is_refused(tmp_path: Path) -> None:
    oracle = checkpoints.bart(tmp_path)
    (tmp_path / "added_tokens.json").write_text(json.dumps({"<en>": len(oracle) + 5}))
    with pytest.raises(TokenizerError, match=rf"'<en>' should have id {len(oracle) + 5}"):
        ensure_tokenizer(tmp_path)


def test_the_order_of_mbart_languages_is_told_by_the_size_of_the_embedding(tmp_path: Path) -> None:
    oracle = checkpoints.mbart_50(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    _change(tmp_path / "config.json", vocab_size=len(oracle))
    tokenizer = Tokenizer.from_file(str(ensure_tokenizer(tmp_path)))
    assert tokenizer.encode("The cat").ids == oracle.encode("The cat")
    (tmp_path / "tokenizer.json").unlink()
    _change(tmp_path / "config.json", vocab_size=len(oracle) + 1)
    with pytest.raises(TokenizerError, match="name the tokenizer_class"):
        ensure_tokenizer(tmp_path)


def test_an_unknown_source_language_is_refused(tmp_path: Path) -> None:
    checkpoints.mbart(tmp_path)
    _change(tmp_path / "tokenizer_config.json", src_lang="xx_XX")
    with pytest.raises(TokenizerError, match="src_lang 'xx_XX' is none of ar_AR"):
        ensure_tokenizer(tmp_path)


def test_marian_with_two_vocabularies_is_refused(tmp_path: Path) -> None:
    checkpoints.marian(tmp_path)
    _change(tmp_path / "tokenizer_config.json", separate_vocabs=True)
    with pytest.raises(TokenizerError, match="separate_vocabs is true"):
        ensure_tokenizer(tmp_path)


def test_marian_ids_must_be_each_used_once(tmp_path: Path) -> None:
    checkpoints.marian(tmp_path)
    _change(tmp_path / "vocab.json", **{"</s>": 1})
    with pytest.raises(TokenizerError, match=r"vocab\.json: the ids are not 0 to"):
        ensure_tokenizer(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x0a\x05ab", b"\x07", b"not a model", b"\xff" * 9])
def test_a_broken_sentencepiece_file_is_named(tmp_path: Path, content: bytes) -> None:
    checkpoints.t5(tmp_path)
    (tmp_path / "spiece.model").write_bytes(content)
    with pytest.raises(TokenizerError, match=r"spiece\.model is no SentencePiece model"):
        ensure_tokenizer(tmp_path)


def test_a_word_model_is_refused(tmp_path: Path) -> None:
    checkpoints.t5(tmp_path)
    model = checkpoints.sentencepiece_model(model_type="word", vocab_size=300)
    (tmp_path / "spiece.model").write_bytes(model)
    with pytest.raises(TokenizerError, match=r"model_type is 3; only 1 .unigram. and 2 .BPE."):
        ensure_tokenizer(tmp_path)


def test_a_line_of_merges_that_merges_nothing_is_shown(tmp_path: Path) -> None:
    checkpoints.bart(tmp_path)
    path = tmp_path / "merges.txt"
    path.write_text(path.read_text(encoding="utf-8") + "just-one\n", encoding="utf-8")
    with pytest.raises(TokenizerError, match=r"merges\.txt line \d+: 'just-one' merges no two"):
        ensure_tokenizer(tmp_path)


@pytest.mark.parametrize("name", ["vocab.json", "tokenizer_config.json", "added_tokens.json"])
def test_a_file_that_is_no_json_is_named(tmp_path: Path, name: str) -> None:
    checkpoints.bart(tmp_path)
    (tmp_path / name).write_bytes(b"\xff{")
    with pytest.raises(TokenizerError, match=rf"{name} is not JSON in UTF-8"):
        ensure_tokenizer(tmp_path)


def test_each_kind_describes_itself(tmp_path: Path) -> None:
    oracle = checkpoints.t5(tmp_path)
    assert describe(tmp_path) == "none yet; it is built from spiece.model when it is needed"
    ensure_tokenizer(tmp_path)
    assert describe(tmp_path) == f"tokenizer.json: Unigram, {len(oracle)} tokens"
