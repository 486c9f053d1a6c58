"""Files decoded by several threads, in their order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


def in_order(function: Callable[[Any], Any], values: Iterable[Any], workers: int, ahead: int) -> Iterator[Any]:
    """Map over threads and yield the results in order, at most `ahead` per worker ahead of their use: memory is bounded."""
    with ThreadPoolExecutor(workers) as pool:
        pending: deque[Future[Any]] = deque()
        for value in values:
            pending.append(pool.submit(function, value))
            if len(pending) >= workers * ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
