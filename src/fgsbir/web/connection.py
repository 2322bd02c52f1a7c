"""The HTTP server: it answers without delay, and closes connections that send no request."""

import asyncio
import socket
from collections.abc import Collection
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from fgsbir.web.limits import USUAL, Limits

SECONDS_TO_END = 3


def server_of(app: FastAPI, limits: Limits = USUAL, *, proxies: Collection[str] = ()) -> uvicorn.Server:
    """The server of ``app``. It believes X-Forwarded-For from ``proxies`` alone, which are IP addresses."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=prompt(limits),
            ws="none",
            log_level="warning",
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=[*proxies],
            timeout_graceful_shutdown=SECONDS_TO_END,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections. Raises OSError."""
    listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    # Connections inherit it. Without it the end of an answer waits 40 ms until the client confirms its beginning.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def prompt(limits: Limits) -> type[H11Protocol]:
    """HTTP whose connections must begin a request within ``limits.header_seconds``."""
    # Connections without a request, the oldest first.
    waiting = dict[H11Protocol, asyncio.TimerHandle]()

    class Prompt(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is not h11.IDLE:
                self.stop_waiting()
            elif self not in waiting:
                self.wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self.stop_waiting()
            super().connection_lost(exc)

        def wait(self) -> None:
            waiting[self] = self.loop.call_later(limits.header_seconds, self.transport.close)
            if len(waiting) > limits.begun:
                longest = next(iter(waiting))
                waiting.pop(longest).cancel()
                longest.transport.close()

        def stop_waiting(self) -> None:
            if timer := waiting.pop(self, None):
                timer.cancel()

    return Prompt
