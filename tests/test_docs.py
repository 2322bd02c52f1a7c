"""README and docs: their links lead somewhere, their commands are commands, and they stay short."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.cli.parser import get_main_parser

from fgsbir.__main__ import COMMANDS, main

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)
MOST_WORDS = {"README.md": 1500, "decisions.md": 1500, "evidence.md": 9000}  # tables, written by make evidence
MAKEFILE = (ROOT / "Makefile").read_text()
FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower().strip()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text())
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def commands(page: Path) -> Iterator[list[str]]:
    """The commands in a page's blocks, and those of DVC in its text that have options, as words."""
    text = page.read_text()
    lines = "\n".join(FENCE.findall(text)).replace("\\\n", " ").splitlines()
    lines += re.findall(r"`(dvc [^`\n]* -[^`\n]*)`", FENCE.sub("", text))
    for line in lines:
        for part in re.split(r"&&|;", line):
            found = re.match(r" *(?:[A-Z_]+=\S+ |srun )*((?:fgsbir|dvc|make|python|torchrun) .*)", part)
            if found:
                yield shlex.split(found[1], comments=True)


ALL = sorted({shlex.join(words) for page in PAGES for words in commands(page)})


def test_there_are_commands() -> None:
    assert len(ALL) > 40


@pytest.mark.parametrize("command", ALL)
def test_a_command_of_the_docs_is_one(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *arguments = shlex.split(command)
    if program == "fgsbir":
        ran = list[Any]()
        for module in COMMANDS.values():
            monkeypatch.setattr(module, "run", ran.append)
        main(arguments)
        assert len(ran) == 1
    elif program == "dvc":
        options = get_main_parser().parse_args(arguments)
        for setting in getattr(options, "set_param", None) or []:
            known_key(setting.partition("=")[0])
    elif program == "make":
        targets = [word for word in arguments if "=" not in word and not word.startswith("-")]
        assert targets and all(re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) for target in targets)
    else:
        module = arguments[arguments.index("-m") + 1]
        assert importlib.util.find_spec(module.replace("$stage", "joint"))


def known_key(key: str) -> None:
    """Fails for a key that params.yaml does not have."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    for part in key.split("."):
        values = values[part]


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 200 and max(map(len, lines)) <= 140
    for page in PAGES:
        assert len(page.read_text().split()) <= MOST_WORDS.get(page.name, 2000), page.name
