"""Files of a call that lie in a store: brought here before, and put there after."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from retail_forecast.clouds.addresses import Address, local_folder
from retail_forecast.clouds.faults import told_as_place
from retail_forecast.clouds.objects import download, upload
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import UsageError

__all__ = ["here", "there"]


@contextmanager
def here(sources: Sequence[Address]) -> Iterator[list[str]]:
    """`sources`, where a folder in a store is replaced by copies of its files, which are gone afterwards.

    Raises
    ------
    UsageError : nothing lies in a folder
    PlaceError : a store cannot be read
    """
    with TemporaryDirectory(prefix="retail-forecast-brought-") as room:
        found: list[str] = []
        for number, source in enumerate(sources):
            if local_folder(source) is None:
                found += _brought(source, Path(room, str(number)))
            else:
                found.append(str(source))
        yield found


@contextmanager
def there(output: Address) -> Iterator[Path]:
    """A file of this machine to write, which lies at `output` once the block has ended well.

    Raises
    ------
    PlaceError : the store cannot be written
    """
    file = local_folder(output)
    if file is not None:
        yield file
        return
    folder, _, name = str(output).rpartition("/")
    with TemporaryDirectory(prefix="retail-forecast-made-") as room:
        yield Path(room, name)
        with told_as_place(output):
            upload(open_store(folder), {name: Path(room, name)})


def _brought(source: Address, folder: Path) -> list[str]:
    with told_as_place(source):
        files = download(open_store(source), folder)
    if not files:
        raise UsageError("no file is there", where=str(source), mend="name a folder that holds some")
    return sorted(map(str, files))
