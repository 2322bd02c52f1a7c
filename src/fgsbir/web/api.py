"""The HTTP API: what can be asked, as OpenAPI describes it."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

import torch
from fastapi import APIRouter, Path, Query, Request, Response
from starlette.exceptions import HTTPException

from fgsbir.data.photos import image_extension
from fgsbir.web import messages
from fgsbir.web.limits import Limits
from fgsbir.web.messages import Adapted, Corrections, Drawing, Found, Health, Message, Sketched
from fgsbir.web.service import Service

Result = TypeVar("Result")

PHOTO_TYPES = ("image/bmp", "image/gif", "image/jpeg", "image/png", "image/webp")
DRAWING_TYPES = ("image/svg+xml", *PHOTO_TYPES)
# An id is of a photo's content, so what it names never changes.
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}

PhotoId = Annotated[messages.PhotoId, Path()]
Count = Annotated[messages.Count, Query()]
Token = Annotated[messages.Token | None, Query()]


class _Workers:
    """A few threads for what would keep others from their answers, and ``waiting`` calls behind those at work."""

    def __init__(self, threads: int, waiting: int) -> None:
        # One sketch is too small to share: with several threads for each, those of several requests wait for each
        # other, and one answer takes many times as long.
        self._pool = ThreadPoolExecutor(threads, initializer=partial(torch.set_num_threads, 1))
        self._calls, self._most = 0, threads + waiting

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """What ``function`` gives for ``arguments``. Raises HTTPException 429 where too many wait already."""
        if self._calls >= self._most:
            raise HTTPException(429, "the server has too much to do; try again", {"Retry-After": "1"})
        self._calls += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)
        finally:
            self._calls -= 1


def api(service: Service, limits: Limits) -> APIRouter:
    """The routes that answer by ``service``."""
    router, cores = APIRouter(), len(os.sched_getaffinity(0))
    # A search is never behind a page of thumbnails, nor either behind a scan.
    searching, looking, reading, drawing = (_Workers(threads, limits.waiting) for threads in (cores, cores, 1, 1))

    @router.post("/search", responses=_refusals(404))
    async def search(query: messages.Query) -> Found:
        """Find the photos nearest to a drawing."""
        return await searching.run(service.search, query.strokes, query.k, query.adapted)

    file = {"schema": {"type": "string", "format": "binary"}}
    body = {"requestBody": {"required": True, "content": dict.fromkeys(DRAWING_TYPES, file)}}

    @router.post("/sketches", responses=_refusals(415), openapi_extra=body)
    async def read_drawing(request: Request) -> Drawing:
        """Read the strokes of an SVG drawing, or trace those of a scan or a photo of a drawing."""
        type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if type not in DRAWING_TYPES:
            raise HTTPException(415, f"expected a drawing as {', '.join(DRAWING_TYPES)}")
        return await reading.run(service.read, await request.body())

    @router.get("/photos/{id}", response_class=Response, responses=_picture(*PHOTO_TYPES))
    async def photo(id: PhotoId) -> Response:
        """A photo, as its file is."""
        data = await looking.run(service.original, id)
        type = f"image/{image_extension(data, 'the photo')}".replace("jpg", "jpeg")
        return Response(data, media_type=type, headers=FOR_EVER)

    @router.get("/photos/{id}/thumbnail", response_class=Response, responses=_picture("image/jpeg"))
    async def thumbnail(id: PhotoId) -> Response:
        """A photo, small."""
        return Response(await looking.run(service.thumbnail, id), media_type="image/jpeg", headers=FOR_EVER)

    @router.get("/photos/{id}/similar", responses=_refusals(404))
    async def similar(id: PhotoId, k: Count = 24, adapted: Token = None) -> Found:
        """Find the photos nearest to another."""
        return await searching.run(service.similar, id, k, adapted)

    @router.get("/photos/{id}/sketch", responses=_refusals(404, 410))
    async def sketch(id: PhotoId) -> Sketched:
        """Let the generator G sketch a photo."""
        return await drawing.run(service.sketch, id)

    @router.post("/adapt", responses=_refusals(404))
    async def adapt(asked: Corrections) -> Adapted:
        """Adapt the search to a hand, from drawings of known photos."""
        return await drawing.run(service.adapt, asked.corrections)

    @router.get("/health", responses=_refusals())
    async def health() -> Health:
        """Whether the server is up, and what it can do."""
        return service.health()

    return router


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    statuses = (400, *statuses, 403, 408, 413, 421, 422, 429)
    return {status: {"model": Message, "description": HTTPStatus(status).phrase} for status in statuses}


def _picture(*types: str) -> dict[int | str, dict[str, Any]]:
    return _refusals(404, 410) | {200: {"content": {type: {} for type in types}, "description": "The picture."}}
