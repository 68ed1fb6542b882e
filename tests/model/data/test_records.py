"""Records as people keep them: packed or not, with what is missing filled in or told."""

import gzip
import json
import lzma
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.data.json_lines import SHOWN, DataError
from model.data.records import Record, RecordReader, read_records

GOOD = b'{"document": "A long document.", "summary": "short", "style": "brief"}'

BAD_LINES = {
    b"": "empty",
    b" \t": "empty",
    b'{"document": "caf\xe9"}': "not UTF-8: byte 0xe9 at 17",
    b'{"document": "half': "not JSON",
    b"[" * 100_000: "not JSON",
    b'["document"]': "not an object but list",
    b'{"document": "x"}': "lacks summary",
    b'{"document": " ", "summary": "", "style": "brief"}': "document is empty; summary is empty",
    b'{"document": "x", "summary": null, "style": 3}': (
        "summary is no text but NoneType; style is no text but int"
    ),
    b'{"document": "x", "summary": "y", "style": "z", "lang": ""}': "lang is empty",
    b'{"document": "x\\ud800", "summary": "y", "style": "z"}': "document holds half a surrogate",
}


def make_record(**changes: str) -> Record:
    values = {"id": "a", "document": "Long.", "summary": "short", "style": "brief", "lang": "en"}
    return Record(**values | changes)


def write_lines(path: Path, lines: Iterable[bytes]) -> Path:
    openers = {".gz": gzip.open, ".xz": lzma.open}
    with openers.get(path.suffix, open)(path, "wb") as file:
        file.write(b"".join(line + b"\n" for line in lines))
    return path


def write_records(path: Path, records: Iterable[Record]) -> Path:
    return write_lines(path, (json.dumps(vars(record)).encode() for record in records))


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.gz", "pairs.jsonl.xz"])
def test_records_are_read_plain_or_packed(tmp_path: Path, name: str) -> None:
    records = [make_record(id="1", document="文"), make_record(id="2", set="news")]
    assert read_records(write_records(tmp_path / name, records)) == records


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])).filter(str.strip))
def test_any_text_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = write_records(tmp_path_factory.mktemp("t") / "a.jsonl", [make_record(document=text)])
    assert [record.document for record in read_records(path)] == [text]


def test_the_limit_counts_records_of_the_style_that_was_named(tmp_path: Path) -> None:
    styles = ["headline", "brief", "brief", "headline", "brief"]
    records = [make_record(id=str(i), style=style) for i, style in enumerate(styles)]
    path = write_records(tmp_path / "pairs.jsonl", records)
    assert [record.id for record in read_records(path, limit=2, style="brief")] == ["1", "2"]
    assert len(read_records(path)) == 5


def test_what_a_record_leaves_out_is_filled_in(tmp_path: Path) -> None:
    lines = [b'{"document": "x", "summary": "y"}', b'{"document": "x", "summary": "y", "id": 7}']
    path = write_lines(tmp_path / "pairs.jsonl", lines)
    assert read_records(path, default_style="detailed") == [
        Record("pairs.jsonl:1", "x", "y", "detailed", "en"),
        Record("7", "x", "y", "detailed", "en"),
    ]


def test_a_record_may_name_no_style(tmp_path: Path) -> None:
    lines = [
        b'{"document": "x", "summary": "y"}',
        b'{"document": "x", "summary": "y", "style": ""}',
    ]
    path = write_lines(tmp_path / "pairs.jsonl", lines)
    assert [record.style for record in read_records(path)] == ["", ""]


@pytest.mark.parametrize(("line", "reason"), BAD_LINES.items(), ids=range(len(BAD_LINES)))
def test_a_line_that_is_no_record_is_refused_with_its_number_and_reason(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    path = write_lines(tmp_path / "pairs.jsonl", [GOOD, line, GOOD])
    with pytest.raises(DataError) as refusal:
        read_records(path)
    assert f"pairs.jsonl: 1 unusable line\n  line 2: {reason}" in str(refusal.value)


def test_lines_that_are_no_record_can_be_skipped_and_are_counted(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "pairs.jsonl", [GOOD, *BAD_LINES, b"", GOOD])
    reader = RecordReader(path, on_bad_line="skip")
    assert len(list(reader)) == 2
    assert reader.bad_count == len(BAD_LINES) + 1
    assert [line.number for line in reader.bad_lines] == list(range(2, 2 + SHOWN))
    assert reader.complaint().endswith("and 2 more")


def test_a_refusal_tells_several_lines_at_once_and_stops_at_the_limit(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "pairs.jsonl", [b"", GOOD, b"[]", GOOD, *[b"no"] * 100])
    reader = RecordReader(path)
    with pytest.raises(DataError) as refusal:
        list(reader)
    assert reader.bad_count == SHOWN
    assert "line 1: empty\n  line 3: not an object" in str(refusal.value)
    assert "not read further" in str(refusal.value)


def test_a_good_file_has_nothing_to_complain_of(tmp_path: Path) -> None:
    reader = RecordReader(write_lines(tmp_path / "pairs.jsonl", [b"\xef\xbb\xbf" + GOOD, GOOD]))
    assert len(list(reader)) == len(list(reader)) == 2
    assert reader.complaint() == ""


@pytest.mark.parametrize("name", ["pairs.jsonl.gz", "pairs.jsonl.xz"])
def test_an_archive_cut_short_is_refused_not_read_in_part(tmp_path: Path, name: str) -> None:
    path = write_lines(tmp_path / name, [GOOD] * 1000)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="broken archive"):
        list(RecordReader(path, on_bad_line="skip"))


def test_an_unknown_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'ignore'"):
        RecordReader(tmp_path / "pairs.jsonl", on_bad_line="ignore")
