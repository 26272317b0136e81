"""Which shard has a service."""

from __future__ import annotations

import pytest

from exporter.slo.sharding import placed, shard_of

SERVICES = [f"service-{number}" for number in range(4_000)]


class TestPlaces:
    def test_are_the_same_in_every_process_and_version(self):
        """Written down: daemons of two versions may run side by side."""
        found = [shard_of(name, 10) for name in ("well", "slow", "auth", "spent", "ünïcode", "")]
        assert found == [7, 2, 5, 6, 0, 9]

    def test_one_daemon_has_all(self):
        """Without shards."""
        assert set(placed(SERVICES, 1).values()) == {0}

    @pytest.mark.parametrize("total", [2, 3, 9, 10])
    def test_every_shard_has_its_share(self, total):
        """Within what chance allows."""
        homes = list(placed(SERVICES, total).values())
        for number in range(total):
            assert homes.count(number) == pytest.approx(len(SERVICES) / total, rel=0.15)

    @pytest.mark.parametrize("total", [1, 2, 3, 9])
    def test_one_more_takes_its_share_and_nothing_else_moves(self, total):
        """And one less gives back what it had."""
        before, after = placed(SERVICES, total), placed(SERVICES, total + 1)
        moved = [name for name in SERVICES if before[name] != after[name]]
        assert {after[name] for name in moved} == {total}
        assert len(moved) == pytest.approx(len(SERVICES) / (total + 1), rel=0.15)
