"""A lease is renewed while its holder works, and can be taken over once nobody renews it."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.leases import TERM, Lease, Note, hold
from retail_forecast.clouds.objects import create, exchange, read, read_marked
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import Conflict

Place = Callable[[str], Address]
NOW = datetime(2026, 11, 22, 15, 27, tzinfo=UTC)


class Rounds(threading.Event):
    """An end that comes after so many rounds, without waiting."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self._rounds = rounds

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - the signature is threading's
        self._rounds -= 1
        return self._rounds < 0


class Clock:
    """A time that is put on by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_it_is_renewed(cloud_place: Place) -> None:
    store, clock = open_store(cloud_place("lake")), Clock()
    lease = Lease(store, "lease", clock, "lake")
    clock.now = NOW + TERM / 2
    lease.keep_up(Rounds(2))
    assert msgspec.json.decode(read(store, "lease"), type=Note).until == NOW + TERM * 1.5
    clock.now = NOW + TERM
    lease.check()
    clock.now = NOW + TERM * 1.5
    with pytest.raises(Conflict, match="ran out"):
        lease.check()


def test_a_lost_answer_loses_nothing(cloud_place: Place) -> None:
    store, clock = open_store(cloud_place("lake")), Clock()
    lease = Lease(store, "lease", clock, "lake")
    payload, mark = read_marked(store, "lease")
    exchange(store, "lease", payload + b" ", mark)
    clock.now = NOW + TERM / 2
    lease.keep_up(Rounds(1))
    assert msgspec.json.decode(read(store, "lease"), type=Note).until == NOW + TERM * 1.5


def test_who_was_succeeded_is_told(cloud_place: Place) -> None:
    store, clock = open_store(cloud_place("lake")), Clock()
    lease = Lease(store, "lease", clock, "lake")
    with hold(store, "lease", lambda: NOW + TERM, where="lake"):
        lease.keep_up(Rounds(3))
        with pytest.raises(Conflict, match="ran out"):
            lease.check()
        lease.end()
        with pytest.raises(Conflict, match="another process is writing") as caught:
            Lease(store, "lease", clock, "lake")
        assert caught.value.where == "lake"


def test_a_lease_that_was_ended_is_free_at_once(cloud_place: Place) -> None:
    store = open_store(cloud_place("lake"))
    create(store, "lease", msgspec.json.encode(Note("somebody", None)))
    with hold(store, "lease", lambda: NOW, where="lake") as check:
        check()
