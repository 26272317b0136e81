"""Pages of which most is kept from the one before: the same as if all of it were written."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from exporter.exposition import page_cache
from exporter.exposition.families import families
from exporter.exposition.gzip_pieces import Piece, gzip_of
from exporter.exposition.keys import KEYS
from exporter.exposition.page_cache import PageCache
from exporter.exposition.publisher import Form, Publisher
from exporter.exposition.selection import EVERYTHING, NAMES, USED, WINDOWED, Selection
from exporter.exposition.text import write_family
from exporter.slo.alerting import Alerting
from exporter.slo.maintenance import one_off
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Override, TierChange
from exporter.slo.snapshot import Snapshot
from exporter.slo.types import DAY
from tests.helpers.exposition.drawn import some_firings
from tests.helpers.samples import AT, slo, snapshot, subject
from tests.helpers.thorough import examples

GZIPPED = Form(openmetrics=True, gzipped=True)

SLOS = (
    slo("99.9"),
    slo("99", name="latency", period=7 * DAY, group_by=("region",)),
    slo("99.9", service="shop", labels={"team": 'a "b"'}, alerting=Alerting(name="ShopBurns")),
    slo("95", service="shop", name="idle", maintenance=(one_off(AT - 60, AT + 60, "a move"),)),
)

moments = st.sampled_from([AT - 7_200, AT - 600, AT])
policy_states = st.builds(
    PolicyState,
    changes=st.lists(
        st.builds(
            TierChange,
            at=moments,
            before=st.sampled_from([None, "normal"]),
            after=st.sampled_from(["normal", "slow_down", "exhausted"]),
            policy=st.just("default"),
            remaining=st.just(0.4),
            window=st.none(),
            burn_rate=st.none(),
        ),
        max_size=2,
    ).map(tuple),
    firings=some_firings(moments),
)
sums = st.tuples(
    st.sampled_from([0.0, 1.0, 3.0, 70.0]), st.sampled_from([0.0, 100.0]), st.sampled_from([0.0, 1])
)


@st.composite
def snapshots(draw):
    """The same SLOs, of which most are as before; some may be gone."""
    found = []
    for each in draw(st.lists(st.sampled_from(SLOS), min_size=1, max_size=4, unique_by=id)):
        groups = {"region": draw(st.sampled_from(["eu", "us"]))} if each.group_by else {}
        one = replace(
            subject(each, groups=groups, answered=draw(st.booleans())),
            policy_state=draw(policy_states),
            recovery=draw(st.sampled_from([None, AT + 60.0])),
            waiting=draw(st.booleans()),
            lag=draw(st.sampled_from([0.0, 60.0])),
            invalid=draw(st.sampled_from([None, None, "it cannot be"])),
        )
        found.append((one, draw(sums)))
    shot = snapshot(*found)
    override = Override("shop", None, "ann", "a fix", AT - 60, AT + 600)
    over = draw(st.booleans())
    return replace(
        shot,
        slos=tuple(replace(each, override=override if over else None) for each in shot.slos),
        overrides={"shop": 1} if over else {},
    )


def plain(of: Snapshot, selection: Selection, *, openmetrics: bool) -> str:
    """Every line written, whatever was before."""
    parts = [write_family(*family, openmetrics=openmetrics) for family in families(of, selection)]
    return "".join(parts) + ("# EOF\n" if openmetrics else "")


class TestPages:
    @examples(60)
    @given(
        st.lists(snapshots(), min_size=2, max_size=4),
        st.sampled_from([EVERYTHING, USED, Selection(windows=frozenset({"5m"}))]),
        st.integers(1, 3),
    )
    def test_they_are_as_if_all_were_written(self, shots, selection, together):
        """Snapshot after snapshot, in both forms, whatever has changed."""
        cache = PageCache()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(page_cache, "TOGETHER", together)
            for shot in shots:
                for openmetrics in (True, False):
                    page = cache.render("# own\n", shot, selection, openmetrics=openmetrics)
                    expected = "# own\n" + plain(shot, selection, openmetrics=openmetrics)
                    assert gzip.decompress(page).decode() == expected

    def test_what_has_not_changed_is_not_written_again(self, monkeypatch):
        """Of three SLOs one gets another tier: its own lines are, and those that always change."""
        written = []

        def of(text):
            written.append(text if isinstance(text, str) else text.decode())
            return Piece.of(text)

        monkeypatch.setattr(page_cache, "TOGETHER", 1)
        shot = snapshot(*((subject(slo(name=name)), (1, 100, 1)) for name in "abc"))
        cache = PageCache()
        cache.render("", shot, EVERYTHING, openmetrics=True)
        worse = replace(shot.slos[1], tier=shot.slos[1].slo.policy.tiers[0])
        monkeypatch.setattr(page_cache, "Piece", type("P", (), {"of": staticmethod(of)}))
        cache.render(
            "",
            replace(shot, slos=(shot.slos[0], worse, shot.slos[2])),
            EVERYTHING,
            openmetrics=True,
        )
        again = "".join(written)
        assert again.count("slo_policy_tier{") == len(worse.slo.policy.tiers)
        assert "slo_burn_rate_threshold{" not in again
        assert again.count("slo_last_slot_timestamp_seconds{") in (0, 3)

    def test_all_keys_are_of_metrics_that_are_there(self):
        """And of none whose windows are chosen by configuration."""
        assert set(NAMES) >= KEYS.keys()
        assert not WINDOWED & KEYS.keys()

    def test_unpacked_and_gzipped_are_the_same(self):
        """A page that is asked for in both ways."""
        publisher = Publisher(CollectorRegistry())
        publisher.publish(snapshot((subject(slo()), (1, 100, 1))))
        for openmetrics in (True, False):
            gzipped = publisher.page(Form(openmetrics, gzipped=True))
            text = publisher.page(Form(openmetrics, gzipped=False))
            assert gzip.decompress(gzipped) == text
            assert b"slo_burn_rate{" in text


class TestGzipOf:
    @given(st.lists(st.text(max_size=300), max_size=8))
    def test_it_is_one_file_with_its_own_checksum(self, texts):
        """One member: readers that stop after the first have all of it."""
        page = gzip_of([Piece.of(text) for text in texts])
        reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
        assert reader.decompress(page).decode() == "".join(texts)
        assert reader.eof
        assert not reader.unused_data

    @pytest.mark.parametrize("length", [0, 1, 255, 256, 70_000, 1_000_003])
    def test_its_checksum_holds_for_any_length(self, length):
        """Python's reader refuses a file whose checksum is wrong."""
        texts = ["a" * length, "b" * (length // 3 + 1), "c"]
        assert gzip.decompress(gzip_of(map(Piece.of, texts))).decode() == "".join(texts)

    def test_it_is_as_small_as_zlib_makes_it(self):
        """Or a little smaller: what is saved of CPU is not paid for in bytes."""
        lines = (f'slo_burn_rate{{service="s{i}",window="1h"}} {i / 7}\n' for i in range(2_000))
        text = "".join(lines).encode()
        assert len(gzip_of([Piece.of(text)])) < 1.1 * len(zlib.compress(text, level=1))
