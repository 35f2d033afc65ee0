"""Open the store behind an address."""

from pathlib import Path

from obstore.store import LocalStore, ObjectStore

__all__ = ["open_store"]


def open_store(address: str | Path) -> ObjectStore:
    """The object store at `address`, a local folder that is made when it is missing."""
    folder = Path(address)
    folder.mkdir(parents=True, exist_ok=True)
    return LocalStore(folder.resolve())
