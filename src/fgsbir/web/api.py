"""The HTTP API: what can be asked, as OpenAPI describes it."""

import os
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.exceptions import HTTPException

from fgsbir.web import messages
from fgsbir.web.limits import Limits
from fgsbir.web.messages import Adapted, Corrections, Drawing, Features, Found, Health, Message, Sketched
from fgsbir.web.pictures import MEDIA_TYPES, media_type
from fgsbir.web.service import Service
from fgsbir.web.workers import Workers

DRAWING_TYPES = ("image/svg+xml", *sorted(set(MEDIA_TYPES.values())))

# An id is of a photo's content, so what it names never changes.
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}

_MEANINGS = {
    400: "The request is malformed.",
    403: "The request comes from another site.",
    404: "There is no such photo or adaptation, or this server cannot do this.",
    408: "The body did not arrive in time.",
    410: "The photo has moved or changed since it was indexed.",
    413: "The body is too large.",
    415: "The body is of another type.",
    421: "The request names another host.",
    422: "The body or a parameter is not as described, or cannot be used.",
    429: "There were too many requests; Retry-After says how many seconds to wait.",
}


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    always = (400, 403, 408, 413, 421, 422, 429)
    return {status: {"model": Message, "description": _MEANINGS[status]} for status in sorted({*always, *statuses})}


def _images(*types: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {type: {} for type in types}, "description": "The picture."}}


PhotoId = Annotated[messages.PhotoId, Path()]
Count = Annotated[messages.Count, Query()]
Token = Annotated[messages.Token | None, Query()]


def api(service: Service, limits: Limits) -> APIRouter:
    """The routes that answer by ``service``."""
    router, cores = APIRouter(), len(os.sched_getaffinity(0))
    # A search is never behind a page of thumbnails, nor either behind a scan.
    searching, looking, long = (Workers(threads, limits.waiting) for threads in (cores, cores, 1))

    @router.post("/search", responses=_refusals(404))
    async def search(query: messages.Query) -> Found:
        """Find the photos nearest to a drawing."""
        return await searching.run(service.search, query.strokes, query.k, query.adapted)

    @router.post(
        "/sketches",
        responses=_refusals(415),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {type: {"schema": {"type": "string", "format": "binary"}} for type in DRAWING_TYPES},
            }
        },
    )
    async def read_drawing(request: Request) -> Drawing:
        """Read the strokes of an SVG drawing, or trace those of a scan or a photo of a drawing."""
        type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if type not in DRAWING_TYPES:
            raise HTTPException(415, f"expected a drawing as {', '.join(DRAWING_TYPES)}")
        return await long.run(service.read, await request.body())

    @router.get("/photos/{id}", response_class=Response, responses=_refusals(404, 410) | _images(*DRAWING_TYPES[1:]))
    async def photo(id: PhotoId) -> Response:
        """A photo, as its file is."""
        data = await looking.run(service.pictures.original, id)
        return Response(data, media_type=media_type(data), headers=FOR_EVER)

    @router.get(
        "/photos/{id}/thumbnail", response_class=Response, responses=_refusals(404, 410) | _images("image/jpeg")
    )
    async def thumbnail(id: PhotoId) -> Response:
        """A photo, small."""
        return Response(await looking.run(service.pictures.thumbnail, id), media_type="image/jpeg", headers=FOR_EVER)

    @router.get("/photos/{id}/similar", responses=_refusals(404))
    async def similar(id: PhotoId, k: Count = 24, adapted: Token = None) -> Found:
        """Find the photos nearest to another."""
        return await searching.run(service.similar, id, k, adapted)

    @router.get("/photos/{id}/sketch", responses=_refusals(404, 410))
    async def sketch(id: PhotoId) -> Sketched:
        """Let the generator G sketch a photo."""
        return await long.run(service.sketch, id)

    @router.post("/adapt", responses=_refusals(404))
    async def adapt(asked: Corrections) -> Adapted:
        """Adapt the search to a hand, from drawings of known photos."""
        return await long.run(service.adapt, asked.corrections)

    @router.get("/health", responses=_refusals())
    async def health() -> Health:
        """Whether the server is up, and what it can do."""
        return Health(
            photos=service.photos,
            features=Features(sketch=service.draws, adapt=service.adapts),
            upload_bytes=limits.upload_bytes,
        )

    return router
