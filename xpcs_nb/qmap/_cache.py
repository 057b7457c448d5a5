"""What was asked for lately, within a bound of memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

__all__ = ["BoundedCache"]


class BoundedCache[Value]:
    """A mapping that forgets what was not asked for longest when it exceeds its size.

    Parameters
    ----------
    most
        Bytes it may hold.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._items: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Value | None:
        """Return what is held for `key`, or None."""
        with self._lock:
            if key not in self._items:
                return None
            self._items.move_to_end(key)
            return self._items[key][0]

    def put(self, key: Hashable, value: Value, size: int) -> None:
        """Hold `value`, of `size` bytes."""
        with self._lock:
            if key in self._items:
                self._size -= self._items.pop(key)[1]
            self._items[key] = (value, size)
            self._size += size
            while self._size > self._most and len(self._items) > 1:
                _, (_, gone) = self._items.popitem(last=False)
                self._size -= gone

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._size
