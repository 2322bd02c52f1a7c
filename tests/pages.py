"""The README and the page of results, and their sections and tables, for the tests that hold them to the project."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")


def section(title: str, page: str = README) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The rows of the tables in a text, without their heads."""
    lines = [re.split(r"(?<!\\)\|", line.strip())[1:-1] for line in text.splitlines() if line.startswith("|")]
    heads = {place - 1 for place, cells in enumerate(lines) if set("".join(cells)) <= set("-")}
    return [
        [cell.strip() for cell in cells]
        for place, cells in enumerate(lines)
        if place not in heads and place - 1 not in heads
    ]
