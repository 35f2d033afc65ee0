"""Ports that are ours alone, and who is answered without a key."""

import socket

import pytest

from retail_forecast.domain.errors import PlaceError, UsageError
from retail_forecast.domain.settings import ServerSettings
from retail_forecast_server.listening import check_exposure, hold_port, url_of

KEYED = ServerSettings(api_key_sha256=("0" * 64,))


def test_a_free_port_is_found_and_held() -> None:
    holder, address, port = hold_port("127.0.0.1", 0)
    with holder:
        assert address == "127.0.0.1"
        assert port > 0
        with pytest.raises(PlaceError, match="in use"):
            hold_port("127.0.0.1", port)


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PlaceError) as caught:
            hold_port("127.0.0.1", port)
    assert str(port) in str(caught.value)
    assert "--port" in caught.value.mend


def test_a_port_that_is_shared_is_taken_as_well() -> None:
    with socket.socket() as shared:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind(("127.0.0.1", 0))
        shared.listen()
        with pytest.raises(PlaceError):
            hold_port("127.0.0.1", shared.getsockname()[1])


def test_a_held_port_is_free_afterwards() -> None:
    holder, _, port = hold_port("127.0.0.1", 0)
    holder.close()
    hold_port("127.0.0.1", port)[0].close()


def test_a_host_that_is_no_address() -> None:
    with pytest.raises(UsageError, match="no address"):
        hold_port("no.such.host.invalid", 0)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9", "::1"])
def test_this_machine_needs_no_key(address: str) -> None:
    check_exposure(ServerSettings(), address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.0.0.7", "192.168.1.2"])  # noqa: S104 - it is refused
def test_elsewhere_a_key_is_needed_or_something_that_guards_the_network(address: str) -> None:
    with pytest.raises(UsageError, match="no API key"):
        check_exposure(ServerSettings(), address)
    check_exposure(KEYED, address)
    check_exposure(ServerSettings(trusted_network=True), address)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),  # noqa: S104 - it is never listened on here
        ("::1", "http://[::1]:80"),
        ("::", "http://[::1]:80"),
    ],
)
def test_where_a_client_of_this_machine_finds_it(address: str, url: str) -> None:
    assert url_of(address, 80) == url


@pytest.mark.parametrize("digest", ["", "abc", "A" * 64, "g" * 64, "0" * 65])
def test_a_digest_that_is_none_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="api_key_sha256"):
        ServerSettings(api_key_sha256=(digest,))
