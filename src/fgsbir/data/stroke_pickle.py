"""Reads numpy arrays out of a Python pickle without unpickling it.

Public stroke files are pickles from strangers, and unpickling one runs whatever it says. This is a small interpreter of
the pickle language instead: it knows the opcodes that CPython writes for dicts, lists and numbers, and the names that a
pickled numpy array refers to. It never imports or calls anything that the file names; arrays are built here from their
bytes. Protocols 0 to 5 are read, of Python 2 and 3, of numpy 1 and 2. All else is a DataError that says what was found.
"""

import codecs
import io
import math
import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fgsbir.data.records import DataError

_OPCODES = {op.code.encode("latin1"): op for op in pickletools.opcodes}
_VALUES = re.compile(
    r"INT|LONG1?|BININT[12]?|(BIN)?FLOAT|(SHORT_)?(BIN)?STRING|(SHORT_)?(BIN)?UNICODE8?|(SHORT_)?BINBYTES8?|BYTEARRAY8"
)
_VALUE_OPCODES = frozenset(op.name for op in pickletools.opcodes if _VALUES.fullmatch(op.name))
_NUMERIC = re.compile(r"[iu][1248]|f[248]")
_OBJECT = re.compile(r"O[48]?")
# All arrays together, and all texts turned to bytes, have at most so many times the bytes of the file: a bomb can name
# the same ones a million times.
TIMES = 16

# The names that a pickled array may refer to, in the modules of numpy 1 and numpy 2.
_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy._core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy.core.numeric", "_frombuffer"): "frombuffer",
    ("numpy._core.numeric", "_frombuffer"): "frombuffer",
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",  # how protocols 0 to 2 of Python 3 spell bytes
    ("__builtin__", "bytes"): "bytes",  # and no bytes at all
    ("builtins", "bytes"): "bytes",
}


@dataclass(frozen=True, slots=True)
class _Name:
    """One of the admitted names, as a value on the stack."""

    role: str


@dataclass(slots=True, eq=False)
class _Dtype:
    code: str
    byteorder: str = "="


@dataclass(slots=True, eq=False)
class _Array:
    """An array that the file has announced; ``values`` is a list for an array of objects."""

    values: np.ndarray | list[Any] | None = None


class _Refused(Exception):
    """The pickle holds something other than arrays; the message says what."""


def load_array_dict(data: bytes, name: str) -> dict[str, np.ndarray]:
    """Read a pickled dict of str to numeric arrays, read-only views of the file's bytes. DataError naming ``name``."""
    found = _interpret(data, name)
    if not isinstance(found, dict):
        raise _error(name, f"{_describe(found)} where the dict should be")
    places = [f"under key {key!r}" for key in found]
    return dict(zip(found, _numeric(list(found.values()), places, data, name), strict=True))


def load_array_list(data: bytes, name: str) -> list[np.ndarray]:
    """Read a pickled object array (or list) whose elements are numeric arrays; errors as above."""
    found = _interpret(data, name)
    elements = found.values if isinstance(found, _Array) else found
    if not isinstance(elements, list):
        raise _error(name, f"{_describe(found)} where a list of arrays should be")
    return _numeric(elements, [f"at position {position}" for position in range(len(elements))], data, name)


def _numeric(values: list[Any], places: list[str], data: bytes, name: str) -> list[np.ndarray]:
    arrays = []
    for value, place in zip(values, places, strict=True):
        if not isinstance(value, _Array) or not isinstance(value.values, np.ndarray):
            raise _error(name, f"{_describe(value)} {place}")
        arrays.append(value.values)
    total = sum(array.nbytes for array in arrays)
    if total > TIMES * len(data):
        raise _error(name, f"arrays of {total:,} bytes in a file of {len(data):,}")
    return arrays


