"""Drawings as SVG in the manner of the programs that people draw with; the text is in ``svg_corpus.txt``.

Each begins with a line ``## strokes width name``: how many strokes are read of it, and how far they may lie from what a
browser shows, in canvas pixels. Where it is no document of its own, it lies in one of 256 x 256.
"""

from pathlib import Path
from typing import NamedTuple

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_SHORT = {
    "{xmlns}": 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"',
    "{ink}": 'fill="none" stroke="black" stroke-width="3" stroke-linejoin="round"',
    "{chair}": '<path d="M60 40V200H180V120H60" fill="none" stroke="black" stroke-width="3"/>',
    "{pixel}": f"data:image/png;base64,{PIXEL}",
}


class Case(NamedTuple):
    """A drawing, the number of its strokes, and the widest of its lines in canvas pixels."""

    svg: str
    strokes: int
    width: float


def _read() -> dict[str, Case]:
    cases = {}
    for entry in Path(__file__).with_suffix(".txt").read_text().split("## ")[1:]:
        head, svg = entry.split("\n", 1)
        strokes, width, name = head.split(" ", 2)
        if not svg.startswith("<?xml") and "xmlns" not in svg.partition(">")[0]:
            svg = f'<svg {{xmlns}} viewBox="0 0 256 256">{svg}</svg>'
        for short, text in _SHORT.items():
            svg = svg.replace(short, text)
        cases[name] = Case(svg.strip(), int(strokes), float(width))
    return cases


CORPUS = _read()
