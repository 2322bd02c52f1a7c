"""The canonical records that every reader produces, whatever the layout on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # numpy takes as long to load as a command to explain itself
    import numpy as np

Split = Literal["train", "val", "test", "unlabelled"]
SPLITS: tuple[Split, ...] = ("train", "val", "test", "unlabelled")
HELD_OUT: tuple[Split, ...] = ("val", "test")


class DataError(ValueError):
    """Input data that cannot be used; the message names the file or row and what was expected."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo on disk; ``unseen`` ones are of a category that no training stage of paper 1 may read."""

    id: str
    category: str
    split: Split
    path: Path
    unseen: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """One drawing of one photo, ``strokes`` canonical float32 (n, 3); ``user`` None where the set does not say.

    ``unseen`` marks a sketch by a user, or of a category, held out for adaptation.
    """

    id: str
    photo_id: str
    user: str | None
    strokes: np.ndarray
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """One file or row that was left out, and why: text that any file can hold."""

    path: str
    reason: str

    @classmethod
    def of(cls, path: object, reason: object) -> Skipped:
        """Of a path, and of an error that may begin with it."""
        return cls(as_text(path), as_text(reason).removeprefix(f"{as_text(path)}: "))


def as_text(value: object) -> str:
    """A path, or a message with one, as text that any file can hold: names need not be UTF-8."""
    return str(value).encode("utf-8", "backslashreplace").decode()


@dataclass(slots=True)
class Source:
    """What a reader found: the records, and what it skipped.

    ``known_counts`` holds published numbers (as ``{"train_photos": 300}``), ``found_counts`` what the layout's files
    gave under the same names, before anything was held out or left out.
    """

    photos: list[Photo] = field(default_factory=list)
    sketches: list[Sketch] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    known_counts: dict[str, int] = field(default_factory=dict)
    found_counts: dict[str, int] = field(default_factory=dict)
