"""Lines that are written into forms are those that are written one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition.line_forms import LineForms
from exporter.exposition.text import label, write_lines
from tests.helpers.thorough import examples

NUMBERS = st.sampled_from([0.0, 1.0, -0.25, 2.5e-5, 1e-300, 1e16, 7e22, np.inf, -np.inf, np.nan])
VALUES = st.sampled_from(
    ["eu", "100%", "%s", "%%(a)s", 'a"b', "a\\b", "a\nb", "\x00", "\u2028", ""]
)


@st.composite
def pages(draw):
    """Metrics of the same series, one after the other, and again: some labels may be others."""
    series = draw(st.lists(VALUES, min_size=1, max_size=4))
    found = []
    for name in draw(st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=3)):
        more = draw(st.sampled_from([[""], ['window="5m"', 'window="1h"', 'window="%d"']]))
        size = len(series) * len(more)
        values = draw(st.lists(NUMBERS, min_size=size, max_size=size))
        known = draw(st.lists(st.booleans(), min_size=size, max_size=size))
        found.append((name, series, more, values, known))
    return found


@examples(200)
@given(st.lists(pages(), min_size=1, max_size=3))
def test_lines_are_as_if_each_was_written(drawn):
    """Whatever is known, and whatever was written before."""
    forms = LineForms()
    for page in drawn:
        forms.turn()
        for name, series, more, values, known in page:
            labels = [label("region", value) for value in series]
            k = len(more)
            points = [
                [(more[j], values[i * k + j]) for j in range(k) if known[i * k + j]]
                for i in range(len(labels))
            ]
            shape = len(labels), k
            arrays = np.array(values).reshape(shape), np.array(known).reshape(shape)
            written = forms.write(name, (0, labels), more, *arrays)
            assert written == write_lines(name, zip(labels, points, strict=True))
