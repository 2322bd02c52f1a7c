"""Whom the server answers: its own page, as often as a person draws, and nobody else's."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from fgsbir.search.searcher import Searcher
from fgsbir.web.app import create_app
from fgsbir.web.guard import HEADERS, Guard
from fgsbir.web.limits import Limits

DRAWING = {"strokes": [[[60, 40], [60, 200]]]}


@pytest.mark.parametrize("host", ["localhost", "localhost:9000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST.:80"])
def test_own_names(client: Any, host: str) -> None:
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.7:8000"),
        *("", "localhost:8000:8000", "localhost@evil.example", "[::1", "[::2]:8000", "user@localhost", "localhost/x"),
    ],
)
def test_a_name_that_was_made_to_lead_here(client: Any, host: str) -> None:
    for path in ("/", "/health", "/page/page.js", "/nothing"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 421 and "own address" in answer.json()["message"]


@pytest.mark.parametrize("host, status", [("192.168.1.7:8000", 200), ("[fe80::1]", 200), ("evil.example", 421)])
def test_everywhere_is_under_addresses_in_numbers(
    searcher: Searcher, client_of: Callable[[FastAPI], Any], host: str, status: int
) -> None:
    client = client_of(create_app(searcher, None, None, Limits(), hosts=["localhost", "*"]))
    assert client.get("/health", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},  # a form of another page
    ],
)
def test_other_sites_may_not_post(client: Any, headers: dict[str, str]) -> None:
    answer = client.post("/search", json=DRAWING, headers=headers)
    assert answer.status_code == 403 and "own page" in answer.json()["message"]


def test_the_page_itself_and_a_link_to_it(client: Any) -> None:
    own = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/search", json=DRAWING, headers=own).status_code == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers=link).status_code == 200
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/page/page.js", headers=embedded).status_code == 403


def test_every_answer_has_the_headers_and_none_of_cors(client: Any, searcher: Searcher) -> None:
    for path in ("/", "/page/page.css", "/health", "/nothing", f"/photos/{searcher.gallery.id(0)}"):
        for host in ("localhost", "evil.example"):
            answer = client.get(path, headers={"Host": host, "Origin": f"http://{host}"})
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
            assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    assert client("OPTIONS", "/search", headers=preflight).status_code == 403


def test_a_client_that_asks_too_often_waits(
    searcher: Searcher, client_of: Callable[[FastAPI], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("fgsbir.web.guard.time.monotonic", lambda: now[0])
    client = client_of(create_app(searcher, None, None, Limits(rate=2, burst=3)))
    statuses = [client.post("/search", json=DRAWING).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    refused = client.post("/search", json=DRAWING)
    assert refused.headers["retry-after"] == "1" and "try again in 1 s" in refused.json()["message"]
    now[0] += 0.5
    assert [client.post("/search", json=DRAWING).status_code for _ in range(2)] == [200, 429]
    now[0] += 1000
    # A page of photos costs as little as it is.
    assert {client.get("/health").status_code for _ in range(50)} == {200}


def test_bodies_are_bounded_by_what_is_announced_and_by_what_comes(
    searcher: Searcher, client_of: Callable[[FastAPI], Any]
) -> None:
    client = client_of(create_app(searcher, None, None, Limits(body_bytes=100, upload_bytes=1000)))
    svg = {"Content-Type": "image/svg+xml"}
    assert client.post("/search", content=b"x" * 101).status_code == 413
    assert client.post("/sketches", content=b"x" * 101, headers=svg).status_code == 422
    assert client.post("/sketches", content=b"x" * 1001, headers=svg).status_code == 413
    announced = client.post("/search", content=b"{}", headers={"Content-Length": "1" + "0" * 14})
    assert announced.status_code == 413 and announced.headers["connection"] == "close"
    for length in ("-1", "1e3", "9" * 5000, "٣", "+1"):
        answer = client.post("/search", content=b"{}", headers={b"Content-Length": length.encode()})
        assert answer.status_code == 400, length


def test_a_stream_is_cut_off_at_the_limit(app: FastAPI) -> None:
    sent, told = [0], []
    scope = {"type": "http", "method": "POST", "path": "/search", "headers": [(b"host", b"localhost")]}

    async def receive() -> dict[str, Any]:
        sent[0] += 1 << 16
        return {"type": "http.request", "body": bytes(1 << 16), "more_body": True}  # for ever

    async def send(message: Any) -> None:
        told.append(message)

    asyncio.run(app(scope, receive, send))
    assert told[0]["status"] == 413 and sent[0] <= Limits().body_bytes + (1 << 17)


def test_a_body_that_does_not_come(searcher: Searcher) -> None:
    told: list[Any] = []
    scope = {"type": "http", "method": "POST", "path": "/search", "headers": [(b"host", b"localhost")]}

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(60)
        raise AssertionError

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        told.append(message)

    async def never(*_: Any) -> None:
        raise AssertionError("was asked")

    guard = Guard(never, Limits(seconds=0.05), ["localhost"])
    asyncio.run(guard(scope, receive, send))
    assert told[0]["status"] == 408
    told.clear()
    asyncio.run(guard(scope, gone, send))
    assert told == []


@pytest.fixture
def port(app: FastAPI, serve: Callable[[FastAPI], uvicorn.Server]) -> Iterator[int]:
    yield serve(app).servers[0].sockets[0].getsockname()[1]


def raw(port: int, *parts: bytes) -> bytes:
    """What a server says to bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while received := connection.recv(1 << 16):
            answer += received
        return answer


def test_over_a_real_connection(port: int) -> None:
    host = b"Host: localhost:%d\r\n" % port
    chunked = b"POST /search HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n"
    try:
        answer = raw(port, chunked, *[b"10000\r\n" + bytes(1 << 16) + b"\r\n"] * 64)
    except OSError:  # it hung up while more was sent
        answer = b"HTTP/1.1 413"
    assert answer.startswith(b"HTTP/1.1 413")
    for request, status in (
        (b"GET /health HTTP/1.0\r\n\r\n", b"421"),  # no Host
        (b"GET http://evil.example/health HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"421"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /photos/..%2f..%2fetc%2fpasswd HTTP/1.1\r\n" + host + b"\r\n", b"404"),
        (b"GET /page/../../../pyproject.toml HTTP/1.1\r\n" + host + b"\r\n", b"404"),
        (b"GET /page/%2e%2e%2fapp.py HTTP/1.1\r\n" + host + b"\r\n", b"404"),
        (b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n" + host + b"\r\n", b"404"),
        (b"GET /health HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n", b"200"),
    ):
        assert raw(port, request)[9:12] == status, request[:60]
