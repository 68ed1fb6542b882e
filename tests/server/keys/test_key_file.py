"""The file of keys: what it takes, and what is said of what it does not take."""

import stat
from hashlib import sha256
from pathlib import Path

import pytest

from server.keys.__main__ import main
from server.keys.key_file import KeyFileError, add_key, hash_key, read_keys

ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_each_line_is_a_label_and_a_hash(path: Path) -> None:
    path.write_text(f"# Our callers.\n\nnightly-batch {ONE}\n  web.1\t{TWO.upper()}  \n")

    assert read_keys(path) == {
        "nightly-batch": bytes.fromhex(ONE),
        "web.1": bytes.fromhex(TWO),
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", " has no keys; `python -m server.keys add` makes one"),
        ("# a comment\n", " has no keys; `python -m server.keys add` makes one"),
        (f"a {ONE}\nb\n", ", line 2: has 1 words, a label and a SHA-256 expected"),
        (f"a {ONE} c\n", ", line 1: has 3 words, a label and a SHA-256 expected"),
        (f"a {ONE}\n\na {TWO}\n", ", line 3: the label a is on line 1 too"),
        (f"a {ONE}\nb {ONE}\n", ", line 2: the same key is on line 1 too"),
        (
            f"a/b {ONE}\n",
            ", line 1: the first word is no label: a label has 1 to 64 letters, digits, dots, "
            "hyphens or underscores",
        ),
        (
            "a secret\n",
            ", line 1: the second word must be a SHA-256 in 64 hexadecimal digits, and has 6 "
            "characters",
        ),
    ],
)
def test_a_bad_file_is_named_with_the_line_and_the_fault(path: Path, text: str, fault: str) -> None:
    path.write_text(text)

    with pytest.raises(KeyFileError) as caught:
        read_keys(path)

    assert str(caught.value) == f"{path}{fault}"


def test_a_key_pasted_in_place_of_its_hash_is_not_repeated(path: Path) -> None:
    for line in ("precis_secret\n", "precis_secret a\n", "a precis_secret\n", "precis_secret/ a\n"):
        path.write_text(line)
        with pytest.raises(KeyFileError) as caught:
            read_keys(path)
        assert "secret" not in str(caught.value).removeprefix(str(path))


def test_a_file_that_cannot_be_read_is_named(path: Path) -> None:
    with pytest.raises(KeyFileError, match=f"^cannot read the key file {path}: No such file"):
        read_keys(path)
    with pytest.raises(KeyFileError, match=f"{path.parent}: Is a directory"):
        read_keys(path.parent)
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(KeyFileError, match=f"^the key file {path} is not UTF-8 text"):
        read_keys(path)


def test_a_key_that_is_made_is_printed_and_only_its_hash_is_kept(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["add", "a", "--file", str(path)]) == 0
    first = capsys.readouterr().out.strip()
    assert main(["add", "b", "--file", str(path)]) == 0
    second = capsys.readouterr().out.strip()

    assert first != second
    assert read_keys(path) == {"a": hash_key(first), "b": hash_key(second)}
    assert hash_key(first) == sha256(first.encode()).digest()
    assert first not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_is_added_below_a_last_line_without_its_end(path: Path) -> None:
    path.write_text(f"a {ONE}")

    key = add_key(path, "b")

    assert read_keys(path) == {"a": bytes.fromhex(ONE), "b": hash_key(key)}


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        ("a", "has a key labelled a already"),
        ("a b", "'a b' is no label: a label has 1 to 64 letters"),
        ("", "'' is no label"),
        ("x" * 65, "is no label"),
    ],
)
def test_a_key_that_cannot_be_made_is_refused_in_one_line(
    path: Path, label: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(f"a {ONE}\n")

    assert main(["add", label, "--file", str(path)]) == 1

    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert problem in err
    assert path.read_text() == f"a {ONE}\n"


def test_no_key_is_made_for_a_file_with_a_fault(path: Path) -> None:
    path.write_text("broken\n")

    with pytest.raises(KeyFileError, match="line 1: has 1 words"):
        add_key(path, "a")
