"""How soon the page has its answer after a stroke, with four people drawing at once, over HTTP."""

import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ratio import Measured, Ratio, Workload, alternate
from benchmarks.search import index_of_nothing
from fgsbir.data.strokes import split_strokes
from fgsbir.search.searcher import Searcher

PHOTOS, FOUND, USERS, DRAWINGS, SEARCHES = 10_000, 24, 4, 5, 40
# A stroke takes a person longer; the fewer seconds, the more often they ask at the same time.
BETWEEN_STROKES = 0.25
BUDGET = 0.150


def prepare(work: Workload) -> Callable[[], Measured]:
    """The 95th percentile of all answers, against the 150 ms that feel immediate.

    Each user draws sketches stroke by stroke and searches after each, on a connection that is kept.
    """
    photos = [photo for photo in work.store.photos if photo.sketches][: USERS * DRAWINGS]
    sketches = [split_strokes(work.store.read_strokes(photo)[0]) for photo in photos]
    drawings = [[part.astype(float).tolist() for part in sketch] for sketch in sketches]
    index = index_of_nothing(work.new_folder(), PHOTOS)

    def round() -> Measured:
        with serving(index) as address, ThreadPoolExecutor(USERS) as users:
            draw(address, drawings[:1])  # the first answer finds what it needs unprepared
            found = users.map(lambda user: draw(address, drawings[user::USERS]), range(USERS))
            seconds = [one for of_user in found for one in of_user]
        return Measured(float(np.percentile(seconds, 95)), BUDGET)

    return round


def draw(address: str, drawings: list[list[Any]]) -> list[float]:
    """The seconds of each answer to one user, who draws ``drawings`` stroke by stroke."""
    connection, seconds = http.client.HTTPConnection(address, timeout=60), []
    for strokes in drawings:
        for count in range(1, len(strokes) + 1):
            start = time.perf_counter()
            ask(connection, strokes[:count])
            seconds.append(time.perf_counter() - start)
            time.sleep(BETWEEN_STROKES)
    connection.close()
    return seconds


def ask(connection: http.client.HTTPConnection, strokes: list[Any]) -> None:
    """Search by strokes on a connection that is kept."""
    body = json.dumps({"strokes": strokes, "k": FOUND})
    connection.request("POST", "/search", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    # A first stroke of one point is no drawing yet.
    if answer.status != 200 and len(strokes[0]) > 1:
        raise RuntimeError(f"POST /search: {answer.status} {text[:200]!r}")


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


OVER_HTTP = Ratio("a search over HTTP, connection kept / the search itself", 1.8, over_http, speed=False)
RATIO = Ratio("page's answer after a stroke, 95 %, 4 users, 10,000 photos / 150 ms", 1.0, prepare, speed=False)
