"""The HTTP API: what can be asked, as OpenAPI describes it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

import torch
from fastapi import APIRouter, Path, Request, Response
from starlette.exceptions import HTTPException

from fgsbir.data.cores import available_cores
from fgsbir.data.photos import FORMATS, image_format
from fgsbir.web import messages
from fgsbir.web.limits import Limits
from fgsbir.web.messages import Corrections, Drawing, Folder, Found, Health, Message, Sketched, Uploaded
from fgsbir.web.service import Service

Result = TypeVar("Result")

PHOTO_TYPES = tuple(form.media_type for form in FORMATS.values())
# An id is of a photo's content, so what it names never changes.
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}

PhotoId = Annotated[messages.PhotoId, Path()]
UploadId = Annotated[messages.UploadId, Path()]
CorrectionId = Annotated[messages.CorrectionId, Path()]


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
    router, cores = APIRouter(), available_cores()
    # A search is never behind a page of thumbnails, nor either behind a scan, or a look for copies.
    searching, looking, comparing, reading, drawing, learning = (
        _Workers(threads, limits.waiting) for threads in (cores, cores, 1, 1, 1, 1)
    )

    @router.post("/search", responses=_refusals(404))
    async def search(query: messages.Query) -> Found:
        """Find the photos nearest to a drawing, a photo, or both; or go through all of them."""
        return await searching.run(service.search, query)

    @router.post("/copies", responses=_refusals(404))
    async def copies(shown: messages.Shown) -> dict[messages.PhotoId, messages.PhotoId]:
        """Tell which photos show the same picture as one before them, in another size or compression.

        It takes longer than the search: each photo's file is read.
        """
        return await comparing.run(service.copies, shown)

    @router.get("/folders", responses=_refusals())
    async def folders() -> list[Folder]:
        """The folders that the photos lie in, and how many lie in each and below it."""
        return await looking.run(service.folders)

    file = {"schema": {"type": "string", "format": "binary"}}
    body = {"requestBody": {"required": True, "content": {"application/octet-stream": file}}}

    @router.post("/uploads", responses=_refusals(), openapi_extra=body)
    async def upload(request: Request) -> Uploaded:
        """Read the strokes of a drawing, trace those of a scan, or keep a photo to search by.

        The content decides which it is: browsers do not know the types of all files.
        """
        return await reading.run(service.upload, await request.body())

    @router.get("/uploads/{id}", response_class=Response, responses=_picture("image/jpeg"))
    async def uploaded(id: UploadId) -> Response:
        """An uploaded picture, while the server remembers it."""
        return Response(await looking.run(service.uploaded, id), media_type="image/jpeg", headers=FOR_EVER)

    @router.post("/uploads/{id}/strokes", responses=_refusals(404))
    async def trace(id: UploadId, part: messages.Part) -> Drawing:
        """Trace the drawing in a part of an uploaded picture."""
        return await reading.run(service.trace, id, part.box)

    @router.get("/photos/{id}", response_class=Response, responses=_picture(*PHOTO_TYPES))
    async def photo(id: PhotoId, readable: bool = False) -> Response:
        """A photo, as its file is; ``readable``: a HEIC or TIFF as JPEG, since not every browser reads these."""
        data, name = await looking.run(service.file, id, readable)
        named = {"Content-Disposition": f"inline; filename*=UTF-8''{quote(name, safe='')}"}
        return Response(data, media_type=image_format(data, "the photo").media_type, headers=FOR_EVER | named)

    @router.get("/photos/{id}/about", responses=_refusals(404))
    async def about(id: PhotoId) -> messages.Photo:
        """Where a photo lies, and its identical copies."""
        return await looking.run(service.about, id)

    @router.get("/photos/{id}/thumbnail", response_class=Response, responses=_picture("image/jpeg"))
    async def thumbnail(id: PhotoId, large: bool = False) -> Response:
        """A photo, small, or as large as a screen."""
        return Response(await looking.run(service.thumbnail, id, large), media_type="image/jpeg", headers=FOR_EVER)

    @router.get("/photos/{id}/sketch", responses=_refusals(404, 410))
    async def sketch(id: PhotoId) -> Sketched:
        """Let the generator G sketch a photo."""
        return await drawing.run(service.sketch, id)

    @router.get("/corrections", responses=_refusals(404))
    async def corrections() -> Corrections:
        """What the search has learned from."""
        return await looking.run(service.corrections)

    @router.post("/corrections", responses=_refusals(404))
    async def correct(asked: messages.Correction) -> Corrections:
        """Teach the search which photo was meant by a drawing: it learns at once, and keeps it with the index."""
        return await learning.run(service.correct, asked)

    @router.delete("/corrections/{id}", responses=_refusals(404))
    async def take_back(id: CorrectionId) -> Corrections:
        """Take a correction back; the last leaves the search as it was before it."""
        return await learning.run(service.take_back, id)

    @router.get("/corrections/model", response_class=Response, responses=_picture("application/zip"))
    async def model() -> Response:
        """The model that has learned, as a ZIP of its folder."""
        return Response(await drawing.run(service.model), media_type="application/zip")

    @router.get("/health", responses=_refusals())
    async def health() -> Health:
        """Whether the server is up, and what it can do."""
        return await looking.run(service.health)

    return router


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    statuses = (400, *statuses, 403, 408, 413, 421, 422, 429)
    return {status: {"model": Message, "description": HTTPStatus(status).phrase} for status in statuses}


def _picture(*types: str) -> dict[int | str, dict[str, Any]]:
    return _refusals(404, 410) | {200: {"content": {type: {} for type in types}, "description": "The file."}}
