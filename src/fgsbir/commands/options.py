"""What the commands' options may hold, and how their answers are laid out."""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from fgsbir.data.records import DataError
from fgsbir.ready import READY_MODEL

# What `make repro` trains: F, G and D_C.
TRAINED = Path("models/joint")
# More files left out would push the numbers off the terminal.
LISTED = 20


def number(kind: type[int] | type[float], low: float, high: float) -> Callable[[str], float]:
    """An option's type: a number of a ``kind`` from ``low`` to ``high``."""

    def parse(text: str) -> float:
        with suppress(ValueError):
            value = kind(text)
            if low <= value <= high:  # not true for NaN
                return value
        expected = "a whole number" if kind is int else "a number"
        raise argparse.ArgumentTypeError(f"expected {expected} from {low} to {high}, found {text!r:.40}")

    return parse


def add_model(parser: argparse.ArgumentParser, expected: str) -> None:
    """The option --model, ``expected`` in words."""
    text = f"folder of {expected} (default: the one that comes with the package)"
    parser.add_argument("--model", type=Path, default=READY_MODEL, help=text)


def require(path: Path, expected: str) -> None:
    """Raise DataError if there is nothing at ``path``: at once, before anything slow is loaded."""
    if not path.exists():
        raise DataError(f"{path}: expected {expected}, found nothing")


def left_out(reasons: Sequence[str], more: str) -> list[str]:
    """Lines that list the files left out, the first 20 with their reasons; ``more`` says where to find the others."""
    lines = [f"left out: {len(reasons):,}", *(f"  {reason}" for reason in reasons[:LISTED])] if reasons else []
    return lines + ([f"  and {len(reasons) - LISTED:,} more, {more}"] if len(reasons) > LISTED else [])


def not_read(others: Mapping[str, int]) -> list[str]:
    """A line that counts the files of other kinds, if there are any."""
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(others.items()))
    return [f"not read: {sum(others.values()):,}, by kind: {kinds}"] if others else []


def table(rows: Iterable[Sequence[str]]) -> str:
    """Rows of cells, the heading first, as aligned lines; numbers to the right. Cells are :func:`printable` here."""
    columns = []
    for column in zip(*rows, strict=True):
        cells = [printable(cell) for cell in column]
        width = max(map(len, cells))
        numbers = all(cell == "-" or cell.replace(".", "", 1).isdigit() for cell in cells[1:])
        columns.append([cell.rjust(width) if numbers else cell.ljust(width) for cell in cells])
    return "".join("  ".join(row).rstrip() + "\n" for row in zip(*columns, strict=True))


def printable(text: str) -> str:
    """``text`` with what a terminal would obey, or could not show, escaped: names of files may hold anything."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
