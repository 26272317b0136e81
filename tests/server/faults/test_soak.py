"""A daemon that all of a day happens to within a minute takes no more files and threads for it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.helpers.faults.soaking import Soak

EVALUATIONS = 40
"""Of each half; some are missed on a busy machine."""

MORE = 12
"""Files or threads that may be open at one moment more than at another: of clients and queries."""


@pytest.mark.slow
@pytest.mark.timeout(900)  # as long as so many evaluations take
def test_files_and_threads_do_not_grow(prometheus_binary: Path, tmp_path: Path):
    """`python -m bench.soak` does the same for an hour, and looks at memory as well."""
    with Soak(prometheus_binary, tmp_path, slos=5) as soak:
        most = []
        for half in (1, 2):
            taken = []
            while soak.figure("evaluations_total") < half * EVALUATIONS:
                taken.append(soak.vitals())
                time.sleep(0.5)
            most.append((max(v.files for v in taken), max(v.threads for v in taken)))
        (files, threads), (files_later, threads_later) = most
        assert files_later <= files + MORE
        assert threads_later <= threads + MORE
        assert 500 not in {status for _, status in soak.answered}
