"""Who may ask, how often and how much: what stands before the application, and the headers of all its answers."""

import asyncio
import ipaddress
import math
import re
import time
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fgsbir.web.limits import Limits
from fgsbir.web.recent import Recent

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
_WORK = re.compile(r"/search|/sketches|/adapt|/photos/[^/]*/(sketch|similar)")


class Refused(Exception):
    """A request that goes no further, with its status, the message, and the seconds to wait before another."""

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after = status, message, retry_after


class Guard:
    """The application ``app`` for this machine's own page, under the names ``hosts`` alone.

    A page of another site can send requests here too, and after its name was made to lead here (DNS rebinding) it
    would even read the answers. Its requests name its own host, or say which site they come from. "*" among
    ``hosts`` is every address in numbers, since those cannot be rebound.
    """

    def __init__(self, app: ASGIApp, limits: Limits, hosts: Collection[str]) -> None:
        self._app, self._limits, self._hosts = app, limits, frozenset(host.lower() for host in hosts)
        self._buckets: Recent[str, tuple[float, float]] = Recent(CLIENTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        try:
            headers = Headers(scope=scope)
            self._check_origin(scope["method"], headers)
            self._check_rate(scope)
            body = await self._body(scope["path"], headers, receive)
        except Refused as refused:
            # Its body has not been read, and would be taken for the next request.
            extra = {"Connection": "close"}
            if refused.retry_after is not None:
                extra["Retry-After"] = str(refused.retry_after)
            response = JSONResponse({"message": refused.message}, refused.status, extra)
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
            raise Refused(421, "this server answers under its own address only")
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        if origin is not None and origin.lower().partition("://")[2] != host:
            raise Refused(403, "this server answers its own page only")
        followed = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
        if site not in ("same-origin", "none") and not followed:
            raise Refused(403, "this server answers its own page only")

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
        tokens, then = self._buckets.get(client) or (self._limits.burst, now)
        tokens = min(self._limits.burst, tokens + (now - then) * self._limits.rate)
        self._buckets.put(client, (tokens - cost if tokens >= cost else tokens, now))
        if tokens < cost:
            wait = math.ceil((cost - tokens) / self._limits.rate)
            raise Refused(429, f"too many requests; try again in {wait} s", wait)

    async def _body(self, path: str, headers: Headers, receive: Receive) -> bytes | None:
        """The whole body, or None if the client has left."""
        most = self._limits.upload_bytes if path == "/sketches" else self._limits.body_bytes
        too_large = Refused(413, f"expected at most {most:,} bytes")
        announced = headers.get("content-length", "0")
        if not announced.isascii() or not announced.isdigit() or len(announced) > 15:
            raise Refused(400, "expected a Content-Length in digits")
        if int(announced) > most:
            raise too_large
        parts: list[bytes] = []
        found, more = 0, True
        try:
            async with asyncio.timeout(self._limits.seconds):
                while more:
                    message = await receive()
                    if message["type"] != "http.request":
                        return None
                    parts.append(message.get("body", b""))
                    found, more = found + len(parts[-1]), message.get("more_body", False)
                    if found > most:
                        raise too_large
        except TimeoutError:
            raise Refused(408, f"expected the whole request within {self._limits.seconds:g} s") from None
        return b"".join(parts)
