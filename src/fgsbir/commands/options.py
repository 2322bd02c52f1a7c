"""What the commands' options may hold, and how their answers are laid out."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from fgsbir.data.records import DataError

# What `make repro` trains: F, G and D_C.
TRAINED = Path("models/joint")


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """An option's type: a whole number from ``low`` to ``high``."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {high}, found {text!r:.40}")
        return value

    return parse


def number(low: float, high: float) -> Callable[[str], float]:
    """An option's type: a number from ``low`` to ``high``."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:  # true for NaN as well
            raise argparse.ArgumentTypeError(f"expected a number from {low:g} to {high:g}, found {text!r:.40}")
        return value

    return parse


def require(path: Path, expected: str) -> None:
    """Raise DataError if there is nothing at ``path``: told at once, before what takes seconds is loaded."""
    if not path.exists():
        raise DataError(f"{path}: expected {expected}, found nothing")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, the heading first, as aligned lines; numbers to the right. Cells are :func:`printable` here."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [all(_is_number(cell) for cell in column[1:]) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, right, strict=True)
        )
        for row in cells
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def printable(text: str) -> str:
    """``text`` with what a terminal would obey, or could not show, escaped: names of files may hold anything."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _is_number(cell: str) -> bool:
    return cell == "-" or cell.replace(".", "", 1).isdigit()
