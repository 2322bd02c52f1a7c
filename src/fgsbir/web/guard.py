"""Who may ask, how often and how much: what stands before the application, and the headers of all its answers."""

import asyncio
import ipaddress
import math
import re
import time
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fgsbir.web.limits import Limits

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
CLIENTS = 4096
PICTURE = 1 / 20

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::\d{1,5})?")
# What the models work for, in place of a look into a file.
_WORK = re.compile(r"/search|/copies|/uploads.*|/corrections.*|/photos/[^/]*/sketch")


class Guard:
    """The application ``app`` for this machine's own page, under the names ``hosts`` alone.

    A page of another site can send requests here too, and after its name was made to lead here (DNS rebinding) it
    would even read the answers. Its requests name its own host, or say which site they come from. "*" among
    ``hosts`` is every address in numbers, since those cannot be rebound.
    """

    def __init__(self, app: ASGIApp, limits: Limits, hosts: Collection[str]) -> None:
        self._app, self._limits, self._hosts = app, limits, frozenset(host.lower() for host in hosts)
        # Of each client the requests that it may still make, and since when; the one that asked last at the end.
        self._buckets: dict[str, tuple[float, float]] = {}
        self._held = 0  # bytes of the bodies of requests that are being answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parts: list[int] = []
        try:
            await self._answer(scope, receive, send, parts)
        finally:
            self._held -= sum(parts)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, parts: list[int]) -> None:

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        try:
            headers = Headers(scope=scope)
            self._check_origin(scope["method"], headers)
            self._check_rate(scope)
            body = await self._body(scope["path"], headers, receive, parts)
        except HTTPException as refused:
            # Its body has not been read, and would be taken for the next request.
            extra = {"Connection": "close", **(refused.headers or {})}
            response = JSONResponse({"message": refused.detail}, refused.status_code, extra)
            await response(scope, receive, send_guarded)
            return
        if body is None:
            return

        waiting = [body]

        async def receive_again() -> Message:
            if waiting:
                return {"type": "http.request", "body": waiting.pop(), "more_body": False}
            return await receive()

        await self._app(scope, receive_again, send_guarded)

    def _check_origin(self, method: str, headers: Headers) -> None:
        host = headers.get("host", "").lower()
        found = _HOST.fullmatch(host)
        if not found or not self._is_own(found[1].rstrip(".")):
            raise HTTPException(421, "this server answers under its own address only")
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        followed = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
        foreign = origin is not None and origin.lower().partition("://")[2] != host
        if foreign or (site not in ("same-origin", "none") and not followed):
            raise HTTPException(403, "this server answers its own page only")

    def _is_own(self, name: str) -> bool:
        if name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return "*" in self._hosts

    def _check_rate(self, scope: Scope) -> None:
        client = scope["client"][0] if scope.get("client") else ""
        now, cost = time.monotonic(), 1.0 if _WORK.fullmatch(scope["path"]) else PICTURE
        tokens, then = self._buckets.pop(client, (self._limits.burst, now))
        tokens = min(self._limits.burst, tokens + (now - then) * self._limits.rate)
        self._buckets[client] = (tokens - cost if tokens >= cost else tokens, now)
        if len(self._buckets) > CLIENTS:
            del self._buckets[next(iter(self._buckets))]
        if tokens < cost:
            wait = math.ceil((cost - tokens) / self._limits.rate)
            raise HTTPException(429, f"too many requests; try again in {wait} s", {"Retry-After": str(wait)})

    async def _body(self, path: str, headers: Headers, receive: Receive, parts: list[int]) -> bytes | None:
        """The whole body, or None if the client has left; ``parts`` are the bytes that count as held."""
        most = self._limits.upload_bytes if path == "/uploads" else self._limits.body_bytes
        too_large = HTTPException(413, f"expected at most {most:,} bytes")
        announced = re.fullmatch("[0-9]{1,15}", headers.get("content-length", "0"))
        if not announced:
            raise HTTPException(400, "expected a Content-Length in digits")
        if int(announced[0]) > most:
            raise too_large
        body, more = bytearray(), True
        try:
            async with asyncio.timeout(self._limits.seconds):
                while more:
                    message = await receive()
                    if message["type"] != "http.request":
                        return None
                    body += message.get("body", b"")
                    parts.append(len(message.get("body", b"")))
                    self._held += parts[-1]
                    more = message.get("more_body", False)
                    if len(body) > most:
                        raise too_large
                    if self._held > self._limits.bodies_bytes:
                        raise HTTPException(429, "the server has too much to read; try again", {"Retry-After": "1"})
        except TimeoutError:
            raise HTTPException(408, f"expected the whole request within {self._limits.seconds:g} s") from None
        return bytes(body)
