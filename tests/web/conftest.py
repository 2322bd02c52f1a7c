"""A small index on a server in this process, and one that asks it."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from starlette.testclient import TestClient

from fgsbir.data.stroke_files import parse_strokes
from fgsbir.search.adaptation import Adapter
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher
from fgsbir.search.sketching import PhotoSketcher
from fgsbir.web.app import create_app
from fgsbir.web.connection import listen, server_of
from fgsbir.web.limits import USUAL, Limits
from tests.toy import Toy
from tests.trained import save_adaptive
from tests.web.browsing import SHOP_EACH, SHOP_FOLDERS, UNLIMITED

PHOTOS = 12
# A drawing as the page sends it, and as a canonical sketch.
CHAIR = [[[60, 40], [60, 200]], [[60, 120], [180, 120], [180.5, 200]]]
SKETCH = parse_strokes(CHAIR, "x")


# A browser on the same machine. What the application raises is raised where it is asked.
Client = partial(TestClient, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50_000))


def upload(client: Any, data: bytes, type: str = "image/svg+xml") -> Any:
    """What the server answers to a file that a browser calls ``type``."""
    return client.post("/uploads", content=data, headers={"Content-Type": type})


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
    """With everything, and no limit of requests a second."""
    return create_app(searcher, Adapter(searcher), PhotoSketcher.load(joint_model), UNLIMITED)


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
def serve() -> Iterator[Callable[..., int]]:
    """Serve an application on a port of its own, which is returned."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(app: FastAPI, limits: Limits = USUAL, **more: Any) -> int:
        server, listening = server_of(app, limits, **more), listen("127.0.0.1", 0)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            thread.join(0.01)
        running.append((server, thread))
        return int(listening.getsockname()[1])

    yield start
    for server, thread in running:
        server.should_exit = server.force_exit = True
        thread.join(10)


@pytest.fixture
def complaints() -> list[str]:
    """What the pages' consoles complained of."""
    return []


@pytest.fixture
def visit(
    browser: Browser, serve: Callable[[FastAPI], int], app: FastAPI, complaints: list[str]
) -> Iterator[Callable[..., Page]]:
    """Open a page of ``app`` in a browser window of some kind."""
    contexts = []

    def open_page(app: FastAPI = app, **kind: Any) -> Page:
        context = browser.new_context(**{"reduced_motion": "reduce"} | kind)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"http://127.0.0.1:{serve(app)}/")
        expect(page.locator("#gallery-size")).to_contain_text("photos")
        expect(page.locator("#grid li").first).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, make_photo: Callable[[Path, int], Path], joint_model: Path) -> Path:
    """Two folders of photos, one of which lies in both, and one in another size as well; and their index."""
    folder = tmp_path_factory.mktemp("shop")
    for number in range(SHOP_EACH):
        for start, name in enumerate(SHOP_FOLDERS):
            make_photo(folder / "photos" / name / f"{number:02}.png", 2 * number + start)
    chairs, lamps = (folder / "photos" / name for name in SHOP_FOLDERS)
    shutil.copy(chairs / "07.png", lamps / "the same.png")
    with Image.open(chairs / "09.png") as image:
        image.resize((200, 160), Image.Resampling.BICUBIC).save(chairs / "large.png")
    index_photos([folder / "photos"], joint_model, folder / "index")
    return folder


@pytest.fixture
def shop_app(shop: Path) -> FastAPI:
    searcher = Searcher.open(shop / "index")
    return create_app(searcher, Adapter.of(searcher), None, UNLIMITED)
