"""The watch: hosts meet, a goodbye is no loss, an end without one and a long silence are."""

import queue
import socket
import threading
from collections.abc import Iterator

import pytest

from retail_forecast.clouds.local_hosts import free_port
from retail_forecast.clouds.watch import Watch, follow, lead, tell
from retail_forecast.domain.errors import PlaceError

HOST = "127.0.0.1"
WAIT_S = 30

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Connections of the first host to the second, and of the second to the first."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_hosts_meet_where_the_first_says() -> None:
    address = (HOST, free_port(HOST))
    met: queue.Queue[dict[str, object]] = queue.Queue()

    def come() -> None:
        connection, meeting = follow(address, "second", WAIT_S)
        with connection:
            met.put(meeting)

    thread = threading.Thread(target=come)
    thread.start()
    connections = lead(address, ["second"], WAIT_S)
    tell(connections, {"port": 7})
    thread.join()
    assert met.get(timeout=WAIT_S) == {"port": 7}
    assert list(connections) == ["second"]
    connections["second"].close()


def test_a_first_host_that_is_not_there_is_told() -> None:
    with pytest.raises(PlaceError, match="first host cannot be reached"):
        follow((HOST, free_port(HOST)), "second", 0.1)


def test_an_end_without_a_goodbye_is_a_lost_host(pair: Pair) -> None:
    lost: queue.Queue[str] = queue.Queue()
    Watch({"second": pair[0]}, WAIT_S, lost.put).start()
    pair[1].close()
    assert lost.get(timeout=WAIT_S) == "second"


def test_silence_beyond_the_patience_is_a_lost_host(pair: Pair) -> None:
    lost: queue.Queue[str] = queue.Queue()
    Watch({"second": pair[0]}, 0.2, lost.put).start()
    assert lost.get(timeout=WAIT_S) == "second"


def test_signs_of_life_and_a_goodbye_are_no_loss(pair: Pair) -> None:
    lost: queue.Queue[str] = queue.Queue()
    first = Watch({"second": pair[0]}, WAIT_S, lost.put)
    second = Watch({"first": pair[1]}, WAIT_S, lost.put)
    first.start()
    second.start()
    second.close(goodbye=True)
    first.close(goodbye=True)
    while not all(connection.fileno() == -1 for connection in pair):
        threading.Event().wait(0.01)
    assert lost.empty()
