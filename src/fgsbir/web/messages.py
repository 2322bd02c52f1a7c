"""What goes over the wire: the bodies of requests and answers, checked in full before anything works on them."""

import hashlib
import json
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from fgsbir.data.records import DataError
from fgsbir.data.stroke_files import parse_strokes
from fgsbir.search.adaptation import Grade
from fgsbir.web.limits import (
    MAX_BEFORE,
    MAX_COORDINATE,
    MAX_CORRECTIONS,
    MAX_POINTS,
    MAX_RESULTS,
    MAX_SKIPPED,
    MAX_STROKES,
)

Coordinate = Annotated[float, Field(ge=-MAX_COORDINATE, le=MAX_COORDINATE, allow_inf_nan=False)]
Point = Annotated[list[Coordinate], Field(min_length=2, max_length=2, description="x and y, y down")]
Stroke = Annotated[list[Point], Field(min_length=1, max_length=MAX_POINTS)]
Strokes = Annotated[
    list[Stroke],
    Field(
        min_length=1,
        max_length=MAX_STROKES,
        description=f"A drawing: at least 2 points, at most {MAX_POINTS}. Where it lies and its size do not count.",
        examples=[[[[60, 40], [60, 200]], [[60, 120], [180, 120], [180, 200]]]],
    ),
]
PhotoId = Annotated[str, Field(pattern="^[0-9a-f]{16}$", description="as a search gives it")]
CorrectionId = Annotated[str, Field(pattern="^[0-9a-f]{16}$", description="as GET /corrections gives it")]
UploadId = Annotated[str, Field(pattern="^[0-9a-f]{16}$", description="as POST /uploads gives it")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Box = Annotated[
    tuple[Share, Share, Share, Share],
    Field(strict=False, description="left, top, right and bottom of a part of a picture, as shares of its sides"),
]
Count = Annotated[int, Field(ge=1, le=MAX_RESULTS, description="how many photos to find")]
Skip = Annotated[int, Field(ge=0, le=MAX_SKIPPED, description="how many nearer ones are known already")]


def canonical(strokes: list[list[list[float]]]) -> np.ndarray:
    """Strokes [[[x, y], …], …] as one array (n, 3). Raises DataError for too many points, or for only one."""
    found = sum(map(len, strokes))
    if found > MAX_POINTS:
        raise DataError(f"strokes: expected at most {MAX_POINTS:,} points, found {found:,}")
    return parse_strokes(strokes, "strokes")


class _Asked(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Part(_Asked):
    """A part of a picture."""

    box: Box = (0, 0, 1, 1)


class Picture(Part):
    """A part of an uploaded picture."""

    id: UploadId


class Query(_Asked):
    """What to search by: a drawing, a photo of the index or an uploaded picture, or a drawing and either of these.

    With nothing to search by, all photos are found, by path.
    """

    strokes: Strokes | None = None
    photo: PhotoId | None = None
    picture: Picture | None = None
    weight: Annotated[Share, Field(description="of the photo or picture beside a drawing")] = 0.5
    folder: Annotated[str | None, Field(max_length=4096, description="as GET /folders gives it")] = None
    k: Count = 24
    skip: Skip = 0
    adapted: Annotated[bool, Field(description="search as the corrections have taught")] = False


class Shown(_Asked):
    """Photos that a search has found, nearest first, and those that it had found ``before`` them."""

    photos: Annotated[list[PhotoId], Field(max_length=MAX_RESULTS)]
    before: Annotated[list[PhotoId], Field(max_length=MAX_BEFORE)] = []


class Correction(_Asked):
    """A drawing, and the photo that was meant by it."""

    strokes: Strokes
    photo: PhotoId

    @property
    def id(self) -> str:
        """A name of it: the beginning of a hash of all that is in it."""
        return hashlib.sha256(json.dumps([self.strokes, self.photo]).encode()).hexdigest()[:16]


class Displaced(Correction):
    """A correction that a newer one has displaced, and the ``place`` that it had: undo brings it back."""

    by: Grade
    place: Annotated[int, Field(ge=0, lt=MAX_CORRECTIONS)]


class Kept(Correction):
    """A correction, what the search has learned ``by`` it, and what it displaced: :mod:`fgsbir.web.corrections`."""

    by: Grade
    displaced: Displaced | None = None


class KeptCorrections(_Asked):
    """All corrections of an index, oldest first, as they are kept in a file."""

    format: Literal[1] = 1
    corrections: Annotated[list[Kept], Field(max_length=MAX_CORRECTIONS)]


class Photo(BaseModel):
    """A photo: the name of its file, its folder below that of all photos, and the paths of all identical copies."""

    id: PhotoId
    name: str
    folder: str
    paths: list[str]


class FoundPhoto(Photo):
    """A photo, its rank from 1, and its distance from the query, 0 to 2; null where nothing was searched by."""

    rank: Annotated[int, Field(ge=1)]
    distance: Annotated[float, Field(ge=0)] | None


class Found(BaseModel):
    """What was found, nearest first, of ``total`` photos, and the time that it took.

    ``unlike``: the nearest is no nearer than chance. ``version`` changes when the photos are indexed again, and
    ``corrections``, the version of the corrections, when these change; null where there can be none.
    """

    photos: list[FoundPhoto]
    total: int
    unlike: bool
    version: str
    corrections: str | None
    milliseconds: float


class Folder(BaseModel):
    """A folder, by its path below that of all photos, and how many photos lie in it and below it."""

    path: str
    photos: int


class Drawing(BaseModel):
    """A drawing on the 256 x 256 canvas."""

    strokes: list[list[list[float]]]


class Uploaded(Drawing):
    """What an upload is: the strokes of a drawing, or none if it is a photo.

    ``id`` is of a picture, null for other files; ``box`` the part of it that is the drawing, where notes lie beside it;
    ``left_out`` what of the file is not in the strokes.
    """

    id: UploadId | None
    box: Box
    left_out: list[str]


class Sketched(Drawing):
    """G's sketch of a photo.

    ``certainty`` is D_C's, 0 to 1, that photo and sketch are a real pair; null without D_C. ``ended``: G ended the
    drawing by itself.
    """

    svg: str
    certainty: float | None
    ended: bool


class Learned(BaseModel):
    """A correction: its drawing, the photo that was meant by it, and whether the search has ``learned`` from it."""

    id: CorrectionId
    strokes: list[list[list[float]]]
    photo: Photo
    learned: bool


class Corrections(BaseModel):
    """The corrections, oldest first. ``by`` is how the search has learned from them.

    "none": there is nothing to learn from, or what was learned found a corrected drawing's photo later than before.
    "statistics": how drawings of these things look on average. "head": also what their lines mean.
    ``kept`` is false where the index's folder cannot be written to: the server remembers them until it ends.
    """

    corrections: list[Learned]
    by: Literal["none", "statistics", "head"]
    kept: bool
    version: str


class Features(BaseModel):
    """What this server can do: ``sketch`` photos, ``adapt`` to a hand."""

    sketch: bool
    adapt: bool


class Health(BaseModel):
    """That the server is up, how many photos it searches, and what it can do."""

    status: Literal["ok"] = "ok"
    photos: int
    version: Annotated[str, Field(description="another once the photos are indexed again")]
    features: Features
    upload_bytes: Annotated[int, Field(description="the largest file that POST /uploads takes")]


class Message(BaseModel):
    """Why a request was refused."""

    message: str
