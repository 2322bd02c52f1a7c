"""The application: the API, the page, and the guard before both."""

from collections.abc import Collection, Mapping
from importlib.resources import files

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from fgsbir.data.records import DataError
from fgsbir.search.adaptation import Adapter
from fgsbir.search.searcher import Searcher
from fgsbir.search.sketching import PhotoSketcher
from fgsbir.web.api import api
from fgsbir.web.guard import LOOPBACK, Guard
from fgsbir.web.limits import USUAL, Limits
from fgsbir.web.service import Service

PAGE_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
LONGEST_MESSAGE = 400


def create_app(
    searcher: Searcher,
    adapter: Adapter | None,
    sketcher: PhotoSketcher | None,
    limits: Limits = USUAL,
    *,
    hosts: Collection[str] = LOOPBACK,
) -> FastAPI:
    """The page over the photos of ``searcher``; without ``adapter`` or ``sketcher`` it does without them.

    An index that takes the place of this one is adapted by what it holds itself.

    ``hosts`` are the names that it answers under, see :class:`~fgsbir.web.guard.Guard`.
    """
    # The pages that describe an API load their scripts from elsewhere; its description is at /openapi.json.
    description = 'Search photos by drawing. Every refusal is {"message": …}.'
    app = FastAPI(title="Draw, and find", description=description, version="1", docs_url=None, redoc_url=None)
    app.include_router(api(Service(searcher, adapter, sketcher, limits), limits))
    app.include_router(_page())
    app.add_middleware(Guard, limits=limits, hosts=hosts)

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        return _message(error.status_code, str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def not_as_described(_: Request, error: RequestValidationError) -> JSONResponse:
        # What was sent is not repeated: it may be huge, and NaN is no JSON.
        first = error.errors()[0]
        if first["loc"] == ("body",) or first["type"] == "json_invalid":
            return _message(422, "expected a JSON object, sent as Content-Type: application/json")
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return _message(422, f"{where}: {first['msg']}" if where else first["msg"])

    @app.exception_handler(DataError)
    async def not_usable(_: Request, error: DataError) -> JSONResponse:
        return _message(422, str(error))

    return app


def _message(status: int, text: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    # Half a character of a request, a lone surrogate, cannot be sent back.
    shown = text.encode("utf-8", "backslashreplace").decode()[:LONGEST_MESSAGE]
    return JSONResponse({"message": shown}, status, headers)


def _page() -> APIRouter:
    """The page's files, read once."""
    router = APIRouter(include_in_schema=False)
    contents = {file.name: file.read_bytes() for file in files("fgsbir.web").joinpath("page").iterdir()}

    @router.get("/page/{name}")
    async def page_file(name: str) -> Response:
        if name not in contents:
            raise HTTPException(404, "there is no such file")
        type = PAGE_TYPES[name.rpartition(".")[2]]
        return Response(contents[name], media_type=type, headers={"Cache-Control": "no-cache"})

    @router.get("/")
    async def index() -> Response:
        return await page_file("index.html")

    return router
