"""``fgsbir serve``: an index, searched by drawing on a page of this machine's browser."""

import argparse
import importlib.util
import logging
import socket
from contextlib import suppress
from pathlib import Path

from fgsbir.commands.options import TRAINED, number, require
from fgsbir.data.records import DataError

logger = logging.getLogger(__name__)

ANYWHERE = ("0.0.0.0", "::")
SECONDS_TO_END = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.epilog = "example: fgsbir serve --index my/index"
    parser.add_argument("--index", type=Path, required=True, help="folder of an index, as fgsbir index writes it")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: this machine only)")
    port = "0 for any that is free (default: %(default)s)"
    parser.add_argument("--port", type=number(int, 0, 65535), default=8000, help=port)
    generator = f"folder of the G that sketches photos (default: {TRAINED}, if it is there)"
    parser.add_argument("--generator", type=Path, help=generator)


def run(options: argparse.Namespace) -> None:
    """Serve until interrupted. Raises DataError where that cannot be begun."""
    require(options.index, "a folder that fgsbir index has written")
    if options.generator:
        require(options.generator, "a folder of a generator")
    if not all(importlib.util.find_spec(name) for name in ("fastapi", "uvicorn")):
        raise DataError("the page needs FastAPI and uvicorn: pip install 'fgsbir[serve]'")
    import uvicorn

    from fgsbir.search.adaptation import Adapter
    from fgsbir.search.searcher import Searcher
    from fgsbir.search.sketching import PhotoSketcher
    from fgsbir.web.app import create_app
    from fgsbir.web.guard import LOOPBACK

    searcher = Searcher.open(options.index)
    adapts = searcher.gallery.about.adaptive or searcher.encoder.model.standardised
    generator = options.generator or (TRAINED if (TRAINED / "generator").is_dir() else None)
    sketcher = PhotoSketcher.load(generator) if generator else None
    listening = _listen(options.host, options.port)
    host = f"[{options.host}]" if ":" in options.host else options.host
    hosts = {*LOOPBACK, *(("*", socket.gethostname()) if options.host in ANYWHERE else (host,))}
    app = create_app(searcher, Adapter(searcher) if adapts else None, sketcher, hosts=hosts)
    config = uvicorn.Config(
        app, log_level="warning", ws="none", server_header=False, timeout_graceful_shutdown=SECONDS_TO_END
    )
    shown = "localhost" if options.host in ANYWHERE else host
    logger.info("%d photos: http://%s:%d (Ctrl+C ends)", len(searcher.gallery), shown, listening.getsockname()[1])
    if options.host not in ("localhost", "127.0.0.1", "::1"):
        logger.warning("whoever reaches this address sees the photos")
    # uvicorn ends in order, and then interrupts once more.
    with listening, suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        advice = "; give another --port" if port else ""
        raise DataError(f"cannot listen at {host}, port {port} ({error.strerror}){advice}") from None
