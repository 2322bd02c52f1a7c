"""Whom the server answers: its own page, as often as a person draws, and nobody else's."""

import asyncio
import http.client
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from fastapi import FastAPI

from fgsbir.search.searcher import Searcher
from fgsbir.web.connection import listen
from fgsbir.web.guard import HEADERS, LOOPBACK, Guard
from fgsbir.web.limits import Limits

DRAWING = {"strokes": [[[60, 40], [60, 200]]]}
OWN, FOREIGN = "http://127.0.0.1:8000", "http://evil.example"
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}


OWN_NAMES = ("localhost", "localhost:9000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST.:80")
OTHERS = (
    *("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.7:8000"),
    *("", "localhost:8000:8000", "localhost@evil.example", "[::1", "[::2]:8000", "user@localhost", "localhost/x"),
)
EVERYWHERE = ("localhost", "*")  # is under addresses in numbers


@pytest.mark.parametrize(
    ("hosts", "host", "answered"),
    [
        *((LOOPBACK, name, True) for name in OWN_NAMES),
        *((LOOPBACK, name, False) for name in OTHERS),  # names that were made to lead here
        *((EVERYWHERE, name, True) for name in ("192.168.1.7:8000", "[fe80::1]")),
        (EVERYWHERE, "evil.example", False),
    ],
)
def test_it_answers_under_its_own_names(
    client_of: Callable[..., Any], hosts: tuple[str, ...], host: str, answered: bool
) -> None:
    client = client_of(hosts=hosts)
    for path in ("/", "/health", "/page/page.js"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == (200 if answered else 421)
        assert answered or "own address" in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/search", {"Origin": OWN, "Sec-Fetch-Site": "same-origin"}, 200),
        ("GET", "/", LINK, 200),
        ("POST", "/search", LINK, 403),  # a form of another page
        ("POST", "/search", {"Origin": FOREIGN}, 403),
        ("POST", "/search", {"Origin": "http://127.0.0.1:3000"}, 403),
        ("POST", "/search", {"Origin": "null"}, 403),
        ("POST", "/search", {"Origin": ""}, 403),
        ("POST", "/search", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", "/search", {"Sec-Fetch-Site": "same-site", "Origin": OWN}, 403),
        ("GET", "/page/page.js", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ("OPTIONS", "/search", {"Origin": FOREIGN, "Access-Control-Request-Method": "POST"}, 403),
    ],
)
def test_the_page_itself_and_a_link_to_it_but_no_other_site(
    client: Any, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = client.request(method, path, headers=headers, **({"json": DRAWING} if method == "POST" else {}))
    assert answer.status_code == status and (status == 200 or "own page" in answer.json()["message"])


def test_every_answer_has_the_headers_and_none_of_cors(client: Any, searcher: Searcher) -> None:
    for path in ("/", "/page/page.css", "/health", "/nothing", f"/photos/{searcher.gallery.id(0)}"):
        for host in ("localhost", "evil.example"):
            answer = client.get(path, headers={"Host": host, "Origin": f"http://{host}"})
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
            assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_client_that_asks_too_often_waits(client_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("fgsbir.web.guard.time.monotonic", lambda: now[0])
    client = client_of(limits=Limits(rate=2, burst=3))
    assert [client.post("/search", json=DRAWING).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = client.post("/search", json=DRAWING)
    assert refused.headers["retry-after"] == "1" and "try again in 1 s" in refused.json()["message"]
    now[0] += 0.5
    assert [client.post("/search", json=DRAWING).status_code for _ in range(2)] == [200, 429]
    now[0] += 1000
    # A page of photos costs as little as it is.
    assert {client.get("/health").status_code for _ in range(50)} == {200}


def test_bodies_are_bounded_by_what_is_announced_and_by_what_comes(client_of: Callable[..., Any]) -> None:
    client = client_of(limits=Limits(body_bytes=100, upload_bytes=1000))
    svg = {"Content-Type": "image/svg+xml"}
    assert client.post("/search", content=b"x" * 101).status_code == 413
    assert client.post("/uploads", content=b"x" * 101, headers=svg).status_code == 422
    assert client.post("/uploads", content=b"x" * 1001, headers=svg).status_code == 413
    announced = client.post("/search", content=b"{}", headers={"Content-Length": "1" + "0" * 14})
    assert announced.status_code == 413 and announced.headers["connection"] == "close"
    for length in ("-1", "1e3", "9" * 5000, "٣", "+1"):
        answer = client.post("/search", content=b"{}", headers={b"Content-Length": length.encode()})
        assert answer.status_code == 400, length


def test_bodies_are_bounded_together() -> None:
    """One more is refused while others are being answered, and taken when they have been."""
    guard = Guard(slow, Limits(bodies_bytes=250), ["localhost"])
    statuses: list[int] = []

    async def ask(_: int) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": bytes(100), "more_body": False}

        async def send(message: Any) -> None:
            if "status" in message:
                statuses.append(message["status"])

        scope = {"type": "http", "method": "POST", "path": "/search", "headers": [(b"host", b"localhost")]}
        await guard(scope, receive, send)

    async def ask_three_twice() -> None:
        for _ in range(2):
            await asyncio.gather(*map(ask, range(3)))

    asyncio.run(ask_three_twice())
    assert statuses == [429, 200, 200] * 2


async def slow(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await asyncio.sleep(0.05)
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def never(*_: Any) -> Any:
    raise AssertionError("was asked")


async def endless() -> dict[str, Any]:
    return {"type": "http.request", "body": bytes(1 << 16), "more_body": True}


async def late() -> Any:
    await asyncio.sleep(60)


async def gone() -> dict[str, Any]:
    return {"type": "http.disconnect"}


@pytest.mark.parametrize(("receive", "statuses"), [(endless, [413]), (late, [408]), (gone, [])])
def test_a_body_that_does_not_end_or_does_not_come(receive: Callable[..., Any], statuses: list[int]) -> None:
    told: list[Any] = []
    scope = {"type": "http", "method": "POST", "path": "/search", "headers": [(b"host", b"localhost")]}

    async def send(message: Any) -> None:
        told.append(message)

    asyncio.run(Guard(never, Limits(seconds=0.5), ["localhost"])(scope, receive, send))
    assert [message["status"] for message in told if "status" in message] == statuses


def raw(port: int, *parts: bytes) -> bytes:
    """What a server says to bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        # Who has said all may hang up, but not before an answer that takes a thread of its own.
        if not any(b"Connection: close" in part for part in parts):
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while received := connection.recv(1 << 16):
            answer += received
        return answer


def test_what_is_sent_is_sent_at_once_and_whom_it_is_for_is_a_proxys_to_say(
    client_of: Callable[..., Any], serve: Callable[..., int]
) -> None:
    app = client_of(limits=Limits(rate=1e-9, burst=1)).app

    def statuses(port: int) -> list[int]:
        found = []
        for name in ("192.0.2.1", "192.0.2.2"):
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("POST", "/search", "{}", {"Content-Type": "application/json", "X-Forwarded-For": name})
            found.append(connection.getresponse().status)
            connection.close()
        return found

    assert statuses(serve(app)) == [200, 429]  # one client, whatever it says
    assert statuses(serve(app, proxies=["127.0.0.1"])) == [200, 200]
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_requests_that_never_come_do_not_keep_others_out(app: FastAPI, serve: Callable[..., int]) -> None:
    half = b"POST /search HTTP/1.1\r\nHost: localhost\r\nX: "
    port = serve(app, Limits(begun=3, header_seconds=60))
    with ExitStack() as stack:
        begun = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10)) for _ in range(4)]
        for connection in begun:
            connection.sendall(half)
        with suppress(ConnectionResetError):
            assert begun[0].recv(1) == b""  # the one that has waited longest makes room
        answer = raw(port, b"GET /health HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n" % port)
        assert answer[9:12] == b"200"
    # And without others, each has its time; after an answer, too.
    port = serve(app, Limits(header_seconds=1.5))  # longer than a busy machine keeps this process waiting
    for before in (b"", b"GET /health HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % port):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(before)
            if before:
                answer = http.client.HTTPResponse(connection)
                answer.begin()
                answer.read()
            connection.sendall(half)
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""


def test_over_a_real_connection(app: FastAPI, serve: Callable[[FastAPI], int]) -> None:
    port = serve(app)
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
