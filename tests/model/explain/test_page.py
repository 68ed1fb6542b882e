"""The page: whatever a document holds is text, and nothing comes from elsewhere."""

import base64
import hashlib
import json
from html.parser import HTMLParser

import pytest

from model.explain.explanation import Explanation
from model.explain.page import SHADED, page
from tests.model.explain.explanations import make_explanation

WICKED = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<img",
    'src="https://example.org/x"',
    "onerror=alert(3)>",
    "&lt;",
    "{weights}",
    "'\"`",
]


class Parsed(HTMLParser):
    """The tags of a page, the text of its scripts, and all that a reader sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.seen = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.seen += data


def make_page(explanation: Explanation, title: str = "A title") -> str:
    return page(
        explanation,
        b"\x89PNG",
        title=title,
        model="Checkpoint tiny",
        view=next(iter(explanation.views)),
        pictured="all",
    )


def test_a_document_that_holds_a_script_is_inert() -> None:
    text = make_page(make_explanation(WICKED, WICKED), title="<script>alert(4)</script>")
    parsed = Parsed(text)
    assert [attributes for tag, attributes in parsed.tags if tag == "script"] == [
        {"type": "application/json", "id": "weights"},
        {},
    ]
    assert not any("alert" in script for script in parsed.scripts)
    assert sum(tag == "img" for tag, _ in parsed.tags) == 1
    assert not any(name.startswith("on") for _, attributes in parsed.tags for name in attributes)
    for word in WICKED:
        assert parsed.seen.count(word) >= 2  # in the summary and in the document


def test_the_policy_admits_the_page_s_own_script_and_nothing_from_elsewhere() -> None:
    parsed = Parsed(make_page(make_explanation(["a", "b"], ["c"])))
    (policy,) = (a["content"] for _, a in parsed.tags if "http-equiv" in a)
    digest = base64.b64encode(hashlib.sha256(parsed.scripts[-1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    links = [a[name] for _, a in parsed.tags for name in ("src", "href") if name in a]
    assert len(links) == 1
    assert links[0].startswith("data:image/png;base64,")


def test_the_heaviest_words_are_listed_with_their_weights() -> None:
    explanation = make_explanation([f"w{n}" for n in range(100)], ["x", "y"])
    data = json.loads(Parsed(make_page(explanation)).scripts[0])
    for view, weights in zip(data["views"], explanation.views.values(), strict=True):
        for row, expected in zip(view["rows"], weights, strict=True):
            assert len(row) <= SHADED
            assert row[0][0] == int(expected.argmax())
            assert row == sorted(row, key=lambda pair: -pair[1])
            assert all(w == pytest.approx(float(expected[p]), abs=1e-4) for p, w in row)
    assert data["gate"] == pytest.approx(explanation.gate.tolist(), abs=1e-3)


def test_a_long_document_and_many_layers_make_no_large_page() -> None:
    explanation = make_explanation(["word"] * 1022, ["word"] * 128, layers=12)
    assert len(make_page(explanation).encode()) < 700_000


def test_without_a_copy_head_nothing_is_said_of_copying() -> None:
    text = make_page(make_explanation(["a", "b"], ["c"], copies=False))
    parsed = Parsed(text)
    assert "copied" not in parsed.seen
    assert json.loads(parsed.scripts[0])["gate"] is None
    assert sum(tag == "option" for tag, _ in parsed.tags) == 2


def test_words_can_be_reached_and_are_told_without_a_mouse() -> None:
    parsed = Parsed(make_page(make_explanation(["a", "b"], ["c", "d"])))
    buttons = [attributes for tag, attributes in parsed.tags if tag == "button"]
    assert [button["aria-pressed"] for button in buttons] == ["false", "false"]
    assert all(button["title"].startswith("copied: ") for button in buttons)
    assert any(attributes.get("aria-live") == "polite" for _, attributes in parsed.tags)
    assert any(tag == "img" and attributes["alt"] for tag, attributes in parsed.tags)
