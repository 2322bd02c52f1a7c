"""Blocks of commands in README and docs, as they stand there."""

import re
from collections.abc import Mapping

from tests.pipeline.conftest import ROOT

# The tiny set has another trunk than the ready model.
NOT_READY = {" -S pretrain_retrieval.start=ready": ""}


def block(page: str, heading: str, number: int = 0, here: Mapping[str, str] | None = None) -> str:
    """The block ``number`` of a page's section, which ends where the next begins, a command a line.

    ``here`` replaces words of it.
    """
    parts = re.split(r"^(?:#+ ([^\n]*)|(```)\n(.*?)```)$", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    found: dict[str | None, list[str]] = {}
    section = None
    for title, fence, commands in zip(parts[1::4], parts[2::4], parts[3::4], strict=True):
        if fence:
            found.setdefault(section, []).append(commands)
        else:
            section = title
    commands = found[heading][number]
    for there, place in (here or {}).items():
        commands = commands.replace(there, place)
    return commands.replace("\\\n", "")
