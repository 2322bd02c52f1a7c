"""A memory of what was used last."""

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """At most ``size`` values; the one that has not been asked for the longest goes first. For any threads."""

    def __init__(self, size: int) -> None:
        self._size, self._values, self._lock = size, OrderedDict[Key, Value](), Lock()

    def get(self, key: Key) -> Value | None:
        """The value of ``key``, if it is still there."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Remember ``value``."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)
