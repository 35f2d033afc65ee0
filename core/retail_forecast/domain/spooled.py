"""What the prediction log keeps of an answer, and the segments of the spool that it is kept in on its way to the lake.

A segment is a file of messages, each with its length before it: whoever is killed while writing leaves whole messages
and at most one torn one, which is not read. A segment that is being written is locked; it is finished when it has been
renamed, or when its writer is gone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

__all__ = ["FINISHED", "OPEN", "Entry", "Segment", "framed", "read_segment", "segments"]

OPEN, FINISHED = ".open", ".ready"
_NAME = re.compile(r"([0-9a-f]{16})-(\d{8})(\.open|\.ready)")
_LENGTH = 4


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One answer.

    Attributes
    ----------
    request_id, position : of the request, and of the basket in it
    time : when it was answered, in seconds of the Unix epoch
    model_version, task : what answered
    basket_id : as it was given
    input_sha256 : of the basket as JSON; no code of a customer stands in the log
    features : float32, as bytes in the machine's order
    probabilities : of LA, MM, UM, XX
    history_week : YYYYWW, up to which customers and stores were known; None where that was not looked at
    """

    request_id: str
    position: int
    time: float
    model_version: str
    task: str
    basket_id: str | None
    input_sha256: str
    features: bytes
    probabilities: tuple[float, float, float, float]
    label: str
    unknown_share: float
    history_week: int | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of the spool: number `number` of what `writer` wrote, from 1 without gaps."""

    path: Path
    writer: str
    number: int

    @property
    def finished(self) -> bool:
        """Whether its writer has closed it."""
        return self.path.suffix == FINISHED


def segments(folder: Path) -> list[Segment]:
    """The segments in `folder`, by writer and number."""
    names = ((file, _NAME.fullmatch(file.name)) for file in folder.glob("*-*"))
    found = [Segment(file, name[1], int(name[2])) for file, name in names if name]
    return sorted(found, key=lambda segment: (segment.writer, segment.number))


def framed(payload: bytes) -> bytes:
    """A message as it stands in a segment."""
    return len(payload).to_bytes(_LENGTH, "big") + payload


def read_segment(path: Path) -> Iterator[Entry]:
    """The answers in a segment, as far as its messages are whole."""
    decoder = msgspec.msgpack.Decoder(list[Entry])
    with path.open("rb") as file:
        while len(head := file.read(_LENGTH)) == _LENGTH:
            payload = file.read(size := int.from_bytes(head, "big"))
            if len(payload) < size:
                return
            yield from decoder.decode(payload)