def _interpret(data: bytes, name: str) -> Any:
    machine = _Machine(data)
    try:
        return machine.run()
    except _Refused as refusal:
        raise _error(name, str(refusal)) from None
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        where = machine.stream.tell()
        raise _error(name, f"damage near byte {where} of {len(data)} ({error})") from None


def _error(name: str, found: str) -> DataError:
    return DataError(f"{name}: expected a pickle of numeric numpy arrays only, found {found}")


class _Machine:
    """The stack machine of the pickle language, without the opcodes that make or call objects."""

    def __init__(self, data: bytes) -> None:
        self.stream = io.BytesIO(data)
        self.stack: list[Any] = []
        self.marked: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.left = TIMES * len(data)
        self.actions: dict[str, Callable[[Any], None]] = {
            **dict.fromkeys(("PROTO", "FRAME"), lambda _: None),
            **dict.fromkeys(_VALUE_OPCODES, self._push),
            "NONE": lambda _: self._push(None),
            "NEWTRUE": lambda _: self._push(True),
            "NEWFALSE": lambda _: self._push(False),
            "MARK": self._mark,
            "EMPTY_LIST": lambda _: self._push([]),
            "EMPTY_DICT": lambda _: self._push({}),
            "EMPTY_TUPLE": lambda _: self._push(()),
            "LIST": lambda _: self._push(self._to_mark()),
            "TUPLE": lambda _: self._push(tuple(self._to_mark())),
            "TUPLE1": lambda _: self._push(self._last(1)),
            "TUPLE2": lambda _: self._push(self._last(2)),
            "TUPLE3": lambda _: self._push(self._last(3)),
            "DICT": lambda _: self._new_dict(self._to_mark()),
            **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), self._put),
            **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda position: self._push(self.memo[position])),
            "MEMOIZE": lambda _: self._put(len(self.memo)),
            "APPEND": lambda _: self._append([self.stack.pop()]),
            "APPENDS": lambda _: self._append(self._to_mark()),
            "SETITEM": lambda _: self._set([self.stack.pop(-2), self.stack.pop()]),
            "SETITEMS": lambda _: self._set(self._to_mark()),
            "GLOBAL": lambda names: self._name(*names.split(" ", 1)),
            "STACK_GLOBAL": lambda _: self._name(self.stack.pop(-2), self.stack.pop()),
            "REDUCE": lambda _: self._reduce(),
            "BUILD": lambda _: self._build(),
        }

    def run(self) -> Any:
        while True:
            code = self.stream.read(1)
            op = _OPCODES.get(code)
            if op is None:
                raise _Refused("an early end" if not code else f"byte {code!r}, which is no pickle opcode")
            # pickletools reads this one argument as ASCII only, but Python 2 puts array bytes in it.
            read = _read_python2_string if op.name == "STRING" else op.arg.reader if op.arg else None
            argument: Any = read(self.stream) if read else None
            if op.name == "STOP":
                return self.stack.pop()
            if op.name not in self.actions:
                raise _Refused(f"opcode {op.name} {'' if argument is None else argument!r}".strip())
            self.actions[op.name](argument)

    def _push(self, value: Any) -> None:
        self.stack.append(value)

    def _last(self, number: int) -> tuple[Any, ...]:
        return tuple(reversed([self.stack.pop() for _ in range(number)]))

    def _mark(self, _: Any) -> None:
        self.marked.append(self.stack)
        self.stack = []

    def _to_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marked.pop()
        return items

    def _put(self, position: int) -> None:
        self.memo[position] = self.stack[-1]

    def _append(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise _Refused(f"items appended to {_describe(self.stack[-1])}")
        self.stack[-1].extend(items)

    def _new_dict(self, items: list[Any]) -> None:
        self.stack.append({})
        self._set(items)

    def _set(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise _Refused(f"items set on {_describe(target)}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Checked before hashing: a nested tuple as key can take for ever to hash.
            if not isinstance(key, str):
                raise _Refused(f"{_describe(key)} as a key")
            if key in target:
                raise _Refused(f"key {key!r} twice")
            target[key] = value

    def _name(self, module: Any, name: Any) -> None:
        if not (isinstance(module, str) and isinstance(name, str)):  # nested tuples can take for ever to print
            raise _Refused(f"a reference to {_describe(module)} in {_describe(name)}")
        role = _NAMES.get((module, name))
        if role is None:
            raise _Refused(f"a reference to {module}.{name}")
        self.stack.append(_Name(role))

    def _reduce(self) -> None:
        arguments, called = self.stack.pop(), self.stack.pop()
        match getattr(called, "role", None), arguments:
            case "reconstruct", (_Name("ndarray"), tuple(), bytes() | str()):
                self.stack.append(_Array())
            case "dtype", (str(code), *_):
                self.stack.append(_Dtype(code))
            case "encode", (str(text), "latin1" | "latin-1"):
                self.stack.append(self._encoded(text))
            case "bytes", ():
                self.stack.append(b"")
            case "frombuffer", (bytes() | bytearray() as buffer, _Dtype() as dtype, tuple(shape), "C" | "F" as order):
                self.stack.append(_Array(_array_of(buffer, dtype, shape, order)))
            case "frombuffer", (bytes() | bytearray() as buffer, _Dtype() as dtype, tuple(shape), order, None):
                self.stack.append(_Array(_array_of(buffer, dtype, shape, order)))
            case _:
                raise _Refused(f"a call of {_describe(called)} with {_describe(arguments)}")

    def _build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        match target, state:
            case _Array(values=None), (int(), tuple(shape), _Dtype() as dtype, bool() | int() as fortran, contents):
                contents = self._encoded(contents) if isinstance(contents, str) else contents
                target.values = _array_of(contents, dtype, shape, "F" if fortran else "C")
            case _Dtype(), (int(), "<" | ">" | "|" | "=" as byteorder, None, None, None, *_):
                target.byteorder = byteorder
            case _:
                raise _Refused(f"a state of {_describe(state)} for {_describe(target)}")

    def _encoded(self, text: str) -> bytes:
        self.left -= len(text)
        if self.left < 0:
            raise _Refused(f"texts of over {TIMES} times the file's size")
        return text.encode("latin1")


def _array_of(contents: Any, dtype: _Dtype, shape: tuple[Any, ...], order: Any) -> np.ndarray | list[Any]:
    if not all(isinstance(side, int) and 0 <= side < 1 << 40 for side in shape) or len(shape) > 4 or order not in "CF":
        raise _Refused("an array of impossible shape")  # not shown: nested tuples can take for ever to print
    if _OBJECT.fullmatch(dtype.code) and isinstance(contents, list) and shape == (len(contents),):
        return contents
    if not _NUMERIC.fullmatch(dtype.code):
        raise _Refused(f"an array of dtype {dtype.code!r}")
    if not isinstance(contents, bytes | bytearray):
        raise _Refused(f"{_describe(contents)} as the bytes of an array")
    code = np.dtype(("=" if dtype.byteorder == "|" else dtype.byteorder) + dtype.code)
    if len(contents) != math.prod(shape) * code.itemsize:
        raise _Refused(f"{len(contents)} bytes for an array of {code} {shape}")
    return np.frombuffer(contents, code).reshape(shape, order=order)


def _describe(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, _Name):
        return f"numpy's {value.role}"
    if isinstance(value, _Array):
        return "an array of objects" if isinstance(value.values, list) else "an array"
    kind = type(value).__name__.lstrip("_").lower()
    return f"{kind} {value!r:.60}" if isinstance(value, int | float | str) else f"a {kind}"


def _read_python2_string(stream: Any) -> str:
    line = stream.readline()
    if not line.endswith(b"\n") or line[:1] not in (b"'", b'"') or line[-2:-1] != line[:1] or len(line) < 3:
        raise ValueError("string without its quotes")
    return codecs.escape_decode(line[1:-2])[0].decode("latin1")
