"""Which series of an answer is whose, kept for the next answer: mostly it has the same series."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Dealt:
    """Of an answer with some series, which are at each place; filled in by whoever works it out."""

    def __init__(self, digest: bytes) -> None:
        self.digest = digest
        self.of: dict[tuple[int, tuple[str, ...]], list[int]] | None = None
        self.numbers: NDArray[np.intp] | None = None


class Dealing:
    """The newest answer's, as long as the next one has the same series in the same order.

    Of its labels a digest is kept: they are many, and another answer has others.
    """

    def __init__(self) -> None:
        self._last: Dealt | None = None

    def of(self, digest: bytes) -> Dealt:
        """What is known of an answer whose series have labels of this digest."""
        last = self._last
        if last is None or last.digest != digest:
            last = self._last = Dealt(digest)
        return last
