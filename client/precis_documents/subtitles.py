"""Subtitles (SubRip, WebVTT): who says what, without the times."""

import html
import re

from precis_documents._decode import decode
from precis_documents._types import Converted, Refused

_CLOCK = r"(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_TIMES = re.compile(rf"^\s*{_CLOCK}\s+-->\s+{_CLOCK}")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_MARKUP = re.compile(r"</?[a-zA-Z][^>]*>|<\d[\d:.]*>|\{\\[^}]*\}")
_SPEAKER = re.compile(r"^(?:>>\s*)?([A-Z\u00c0-\u00de][\w.'\u2019 -]{0,30}?)\s*[:：]\s+(?=\S)")
_NEW_TURN = re.compile(r"^(?:-\s*|>>\s*)(?=\S)")
_PAUSE_S = 4.0


def convert(content: bytes, encoding: str | None = None) -> Converted:
    """Joins the lines of each turn; a turn ends with another speaker or a pause."""
    turns: list[tuple[str, list[str]]] = []
    said_last = ""
    ended_s = 0.0
    for start_s, end_s, lines in _cues(decode(content, encoding)):
        is_after_pause = start_s - ended_s >= _PAUSE_S
        ended_s = end_s
        for line in lines:
            speaker, begins, text = _read_line(line)
            if not text or text == said_last:  # rolling captions show each line twice
                continue
            said_last = text
            same = bool(turns) and speaker in ("", turns[-1][0])
            if same and not begins and not is_after_pause:
                turns[-1][1].append(text)
            else:
                carried = turns[-1][0] if turns and not speaker and not begins else speaker
                turns.append((carried, [text]))
            is_after_pause = False
    if not turns:
        raise Refused("has no subtitles with times")
    paragraphs = [f"{who}: {' '.join(said)}" if who else " ".join(said) for who, said in turns]
    return Converted("\n\n".join(paragraphs))


def _cues(text: str) -> list[tuple[float, float, list[str]]]:
    """The start, the end and the lines of each cue; what has no times is no cue."""
    cues: list[tuple[float, float, list[str]]] = []
    is_open = False
    for line in text.splitlines():
        if times := _TIMES.match(line):
            if is_open and cues[-1][2] and cues[-1][2][-1].strip().isdigit():
                cues[-1][2].pop()  # this cue's number, where no blank line is before it
            clocks = times.groups()
            cues.append((_seconds(*clocks[:4]), _seconds(*clocks[4:]), []))
            is_open = True
        elif not line.strip():
            is_open = False
        elif is_open:
            cues[-1][2].append(line)
    return cues


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _read_line(line: str) -> tuple[str, bool, str]:
    """The speaker, if one is named, whether a turn begins, and the words."""
    voice = _VOICE.search(line)
    text = " ".join(html.unescape(_MARKUP.sub("", line)).split())
    if voice:
        return " ".join(voice[1].split()), False, text
    if named := _SPEAKER.match(text):
        return named[1], True, text[named.end() :]
    begins = _NEW_TURN.match(text)
    return "", bool(begins), text[begins.end() :] if begins else text
