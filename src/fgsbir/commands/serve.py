"""``fgsbir serve``: an index, searched by drawing on a page of this machine's browser."""

import argparse
import importlib.util
import logging
import socket
import webbrowser
from contextlib import suppress
from pathlib import Path
from threading import Thread

from fgsbir.commands.options import TRAINED, number, require
from fgsbir.data.records import DataError

logger = logging.getLogger(__name__)

ANYWHERE = ("0.0.0.0", "::")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.epilog = "example: fgsbir serve --index my/index"
    parser.add_argument("--index", type=Path, required=True, help="folder of an index, as fgsbir index writes it")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: this machine only)")
    port = "0 for any that is free (default: %(default)s)"
    parser.add_argument("--port", type=number(int, 0, 65535), default=8000, help=port)
    generator = f"folder of the G that sketches photos (default: {TRAINED}, if it is there)"
    parser.add_argument("--generator", type=Path, help=generator)
    parser.add_argument("--open", action="store_true", help="open the page in this machine's browser")
    proxy = "IP address of a proxy in front of the page, whose X-Forwarded-For is believed; may be repeated"
    parser.add_argument("--proxy", action="append", default=[], metavar="ADDRESS", help=proxy)
    name = "another host name of the page, as a proxy gives it; may be repeated"
    parser.add_argument("--name", action="append", default=[], help=name)


def run(options: argparse.Namespace) -> None:
    """Serve until interrupted. Raises DataError where that cannot be begun."""
    require(options.index, "a folder that fgsbir index has written")
    if options.generator:
        require(options.generator, "a folder of a generator")
    if not all(importlib.util.find_spec(name) for name in ("fastapi", "uvicorn")):
        raise DataError("the page needs FastAPI and uvicorn: pip install 'fgsbir[serve]'")
    logger.info("opening %s", options.index)  # what follows takes seconds

    from fgsbir.search.adaptation import Adapter
    from fgsbir.search.searcher import Searcher
    from fgsbir.search.sketching import PhotoSketcher
    from fgsbir.web.app import create_app
    from fgsbir.web.connection import listen, server_of
    from fgsbir.web.guard import LOOPBACK

    searcher = Searcher.open(options.index)
    generator = options.generator or (TRAINED if (TRAINED / "generator").is_dir() else None)
    sketcher = PhotoSketcher.load(generator) if generator else None
    try:
        listening = listen(options.host, options.port)
    except OSError as error:
        advice = "; give another --port" if options.port else ""
        place = f"{options.host}, port {options.port}"
        raise DataError(f"cannot listen at {place} ({error.strerror}){advice}") from None
    host = f"[{options.host}]" if ":" in options.host else options.host
    anywhere = options.host in ANYWHERE
    hosts = {*LOOPBACK, *options.name, *(("*", socket.gethostname()) if anywhere else (host,))}
    app = create_app(searcher, Adapter.of(searcher), sketcher, hosts=hosts)
    address = f"http://{'localhost' if anywhere else host}:{listening.getsockname()[1]}"
    logger.info("%d photos: %s (Ctrl+C ends)", len(searcher.gallery), address)
    if options.host not in ("localhost", "127.0.0.1", "::1"):
        logger.warning("whoever reaches this address sees the photos, and where they lie")
    if options.open:
        Thread(target=webbrowser.open, args=[address], daemon=True).start()  # some wait until they are closed
    # uvicorn ends in order, and then interrupts once more.
    with listening, suppress(KeyboardInterrupt):
        server_of(app, proxies=options.proxy).run(sockets=[listening])
