"""The blocks of a document: headings, paragraphs, list items, quotes, turns, code, tables.

Plain text, Markdown, e-mail and transcripts are read alike, line by line, in time that grows with
the length of the text. Nothing is refused: what looks like nothing special is a paragraph.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import NamedTuple

from server.text import lines
from server.text.tags import as_markdown


class BlockKind(Enum):
    """What a block is to a reader."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list item"
    QUOTE = "quote"
    TURN = "turn of a speaker"
    CODE = "code"
    TABLE_ROW = "row of a table"

    @property
    def has_sentences(self) -> bool:
        """Whether it holds sentences, rather than code or cells."""
        return self not in (BlockKind.CODE, BlockKind.TABLE_ROW)


class Block(NamedTuple):
    """One block: document[start:end], without the mark in front of it."""

    kind: BlockKind
    start: int
    end: int


@dataclass(frozen=True)
class Blocks:
    """The blocks of a document in order, and what stands between them.

    `text` is the document with every mark (`# `, `- `, `> `, a rule, a tag, the head of a letter)
    blanked out: as long as the document, so that offsets are the same in both. `marks` says where
    they stood.
    """

    blocks: list[Block]
    text: str
    marks: list[tuple[int, int]]


class _Line(NamedTuple):
    """A line without the white space around it, and how far it is indented."""

    start: int
    end: int
    indent: int


def find_blocks(document: str) -> Blocks:
    """Divides a document into blocks; every character but white space is in a block or a mark."""
    text, tags = as_markdown(document)
    scan = _Scan(text, _lines(text))
    scan.run()
    marks = _merged([*tags, *scan.marks])
    blocks = _with_few_headings(scan.blocks, scan.guessed)
    return Blocks([_with_whole_tags(block, tags) for block in blocks], _blanked(text, marks), marks)


