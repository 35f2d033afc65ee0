"""Where to listen: a port that is ours alone, and who may reach it without a key."""

import ipaddress
import socket
import sys

from retail_forecast.domain.errors import PlaceError, UsageError
from retail_forecast.domain.settings import ServerSettings

__all__ = ["check_exposure", "hold_port", "url_of"]


def hold_port(host: str, port: int) -> tuple[socket.socket, str, int]:
    """Reserve `port` (0 = any free one) of `host`; returns the socket that holds it, the address and the port.

    The workers listen with SO_REUSEPORT, by which two servers could share a port unnoticed. So the port is first bound
    exclusively, which fails when anybody has it, and opened for our own workers afterwards. The holder never listens.

    Raises
    ------
    UsageError : `host` is no address of this machine
    PlaceError : the port is taken, or may not be used
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise UsageError(f"{host!r} is no address: {error.strerror}", where="--host", mend="give 127.0.0.1") from error
    holder = socket.socket(family, kind, protocol)
    try:
        # For the bind alone, so that connections of an earlier server that still close do not count as a listener.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(place)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except OSError as error:
        holder.close()
        raise PlaceError(
            f"port {port} of {host} cannot be used: {error.strerror}",
            where=f"{host}:{port}",
            mend="stop what listens there, or choose another --port (0 = any free one)",
        ) from error
    address, number = holder.getsockname()[:2]
    if sys.platform == "linux":
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    else:
        holder.close()
    return holder, address, number


def check_exposure(settings: ServerSettings, address: str) -> None:
    """Other machines are answered only when they must show a key.

    Raises
    ------
    UsageError : `address` can be reached from elsewhere and no key is configured
    """
    if (
        ipaddress.ip_address(address).is_loopback
        or settings.api_key_sha256
        or settings.api_keys
        or settings.trusted_network
    ):
        return
    raise UsageError(
        f"{address} can be reached from other machines, and no API key is configured",
        where="server.api_key_sha256",
        mend="set it to the SHA-256 of a key (`printf %s KEY | sha256sum`), or listen on 127.0.0.1",
    )


def url_of(address: str, port: int, scheme: str = "http") -> str:
    """Where a client on this machine finds the server."""
    parsed = ipaddress.ip_address(address)
    if parsed.is_unspecified:
        parsed = ipaddress.ip_address("127.0.0.1" if parsed.version == 4 else "::1")
    return f"{scheme}://[{parsed}]:{port}" if parsed.version == 6 else f"{scheme}://{parsed}:{port}"
