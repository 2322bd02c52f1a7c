"""A small index on a server in this process, and one that asks it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from fgsbir.search.adaptation import Adapter
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher
from fgsbir.search.sketching import PhotoSketcher
from fgsbir.web.app import create_app
from fgsbir.web.limits import Limits
from tests.toy import Toy
from tests.trained import save_adaptive, save_joint

PHOTOS = 12


# A browser on the same machine. What the application raises is raised where it is asked.
Client = partial(TestClient, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50_000))


@pytest.fixture(scope="session")
def joint_model(tmp_path_factory: pytest.TempPathFactory, toy_folder: Path) -> Path:
    """F, G and D_C, to be read alone."""
    return save_joint(tmp_path_factory.mktemp("models") / "joint", Toy(toy_folder))


@pytest.fixture(scope="session")
def index_of(
    tmp_path_factory: pytest.TempPathFactory,
    toy_folder: Path,
    make_photo: Callable[[Path, int], Path],
    joint_model: Path,
) -> Callable[[Path], Path]:
    """Write photos and an index of them below a folder, and return the index's."""
    adaptive = save_adaptive(tmp_path_factory.mktemp("models") / "adaptive", Toy(toy_folder))

    def make(folder: Path) -> Path:
        for number in range(PHOTOS):
            make_photo(folder / "photos" / f"photo-{number:02}.png", number)
        index_photos([folder / "photos"], joint_model, folder / "index", adaptive=adaptive)
        return folder / "index"

    return make


@pytest.fixture(scope="session")
def searcher(tmp_path_factory: pytest.TempPathFactory, index_of: Callable[[Path], Path]) -> Searcher:
    """Of the index that tests share; they leave its photos as they are."""
    return Searcher.open(index_of(tmp_path_factory.mktemp("shared")))


@pytest.fixture(scope="session")
def app(searcher: Searcher, joint_model: Path) -> FastAPI:
    """With everything, and no limit of requests a second: all tests are one client."""
    limits = Limits(rate=1e9, burst=1e9)
    return create_app(searcher, Adapter(searcher), PhotoSketcher.load(joint_model), limits)


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    with Client(app) as asking:
        yield asking


@pytest.fixture
def client_of(searcher: Searcher) -> Iterator[Callable[..., TestClient]]:
    """One of an application that lacks what is not given."""
    with ExitStack() as stack:

        def make(searcher: Searcher = searcher, adapter: Any = None, sketcher: Any = None, **more: Any) -> TestClient:
            return stack.enter_context(Client(create_app(searcher, adapter, sketcher, **more)))

        yield make


@pytest.fixture
def serve() -> Iterator[Callable[[FastAPI], int]]:
    """Serve an application on a port of its own, which is returned."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(app: FastAPI) -> int:
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            thread.join(0.01)
        running.append((server, thread))
        return int(server.servers[0].sockets[0].getsockname()[1])

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(10)
