"""The pages that tell the evidence: all is written by hand but what stands between two marks, which its files make."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fgsbir.data.records import DataError

README = Path("README.md")
RESULTS = Path("docs/results.md")
PICTURES = Path("docs/pictures")


def filled(path: Path, words: str, marks: tuple[str, str]) -> str:
    """The text of a page with ``words`` between two marks. Raises DataError where they are not there once each."""
    text = path.read_text()
    if any(text.count(mark) != 1 for mark in marks):
        raise DataError(f"{path}: expected the lines {marks[0]} and {marks[1]} once each")
    before, rest = text.split(marks[0])
    return f"{before}{marks[0]}\n{words}\n{marks[1]}{rest.split(marks[1])[1]}"


def claims_table(claims: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each claim, whether it holds, and the figure that says so."""
    lines = ["| claim | holds | measured |", "|---|---|---|"]
    return lines + [f"| {one['claim']} | {'yes' if one['holds'] else '**no**'} | {one['figure']} |" for one in claims]


def commands_block(commands: Iterable[tuple[str, str]]) -> list[str]:
    """What to type for each row, below what it makes, folded away."""
    told = [line for made, command in commands for line in (f"# {made}", command)]
    return [
        "<details><summary>Any row alone, under its first seed</summary>",
        "",
        "```",
        *told,
        "```",
        "",
        "</details>",
    ]
