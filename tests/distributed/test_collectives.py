"""The collectives: sums, who can reach them, and whose fault a failure was."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from retail_forecast.domain.errors import UsageError
from retail_forecast.models.distributed import collective_of
from retail_forecast.models.learners import learner
from retail_forecast.models.meeting import Meeting

HOST = "127.0.0.1"
LEARNERS = ["xgboost", pytest.param("embedding", marks=pytest.mark.torch)]


def listening() -> set[tuple[str, int]]:
    """Addresses and ports that this process listens on."""
    found = psutil.Process().net_connections("tcp")
    return {(one.laddr.ip, one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN}


@pytest.fixture
def meeting() -> Meeting:
    """Of a host with itself."""
    return Meeting((HOST,), HOST, 0, 0, 30, 30, "lo")


@pytest.mark.parametrize("name", LEARNERS)
def test_a_sum_keeps_type_and_values(name: str, meeting: Meeting) -> None:
    collective = collective_of(learner(name))
    collective.join(meeting, collective.open(meeting))
    for values in (np.array([1.5, -2.0]), np.array([2**60 + 1, 3])):
        summed = collective.total(values)
        assert summed.dtype == values.dtype
        np.testing.assert_array_equal(summed, values)
    collective.leave(meeting)


@pytest.fixture
def alarms() -> Iterator[list[int]]:
    """Signals every half millisecond, as they come."""
    seen: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: seen.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    yield seen
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", LEARNERS)
def test_signals_do_not_disturb(name: str, meeting: Meeting, alarms: list[int]) -> None:
    for _ in range(5):
        collective = collective_of(learner(name))
        collective.join(meeting, collective.open(meeting))
        assert collective.total(np.array([1.5])).tolist() == [1.5]
        collective.leave(meeting)
    assert alarms, "they were let through again"


@pytest.mark.torch
def test_gloo_listens_on_the_hosts_own_address_only(meeting: Meeting) -> None:
    collective = collective_of(learner("embedding"))
    before = listening()
    collective.join(meeting, collective.open(meeting))
    opened = listening() - before
    collective.leave(meeting)
    assert opened
    assert {address for address, _ in opened} == {HOST}


@pytest.mark.torch
@pytest.mark.skipif(sys.platform != "linux", reason="io_uring is of Linux")
def test_gloo_opens_no_ring(meeting: Meeting) -> None:
    """When one is closed, Linux interrupts reads of the thread, and XGBoost would take that for a lost host."""
    collective = collective_of(learner("embedding"))
    collective.join(meeting, collective.open(meeting))
    held = [file.readlink().name for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    collective.leave(meeting)
    assert [name for name in held if "io_uring" in name] == []


@pytest.mark.torch
def test_a_fault_of_the_program_is_not_taken_for_a_lost_host() -> None:
    import torch

    collective = collective_of(learner("embedding"))
    with pytest.raises(collective.failure) as fault:
        torch.zeros(2) @ torch.zeros(3)
    assert collective.reason(fault.value) is None


@pytest.mark.torch
def test_a_connection_that_ended_is_named() -> None:
    from torch.distributed import DistNetworkError

    reason = collective_of(learner("embedding")).reason
    text = "Connection closed by peer"
    assert reason(RuntimeError(f"[/src/third_party/gloo/gloo/transport/tcp/pair.cc:538] {text}")) == text
    assert reason(DistNetworkError(text)) == text


def test_a_missing_library_is_named_before_the_hosts_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match="PyTorch"):
        collective_of(learner("embedding"))
