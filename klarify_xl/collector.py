"""Lets Python's garbage collector rest while very many objects are made that stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector for what runs within; a decorator, too.

    Plans are hundreds of thousands of objects without cycles. The collector would look through
    them again and again as they become more, which takes as long as making them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
