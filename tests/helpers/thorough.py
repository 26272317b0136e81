"""With how many examples a property is tried: some in `make test`, all in `make test-slow`.

Hypothesis draws other examples in every run, so that over some runs as many are tried.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import settings

PART = 5
Test = TypeVar("Test", bound=Callable[..., object])


def examples(count: int) -> Callable[[Test], Test]:
    """A property that `make test-slow` tries with so many examples, `make test` with a fifth."""
    chosen = count if os.environ.get("THOROUGH") else -(-count // PART)

    def decorate(test: Test) -> Test:
        return pytest.mark.thorough(settings(max_examples=chosen)(test))

    return decorate
