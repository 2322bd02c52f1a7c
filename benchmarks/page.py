"""How soon the page has its answer after a stroke, and the photos that it shows, over HTTP."""

import http.client
import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.ratio import Measured, Ratio, Workload, alternate
from benchmarks.search import index_of_nothing
from fgsbir.data.strokes import split_strokes
from fgsbir.ready import READY_MODEL
from fgsbir.search.gallery import Gallery
from fgsbir.search.indexing import index_photos
from fgsbir.search.searcher import Searcher
from fgsbir.synthetic.categories import MAIN
from fgsbir.synthetic.photo import draw_photo
from fgsbir.web.pictures import small
from fgsbir.web.service import THUMBNAIL

PHOTOS, FOUND, USERS, DRAWINGS, SEARCHES = 10_000, 24, 4, 5, 40
# A stroke takes a person longer; the fewer seconds, the more often they ask at the same time.
BETWEEN_STROKES = 0.25
BUDGET = 0.150
# Photos in files, and their side in pixels.
FILES, SIDE = 96, 1600


def prepare(work: Workload) -> Callable[[], Measured]:
    """The 95th percentile of all answers, against the 150 ms that feel immediate.

    Each user draws sketches stroke by stroke and searches after each, on a connection that is kept.
    """
    drawings = drawings_of(work)
    index = index_of_nothing(work.new_folder(), PHOTOS)

    def round() -> Measured:
        with serving(index) as address, ThreadPoolExecutor(USERS) as users:
            draw(address, drawings[:1])  # the first answer finds what it needs unprepared
            found = users.map(lambda user: draw(address, drawings[user::USERS]), range(USERS))
            seconds = [one for of_user in found for one in of_user]
        return Measured(float(np.percentile(seconds, 95)), BUDGET)

    return round


def draw(
    address: str, drawings: list[list[Any]], shown: Callable[[list[str]], object] = lambda ids: None
) -> list[float]:
    """The seconds of each answer to one user, who draws ``drawings`` stroke by stroke; its photos are ``shown``."""
    connection, seconds = http.client.HTTPConnection(address, timeout=60), []
    for strokes in drawings:
        for count in range(1, len(strokes) + 1):
            start = time.perf_counter()
            ids = ask(connection, strokes[:count])
            seconds.append(time.perf_counter() - start)
            shown(ids)
            time.sleep(BETWEEN_STROKES)
    connection.close()
    return seconds


def drawings_of(work: Workload) -> list[list[Any]]:
    """Sketches of the set, as strokes."""
    photos = [photo for photo in work.store.photos if photo.sketches][: USERS * DRAWINGS]
    sketches = [split_strokes(work.store.read_strokes(photo)[0]) for photo in photos]
    return [[part.astype(float).tolist() for part in sketch] for sketch in sketches]


def ask(connection: http.client.HTTPConnection, strokes: list[Any]) -> list[str]:
    """Search by strokes on a connection that is kept; returns the ids of the photos found."""
    # A first stroke of one point is no drawing yet.
    whole = strokes if sum(map(len, strokes)) > 1 else [strokes[0] * 2]
    found = json.loads(sent(connection, "POST", "/search", {"strokes": whole, "k": FOUND}))
    return [photo["id"] for photo in found["photos"]]


def sent(connection: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> bytes:
    """What the server answers on a connection that is kept."""
    connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    data = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{method} {path}: {answer.status} {data[:200]!r}")
    return data


def sent_alone(address: str, method: str, path: str, body: Any = None) -> bytes:
    """What the server answers on a connection of its own."""
    with closing(http.client.HTTPConnection(address, timeout=60)) as connection:
        return sent(connection, method, path, body)


@contextmanager
def serving(index: Path) -> Iterator[str]:
    """The server's address, host and port, while it runs."""
    command = [sys.executable, "-m", "fgsbir", "serve", "--index", str(index), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr
            said = ""
            while not (found := re.search(r"http://(\S+)", said)):
                if not (line := server.stderr.readline()):
                    raise RuntimeError(f"{' '.join(command)} ended: {said}")
                said += line
            yield found[1]
        finally:
            server.terminate()


def over_http(work: Workload) -> Callable[[], Measured]:
    """A search over HTTP by one user who is alone, on a connection that is kept, against the same search without."""
    sketch = next(work.store.read_strokes(photo)[0] for photo in work.store.photos if photo.sketches)
    strokes = [part.astype(float).tolist() for part in split_strokes(sketch)]
    index = index_of_nothing(work.new_folder(), PHOTOS)
    searcher = Searcher.open(index)

    def round() -> Measured:
        with serving(index) as address:
            connection = http.client.HTTPConnection(address, timeout=60)
            ask(connection, strokes)
            found = alternate(lambda: ask(connection, strokes), lambda: searcher.search(sketch, FOUND), times=SEARCHES)
            connection.close()
        return found

    return round


def over_files(work: Workload) -> Callable[[], Measured]:
    """As :func:`prepare`, of one user whose page shows photos that nobody has looked at, beginning with the first."""
    drawings, index = drawings_of(work)[:DRAWINGS], index_of_files(work.new_folder())

    def round() -> Measured:
        # A page keeps six connections, and looks for copies besides.
        with serving(index) as address, ThreadPoolExecutor(7) as page:
            seen, asked = set[str](), list[Future[bytes]]()

            def show(ids: list[str]) -> None:
                paths = [f"/photos/{id}/thumbnail" for id in ids if id not in seen]
                seen.update(ids)
                asked.extend(page.submit(sent_alone, address, "GET", path) for path in paths)
                asked.append(page.submit(sent_alone, address, "POST", "/copies", {"photos": ids}))

            seconds = draw(address, drawings, show)
            for one in asked:
                one.result()  # raises what was raised there
        return Measured(float(np.percentile(seconds, 95)), BUDGET)

    return round


def thumbnails(work: Workload) -> Callable[[], Measured]:
    """A photo's first thumbnail over HTTP, on a connection that is kept, against making it."""
    index = index_of_files(work.new_folder())
    gallery = Gallery(index)

    def round() -> Measured:
        rows = iter(range(len(gallery))), iter(range(len(gallery)))
        with serving(index) as address:
            connection = http.client.HTTPConnection(address, timeout=60)
            found = alternate(
                lambda: sent(connection, "GET", f"/photos/{gallery.id(next(rows[0]))}/thumbnail"),
                lambda: small(gallery.path(next(rows[1])).read_bytes(), THUMBNAIL),
                times=len(gallery),
            )
            connection.close()
        return found

    return round


def index_of_files(folder: Path) -> Path:
    """An index by the ready model of photos as cameras keep them, of the default set's things; returns its folder."""
    photos = folder / "photos"
    photos.mkdir()
    for number in range(FILES):
        with Image.open(io.BytesIO(draw_photo(f"{MAIN}-{number:05d}", seed=0))) as photo:
            photo.resize((SIDE, SIDE)).save(photos / f"{number:05d}.png", compress_level=1)
    index_photos([photos], READY_MODEL, folder / "index")
    return folder / "index"


OVER_HTTP = Ratio("a search over HTTP, connection kept / the search itself", 1.8, over_http, speed=False)
THUMBNAIL_OVER_HTTP = Ratio("a thumbnail over HTTP, connection kept / making it", 1.3, thumbnails, speed=False)
OVER_FILES = Ratio(
    "page's answer after a stroke, 95 %, over photos not looked at yet / 150 ms", 1.0, over_files, speed=False
)
RATIO = Ratio("page's answer after a stroke, 95 %, 4 users, 10,000 photos / 150 ms", 1.0, prepare, speed=False)
