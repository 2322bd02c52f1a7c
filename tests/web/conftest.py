"""A small index on a server in this process, and one that asks it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from fgsbir.search.adaptation import Adapter
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher
from fgsbir.search.sketching import PhotoSketcher
from fgsbir.web.app import create_app
from fgsbir.web.limits import Limits
from tests.toy import Toy
from tests.trained import save_adaptive, save_joint

PHOTOS = 12
MakePhoto = Callable[[Path, int], Path]


class Client:
    """Asks ``app`` as a browser on the same machine would."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def __call__(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self.together([(method, path, request)])[0]

    def get(self, path: str, **request: Any) -> httpx.Response:
        return self("GET", path, **request)

    def post(self, path: str, **request: Any) -> httpx.Response:
        return self("POST", path, **request)

    def together(self, requests: list[tuple[str, str, dict[str, Any]]]) -> list[httpx.Response]:
        """All at once. What the application raises is raised here."""

        async def ask() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
                return await asyncio.gather(*(client.request(*line[:2], **line[2]) for line in requests))

        return asyncio.run(ask())


@pytest.fixture(scope="session")
def joint_model(tmp_path_factory: pytest.TempPathFactory, toy_folder: Path) -> Path:
    """F, G and D_C, to be read alone."""
    return save_joint(tmp_path_factory.mktemp("models") / "joint", Toy(toy_folder))


@pytest.fixture(scope="session")
def adaptive_model(tmp_path_factory: pytest.TempPathFactory, toy_folder: Path) -> Path:
    return save_adaptive(tmp_path_factory.mktemp("models") / "adaptive", Toy(toy_folder))


@pytest.fixture(scope="session")
def index_of(make_photo: MakePhoto, joint_model: Path, adaptive_model: Path) -> Callable[[Path], Path]:
    """Write photos and an index of them below a folder, and return the index's."""

    def make(folder: Path) -> Path:
        for number in range(PHOTOS):
            make_photo(folder / "photos" / f"photo-{number:02}.png", number)
        index_photos([folder / "photos"], joint_model, folder / "index", adaptive=adaptive_model)
        return folder / "index"

    return make


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory, index_of: Callable[[Path], Path]) -> Path:
    """The index that tests share; they leave its photos as they are."""
    return index_of(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="session")
def searcher(index: Path) -> Searcher:
    return Searcher.open(index)


@pytest.fixture(scope="session")
def app(searcher: Searcher, joint_model: Path) -> FastAPI:
    """With everything, and no limit of requests a second: all tests are one client."""
    limits = Limits(rate=1e9, burst=1e9)
    return create_app(searcher, Adapter(searcher), PhotoSketcher.load(joint_model), limits)


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Client:
    return Client(app)


@pytest.fixture(scope="session")
def client_of() -> Callable[[FastAPI], Client]:
    return Client


@pytest.fixture
def serve() -> Iterator[Callable[[FastAPI], uvicorn.Server]]:
    """Serve an application on a port of its own: ``server.servers[0].sockets[0]`` says which."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(app: FastAPI) -> uvicorn.Server:
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            thread.join(0.01)
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(10)
