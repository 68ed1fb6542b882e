"""`precis summarize --sources` shows where the sentences of a summary come from."""

import json
from pathlib import Path

import pytest

from precis_client.cli import main
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from tests.fakes.scripted_summarizer import Reply, ScriptedServer, response

RIVER = "The river rose by 3,000 mm, says a gauge that has stood there for so long."
DOCUMENT = f"It rained.\n{RIVER.replace('river ', 'river' + chr(10))}\n"
SUMMARY = "It rained. We note: the river rose. All of it."
LIST = f"""
1. "It rained."
   copied  line 1, characters 0 to 10: "It rained."
      12%  line 2, characters 11 to 85: "{RIVER[:60]} …"
2. "We note: the river rose."
      60%  line 2, characters 11 to 85: "{RIVER[:60]} …"
3. "All of it."
   from no particular place
"""


def place(start: int, end: int, weight: float) -> pb.SourceSpan:
    return pb.SourceSpan(span=pb.TextSpan(start=start, end=end), weight=weight)


def attribution(text: str, kind: pb.AttributionKind, *places: pb.SourceSpan) -> pb.Attribution:
    start = SUMMARY.index(text)
    span = pb.TextSpan(start=start, end=start + len(text))
    return pb.Attribution(summary_span=span, source_spans=places, kind=kind)


ATTRIBUTIONS = [
    attribution("It rained.", pb.ATTRIBUTION_KIND_COPIED, place(0, 10, 0.9), place(11, 85, 0.12)),
    attribution(
        "We note: the river rose.",
        pb.ATTRIBUTION_KIND_GENERATED,
        place(11, 85, 0.6),
        place(0, 10, 0.004),
    ),
    attribution("All of it.", pb.ATTRIBUTION_KIND_GENERATED, place(0, 10, 0.004)),
]
GIVEN = attribution("We note: the river rose.", pb.ATTRIBUTION_KIND_GIVEN)


@pytest.fixture(autouse=True)
def answers(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRECIS_ADDRESS", server.address)
    reply = response(SUMMARY, attributions=ATTRIBUTIONS)
    server.summarizer.default = Reply((SUMMARY,), reply)


@pytest.fixture
def document(tmp_path: Path) -> str:
    path = tmp_path / "rain.txt"
    path.write_text(DOCUMENT)
    return str(path)


@pytest.mark.parametrize("more", [[], ["--stream"]])
def test_each_sentence_is_listed_with_its_places_below_the_summary(
    document: str, server: ScriptedServer, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    assert main(["summarize", document, "--sources", *more]) == 0

    assert capsys.readouterr() == (f"{SUMMARY}\n{LIST}", "")
    (request,) = server.summarizer.requests
    assert request.attribution == pb.ATTRIBUTION_LEVEL_SENTENCE
    assert request.offset_unit == pb.OFFSET_UNIT_UNSPECIFIED


def test_what_the_prefix_gave_is_said_to_be_given(
    document: str, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.summarizer.default = Reply(message=response(SUMMARY, attributions=[GIVEN]))

    main(["summarize", document, "--sources", "--prefix", "We note: the river rose."])

    assert capsys.readouterr().out.endswith(
        '\n1. "We note: the river rose."\n   given by --prefix\n'
    )


def test_of_several_files_each_has_its_own_list(
    document: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.txt"
    other.write_text(DOCUMENT.replace("rained", "snowed"))

    assert main(["summarize", document, str(other), "--sources"]) == 0

    printed = capsys.readouterr().out
    snowed = LIST.replace('10: "It rained."', '10: "It snowed."')
    assert f"==> {document} <==\n{SUMMARY}\n{LIST}" in printed
    assert f"==> {other} <==\n{SUMMARY}\n{snowed}" in printed


def test_as_json_the_spans_are_in_the_reply(
    document: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["summarize", document, "--sources", "--json"])

    first, *_ = json.loads(capsys.readouterr().out)["attributions"]
    assert first == {
        "summary_span": {"start": 0, "end": 10},
        "source_spans": [
            {"span": {"start": 0, "end": 10}, "weight": 0.9},
            {"span": {"start": 11, "end": 85}, "weight": 0.12},
        ],
        "kind": "copied",
    }


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--attribution", "word"], "not allowed with argument --sources"),
        (["--offset-unit", "byte"], "--offset-unit is for --attribution"),
    ],
)
def test_what_does_not_go_with_it_is_refused(
    document: str, capsys: pytest.CaptureFixture[str], more: list[str], complaint: str
) -> None:
    try:
        code: object = main(["summarize", document, "--sources", *more])
    except SystemExit as ended:
        code = ended.code

    assert code == 2
    assert complaint in capsys.readouterr().err