class _Scan:
    """One pass over the lines; `_open` is the block that the next line may continue."""

    def __init__(self, text: str, found: list[_Line]) -> None:
        self._text = text
        self._lines = found
        self.blocks: list[Block] = []
        self.marks: list[tuple[int, int]] = []
        # Headings that only look like ones, by their place among the blocks.
        self.guessed: set[int] = set()
        self._open: BlockKind | None = None
        self._open_start = self._open_end = 0
        self._open_lines = 0
        self._last = ""
        # Up to where the lines without a blank one between them have been looked at together.
        self._looked_at = -1
        # For each sign, the length of a fence of it that no later line closes.
        self._unclosed: dict[str, int] = {}

    def run(self) -> None:
        place = 0
        while place < len(self._lines):
            place = self._take(place)
        self._close()

    def _take(self, place: int) -> int:
        """Reads the line at `place`, and those that go with it; returns the next one's place."""
        line = self._lines[place]
        if line.start == line.end:
            self._close()
            return place + 1
        content = self._text[line.start : line.end]
        if (signs := lines.fence(content)) and (end := self._closing(signs, place)) is not None:
            return self._emit_lines(BlockKind.CODE, place, end + 1)
        if place > self._looked_at:
            self._looked_at = self._end_of_run(place) - 1
            if self._is_code(place, self._looked_at + 1):
                return self._emit_lines(BlockKind.CODE, place, self._looked_at + 1)
            if self._is_mail_head(place):
                return self._skip_mail_head(place)
        self._classify(line, content)
        return place + 1

    def _classify(self, line: _Line, content: str) -> None:
        if content[0] == ">":
            self._quote(line, content)
        elif (mark := lines.heading_mark(content)) > 0:
            self._mark(line.start, line.start + mark)
            self._heading(line.start + mark, line.end)
        elif (mark := lines.wiki_heading_mark(content)) > 0:
            self._mark(line.start, line.start + mark)
            self._mark(line.end - mark, line.end)
            self._heading(line.start + mark, line.end - mark)
        elif self._open_lines == 1 and lines.is_underline(content) and not self._is_finished():
            self._mark(line.start, line.end)
            self._heading(self._open_start, self._open_end)
        elif lines.is_rule(content) or lines.is_link_target(content):
            self._close()
            self._mark(line.start, line.end)
        elif lines.is_row(content):
            self._close()
            self.blocks.append(Block(BlockKind.TABLE_ROW, line.start, line.end))
        elif (mark := lines.item_mark(content)) > 0 and self._may_list(content):
            self._close()
            self._mark(line.start, line.start + mark)
            self._start(BlockKind.LIST_ITEM, line.start + mark, line.end)
        elif lines.is_turn(content) and (self._open is None or self._is_finished()):
            self._close()
            self._start(BlockKind.TURN, line.start, line.end)
        else:
            self._text_line(line, content)

    def _text_line(self, line: _Line, content: str) -> None:
        if self._open is None:
            self._start(BlockKind.PARAGRAPH, line.start, line.end)
        elif self._goes_on(line, content):
            self._extend(line.end)
        else:
            self._close(following=content)
            self._start(BlockKind.PARAGRAPH, line.start, line.end)

    def _goes_on(self, line: _Line, content: str) -> bool:
        """Whether the open block goes on with a line of text."""
        if self._open is BlockKind.LIST_ITEM and line.indent >= 2:
            return True
        if self._open is BlockKind.QUOTE:
            return False
        if self._is_finished():
            return lines.is_wrapped(self._last, content)
        return lines.is_continued(self._last, content)

    def _quote(self, line: _Line, content: str) -> None:
        inner = line.start
        while inner < line.end and (self._text[inner] == ">" or self._text[inner].isspace()):
            inner += 1
        self._mark(line.start, inner)
        if inner == line.end:
            self._close()
        elif self._open is BlockKind.QUOTE:
            self._extend(line.end)
            self._last = self._text[inner : line.end]
        else:
            self._close()
            self._start(BlockKind.QUOTE, inner, line.end)

    def _may_list(self, content: str) -> bool:
        return (
            self._open in (None, BlockKind.LIST_ITEM)
            or self._is_finished()
            or lines.begins_a_list(content)
        )

    def _is_finished(self) -> bool:
        return lines.is_finished(self._last)

    def _start(self, kind: BlockKind, start: int, end: int) -> None:
        while start < end and self._text[start].isspace():
            start += 1
        if start == end:
            return
        self._open, self._open_start, self._open_end = kind, start, end
        self._open_lines, self._last = 1, self._text[start:end]

    def _extend(self, end: int) -> None:
        self._last = self._text[self._open_end : end].strip()
        self._open_end = end
        self._open_lines += 1

    def _close(self, following: str = "") -> None:
        """Ends the open block; `following` is the line of text that comes right after it."""
        if self._open is None:
            return
        kind = self._open
        is_alone = self._open_lines == 1 and kind is BlockKind.PARAGRAPH
        if is_alone and lines.may_be_heading(self._last):
            # Of lines right below each other only one much shorter than the next is a heading.
            if not following or len(following) >= 2 * len(self._last):
                kind = BlockKind.HEADING
                self.guessed.add(len(self.blocks))
        self.blocks.append(Block(kind, self._open_start, self._open_end))
        self._open, self._open_lines, self._last = None, 0, ""

    def _heading(self, start: int, end: int) -> None:
        if start != self._open_start or self._open is None:
            self._close()
        self._open, self._open_lines, self._last = None, 0, ""
        while start < end and self._text[start].isspace():
            start += 1
        # Closing signs, as in "## Title ##".
        last = end
        while last > start and self._text[last - 1] == "#":
            last -= 1
        if last < end and (last == start or self._text[last - 1].isspace()):
            self._mark(last, end)
            end = last
        while end > start and self._text[end - 1].isspace():
            end -= 1
        if start < end:
            self.blocks.append(Block(BlockKind.HEADING, start, end))

    def _mark(self, start: int, end: int) -> None:
        self.marks.append((start, end))

    def _emit_lines(self, kind: BlockKind, first: int, stop: int) -> int:
        self._close()
        self.blocks.append(Block(kind, self._lines[first].start, self._lines[stop - 1].end))
        return stop

    def _end_of_run(self, place: int) -> int:
        while place < len(self._lines) and self._lines[place].start < self._lines[place].end:
            place += 1
        return place

    def _is_code(self, first: int, stop: int) -> bool:
        """Whether most of these lines look like a program's; a lone one must be indented too."""
        if stop - first == 1 and self._lines[first].indent < 4:
            return False
        like = sum(
            1
            for line in self._lines[first:stop]
            if lines.is_code(self._text[line.start : line.end])
        )
        return 2 * like > stop - first

    def _is_mail_head(self, place: int) -> bool:
        return place + 1 < len(self._lines) and all(
            lines.is_mail_header(self._text[line.start : line.end])
            for line in self._lines[place : place + 2]
        )

    def _skip_mail_head(self, place: int) -> int:
        self._close()
        while place < len(self._lines):
            line = self._lines[place]
            content = self._text[line.start : line.end]
            if not lines.is_mail_header(content):
                break
            if (mark := lines.subject_mark(content)) > 0:
                self._mark(line.start, line.start + mark)
                self._heading(line.start + mark, line.end)
            else:
                self._mark(line.start, line.end)
            place += 1
        return place

    def _closing(self, signs: str, place: int) -> int | None:
        """The line that closes the fence at `place`; an unclosed one is a line like any other."""
        if self._unclosed.get(signs[0], len(signs) + 1) <= len(signs):
            return None
        for at in range(place + 1, len(self._lines)):
            line = self._lines[at]
            if self._text.startswith(signs, line.start) and not self._text[
                line.start : line.end
            ].strip(signs[0]):
                return at
        self._unclosed[signs[0]] = len(signs)
        return None


def _lines(text: str) -> list[_Line]:
    found = []
    place = 0
    for line in text.splitlines(keepends=True):
        bare = line.lstrip()
        indent = len(line) - len(bare)
        bare = bare.rstrip()
        start = place + indent if bare else place
        tabs = line.count("\t", 0, indent)
        found.append(_Line(start, start + len(bare), indent + 3 * tabs))
        place += len(line)
    return found


def _with_few_headings(blocks: list[Block], guessed: set[int]) -> list[Block]:
    """Takes back guessed headings that head nothing: the last block, and three or more in a row.

    A poem or a list of names is no run of headings.
    """
    result = []
    numbered: Iterator[tuple[int, Block]] = iter(enumerate(blocks))
    for is_guessed, run in groupby(numbered, lambda item: item[0] in guessed):
        members = list(run)
        heads_nothing = len(members) > 2 or members[-1][0] == len(blocks) - 1
        for _, block in members:
            if is_guessed and heads_nothing:
                block = block._replace(kind=BlockKind.PARAGRAPH)
            result.append(block)
    return result


def _with_whole_tags(block: Block, tags: list[tuple[int, int]]) -> Block:
    """Code and rows that begin or end inside what was a tag take the whole tag in."""
    if block.kind.has_sentences or not tags:
        return block
    first, last = bisect_right(tags, (block.start, block.end)), bisect_left(tags, (block.end, 0))
    start = tags[first - 1][0] if first and tags[first - 1][1] > block.start else block.start
    end = max(block.end, tags[last - 1][1]) if last else block.end
    return block._replace(start=start, end=end)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end in spans:
        pieces += [text[done:start], " " * (end - start)]
        done = end
    pieces.append(text[done:])
    return "".join(pieces)
