"""What goes over the wire: the bodies of requests and answers, checked in full before anything works on them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fgsbir.web.limits import MAX_COORDINATE, MAX_CORRECTIONS, MAX_POINTS, MAX_RESULTS, MAX_STROKES

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
Token = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{22}$", description="of an adaptation, as POST /adapt gives it")]
Count = Annotated[int, Field(ge=1, le=MAX_RESULTS, description="how many photos to find")]


class _Asked(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Query(_Asked):
    """A drawing to search by."""

    strokes: Strokes
    k: Count = 24
    adapted: Token | None = None


class Correction(_Asked):
    """A drawing, and the photo that was meant by it."""

    strokes: Strokes
    photo: PhotoId


class Corrections(_Asked):
    """Drawings, each with the photo that was meant."""

    corrections: Annotated[list[Correction], Field(min_length=1, max_length=MAX_CORRECTIONS)]


class FoundPhoto(BaseModel):
    """A photo, its rank from 1, and its distance from the query, 0 to 2."""

    id: PhotoId
    name: Annotated[str, Field(description="its file name")]
    rank: Annotated[int, Field(ge=1)]
    distance: Annotated[float, Field(ge=0)]


class Found(BaseModel):
    """What was found, nearest first, and the time that it took."""

    photos: list[FoundPhoto]
    milliseconds: float


class Drawing(BaseModel):
    """A drawing on the 256 x 256 canvas."""

    strokes: list[list[list[float]]]


class Sketched(Drawing):
    """G's sketch of a photo.

    ``certainty`` is D_C's, 0 to 1, that photo and sketch are a real pair; null without D_C. ``ended``: G ended the
    drawing by itself.
    """

    svg: str
    certainty: float | None
    ended: bool


class Adapted(BaseModel):
    """An adaptation, for ``adapted`` of a search. The server remembers a few, until it ends."""

    token: Token


class Features(BaseModel):
    """What this server can do: ``sketch`` photos, ``adapt`` to a hand."""

    sketch: bool
    adapt: bool


class Health(BaseModel):
    """That the server is up, how many photos it searches, and what it can do."""

    status: Literal["ok"] = "ok"
    photos: int
    features: Features
    upload_bytes: Annotated[int, Field(description="the largest drawing that POST /sketches takes")]


class Message(BaseModel):
    """Why a request was refused."""

    message: str
