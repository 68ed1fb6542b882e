"""What is written of a run: pages that need no network, sound SVG, and results that come back."""

import html.parser
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from loadtest.measure.call import HUNG_UP
from loadtest.measure.gates import judge
from loadtest.measure.recorder import PhaseRecorder
from loadtest.measure.repeats import pool_repeats
from loadtest.report import svg, write_reports
from loadtest.report.comparison import compare
from loadtest.report.comparison_page import comparison_markdown, comparison_page
from loadtest.report.files import write_run_plots
from loadtest.report.knee import find_knee, knee_words
from loadtest.report.plots.over_time import plot_over_time, stretches
from loadtest.report.plots.stages import plot_stages
from loadtest.report.run_page import run_markdown, run_page
from loadtest.results import WHOLE, ProcessorUse, Run, ServerSide, read_run, write_run
from tests.loadtest.made_runs import call, phase_of, rich_run, run_of

RICH = rich_run()
SVG = "{http://www.w3.org/2000/svg}"


class Page(html.parser.HTMLParser):
    """Notes what a page is made of, and fails where its tags do not match."""

    _EMPTY = frozenset({"meta", "line", "rect", "circle", "path"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sections: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "section":
            self.sections.append(found["id"] or "")
        self.links += [found[name] or "" for name in ("src", "href") if name in found]
        assert tag not in {"script", "link", "img", "iframe"}
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in self._EMPTY

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def with_streams_and_repeats() -> Run:
    """Makes a run with intervals, dropped arrivals and calls that never ended."""
    repeats = [phase_of([call(1.0, seconds), call(2.0)]) for seconds in (0.1, 0.2, 0.4)]
    recorder = PhaseRecorder("broken", "closed", None, 0.0, 40.0)
    for due_s in (41.0, 42.0, 43.0):
        recorder.arrival(due_s)
    recorder.dropped(41.0)
    recorder.add(call(42.0, status=HUNG_UP))
    return run_of(pool_repeats(repeats), recorder.result(50.0), complete=False)


def test_a_page_has_every_section_of_a_rich_run() -> None:
    page = Page(run_page(RICH))

    assert page.sections == [
        *("phases", "gates", "over-time", "tail", "histograms", "rates"),
        *("streaming", "statuses", "server", "recipe"),
    ]
    assert (
        page.words.count(
            "1 of 2 gates failed: p99_ms in 40 a second. Not judged: "
            "10 a second (all served), 20 a second (all served)."
        )
        == 1
    )


@pytest.mark.parametrize("kind", ["run", "comparison"])
def test_pages_fetch_nothing(kind: str) -> None:
    several = compare([RICH, rich_run("slower", 1.5)])
    text = run_page(RICH) if kind == "run" else comparison_page(several)

    page = Page(text)

    assert page.links == []
    addresses = text.replace("http://www.w3.org/2000/svg", "")
    assert "://" not in addresses
    assert "@import" not in text
    assert "url(" not in text


def test_words_of_a_run_are_shown_and_never_taken_for_markup() -> None:
    evil = "</title><script>alert(1)</script> | \\` \x00"
    phase = replace(RICH.phases[-1], name=evil, statuses={evil: 3, "OK": 1})
    run = replace(RICH, title=evil, phases=(phase,), recipe={evil: evil}, notes=(evil,))

    page = run_page(run)

    assert "<script>" not in page
    assert evil in Page(page).words
    assert "<script>" not in run_markdown(run).replace("\\<", "").replace("\\>", "")
    rows = [line for line in run_markdown(run).splitlines() if line.startswith("| ")]
    assert all("alert" not in row or "\\|" in row for row in rows)


@pytest.mark.parametrize(
    "run",
    [
        run_of(),
        run_of(phase_of([])),
        run_of(phase_of([call(1.0)])),
        run_of(phase_of([call(1.0, 0.0)])),
        run_of(phase_of([call(1.0, status="UNAVAILABLE")])),
        run_of(phase_of([call(1.0)], seconds=0.0)),
        run_of(phase_of([], level=1.0), phase_of([], name="other", level=2.0)),
        with_streams_and_repeats(),
    ],
    ids=["no phase", "nothing", "one", "instant", "failure", "no time", "rates", "odd"],
)
def test_a_run_of_little_or_nothing_is_reported_without_a_crash(run: Run, tmp_path: Path) -> None:
    written = write_reports(run, tmp_path / "new" / "folder")
    write_run_plots({"a": run}, tmp_path)

    assert [path.name for path in written] == ["report.html", "report.md", "result.json"]
    Page(written[0].read_text("utf-8"))


def test_a_page_says_what_speaks_against_its_figures() -> None:
    words = " ".join(Page(run_page(with_streams_and_repeats())).words)

    assert "The run ended early" in words
    assert "broken: 1 arrivals were dropped, because as many calls as `in_flight`" in words
    assert "broken: 1 calls had not ended when the run did." in words
    assert "broken: no call ended well." in words
    assert "95 % confidence intervals over repeats" in words


def test_a_generator_that_was_late_is_told() -> None:
    late = phase_of([call(at / 20, 0.5, sent_s=at / 20 + 0.3) for at in range(200)])

    words = " ".join(Page(run_page(run_of(late))).words)

    assert "steady: the load generator itself was late (p99 of 300 ms)" in words


def test_percentiles_are_blank_below_their_sample_size_in_tables_and_plots() -> None:
    few = phase_of([call(at / 5, 0.1 * (at + 1)) for at in range(12)], name="few")
    run = run_of(few, phase_of([call(1.0), call(2.0)], name="two"))

    markdown, page = run_markdown(run), Page(run_page(run))

    rows = [line for line in markdown.splitlines() if line.startswith(("| few |", "| two |"))]
    cells = [[cell.strip() for cell in row.split("|")[10:15]] for row in rows]
    assert [[bool(cell) for cell in row] for row in cells] == [
        [True, True, False, False, False],  # p50, p90, p95, p99, p99.9
        [True, False, False, False, False],
    ]
    assert markdown.count("p99 100 and p99.9 1,000") == 1
    histograms = run_page(run).split("Histograms")[1]
    assert "Histogram of few" in histograms
    assert "Histogram of two" not in histograms
    assert {"slowest", "p50"} <= set(page.words)
    assert not {"p95", "p99"} & set(page.words)


def test_the_names_of_short_phases_are_whole_and_do_not_cover_one_another() -> None:
    names = ["half of the capacity", "80 % of capacity", "twice the capacity", "4 readers"]
    phases = [
        phase_of([call(start + 1.0)], name=name, start_s=start, seconds=4.0)
        for name, start in zip(names, (0.0, 30.0, 34.0, 38.0), strict=True)
    ]

    plot = plot_over_time(phases)

    assert plot is not None
    places = {
        text.text: (float(text.attrib["x"]), float(text.attrib["y"]))
        for text in plot.iter("text")
        if text.text in names
    }
    assert list(places) == names
    for name, (x, y) in places.items():
        assert x + svg.width_of(name) <= 720
        for other, (other_x, other_y) in places.items():
            assert other == name or y != other_y or abs(x - other_x) >= 50


def test_labels_of_five_digits_do_not_reach_the_title_of_their_axis() -> None:
    plot = plot_over_time([phase_of([call(1.0, 19.0), call(1.1, 18.0)])])

    assert plot is not None
    (title,) = [text for text in plot.iter("text") if text.text == "latency (ms)"]
    ticks = [text for text in plot.iter("text") if text.attrib["text-anchor"] == "end"]
    assert "20,000" in {text.text for text in ticks}
    for text in ticks:
        begins = float(text.attrib["x"]) - svg.width_of(text.text or "")
        assert begins > float(title.attrib["x"]) + 6


def test_who_used_the_processor_is_on_the_page() -> None:
    use = ProcessorUse(ours=0.31, others=0.55, stolen=0.02)

    words = Page(run_page(run_of(replace(RICH.phases[0], processor=use)))).words

    assert {"31 %", "55 %", "2 %"} <= set(words)


def test_plots_are_files_of_their_own_that_xml_readers_accept(tmp_path: Path) -> None:
    written = write_run_plots({"a": RICH}, tmp_path)
    written += write_run_plots({"a": RICH, "<b>": rich_run("b", 2.0)}, tmp_path / "both")

    assert [path.name for path in written] == [
        *("latency-by-rate.svg", "throughput-by-rate.svg", "tail.svg", "over-time.svg"),
        *("latency-by-rate.svg", "tail.svg"),
    ]
    for path in written:
        root = ElementTree.parse(path).getroot()  # noqa: S314  # our own file
        assert root.tag == f"{SVG}svg"
        assert root.find(f"{SVG}style") is not None
        places = [float(each.attrib["cx"]) for each in root.iter(f"{SVG}circle")]
        assert places
        assert all(0 <= place <= float(root.attrib["width"]) for place in places)


def test_a_throughput_plot_marks_the_knee(tmp_path: Path) -> None:
    write_run_plots({"a": RICH}, tmp_path)

    root = ElementTree.parse(tmp_path / "throughput-by-rate.svg").getroot()  # noqa: S314
    assert "knee: 17.4 calls/s" in [text.text for text in root.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("rates", "where"),
    [((5.0, 10.0), "beyond these"), ((40.0,), "below these"), ((5.0, 40.0), "at 4.40 calls/s")],
)
def test_the_knee_is_told_where_no_rate_shows_it_too(rates: Sequence[float], where: str) -> None:
    phases = [phase for phase in RICH.phases if phase.level in rates]

    assert where in knee_words(phases)


def test_a_rate_that_is_served_but_far_slower_lies_beyond_the_knee() -> None:
    phases = [
        phase_of([call(at / rate, seconds) for at in range(9 * rate)], level=float(rate))
        for rate, seconds in ((1, 0.1), (2, 0.29), (4, 0.31))
    ]

    assert find_knee(phases) == pytest.approx(1.8)


def test_what_no_file_can_hold_is_replaced(tmp_path: Path) -> None:
    odd = "nul \x00 and \ud800"
    run = run_of(replace(RICH.phases[0], name=odd), title=odd)

    write_reports(run, tmp_path)

    assert read_run(tmp_path / "result.json").title == "nul \x00 and ?"
    for path in write_run_plots({"a": run}, tmp_path):
        assert ElementTree.parse(path).getroot().tag == f"{SVG}svg"  # noqa: S314


def test_stages_of_the_server_fill_the_whole_request_and_no_more() -> None:
    server = ServerSide(stages_ms={"queue": 10.0, "decode": 30.0, WHOLE: 50.0})

    plot = plot_stages([phase_of([call(1.0)], server=server)])

    assert plot is not None
    hints = [title.text for title in plot.iter("title")]
    assert [hint for hint in hints if hint and hint.startswith("steady: ")] == [
        *("steady: queue 10.0 ms", "steady: decode 30.0 ms", "steady: elsewhere 10.0 ms")
    ]


def test_repeats_of_one_phase_are_stretches_of_time_of_their_own() -> None:
    repeats = [phase_of([call(at + 1.0)], start_s=at) for at in (0.0, 30.0, 40.0)]

    found = stretches(pool_repeats(repeats))

    assert [(part[0].start_s, len(part)) for part in found] == [(0.0, 10), (30.0, 20)]


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    run = replace(
        RICH,
        phases=(*RICH.phases, *with_streams_and_repeats().phases),
        verdicts=judge({"p99_ms": 100.5}, RICH.phases),
        notes=("brackets [ 1, 2 ] in words",),
    )

    write_run(run, tmp_path / "result.json")

    assert read_run(tmp_path / "result.json") == run


def test_a_result_of_an_older_minor_form_is_read_without_what_came_later(tmp_path: Path) -> None:
    data = asdict(RICH)
    for phase in data["phases"]:
        for window in phase["windows"]:
            del window["statuses"], window["finished"]
    (tmp_path / "result.json").write_text(json.dumps(data))

    assert run_page(read_run(tmp_path / "result.json"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting value"),
        ("[]", "list"),
        ("{}", "format_version is None, this reads 1"),
        ('{"format_version": 1}', "'phases'"),
        ('{"format_version": 9}', "format_version is 9, this reads 1"),
    ],
)
def test_a_file_that_is_no_result_is_named_with_what_is_wrong(
    text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "odd.json").write_text(text)

    with pytest.raises(ValueError, match=r"odd\.json is not a run's result: .*") as refusal:
        read_run(tmp_path / "odd.json")

    assert message in str(refusal.value)


def test_markdown_tables_have_as_many_cells_in_every_row() -> None:
    for text in (run_markdown(RICH), comparison_markdown(compare([RICH, rich_run("b")]))):
        tables = [block for block in text.split("\n\n") if block.startswith("| ")]
        assert tables
        for table in tables:
            assert len({line.count(" |") for line in table.strip().splitlines()}) == 1
