"""The champion pointer, read from a workspace folder without a storage library.

`registry` writes it as a journal: numbered JSON files under `registry/champions/<task>`, of which the newest is in
force. A server needs to know no more than that.
"""

import re
from pathlib import Path
from typing import Annotated

import msgspec

from retail_forecast.domain.errors import BundleError
from retail_forecast.domain.tasks import Task

__all__ = ["BUNDLES", "CHAMPIONS", "Pointer", "champion_folder", "read_pointer"]

CHAMPIONS = "registry/champions"
BUNDLES = "registry/bundles"

_ENTRY = re.compile(r"\d+\.json")


class Pointer(msgspec.Struct, frozen=True):
    """What is in force for a task.

    Attributes
    ----------
    version : number of the journal's entry
    run_id, bundle_digest : the bundle that answers
    """

    version: int
    run_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")]
    bundle_digest: str


def read_pointer(workspace: Path, task: Task, below: int | None = None) -> Pointer | None:
    """The champion of `task` in `workspace`; None while there is none.

    Parameters
    ----------
    below : look at entries before that number only, for the champion that was in force before

    Raises
    ------
    BundleError : the newest entry cannot be read
    """
    folder = workspace / CHAMPIONS / task
    found = [file for file in folder.glob("*.json") if _ENTRY.fullmatch(file.name)]
    entries = [file for file in found if below is None or int(file.stem) < below]
    if not entries:
        return None
    newest = max(entries, key=lambda file: int(file.stem))
    try:
        return msgspec.json.decode(newest.read_bytes(), type=Pointer)
    except (msgspec.MsgspecError, UnicodeDecodeError, OSError) as error:
        raise BundleError(
            f"the champion pointer cannot be read: {error}",
            where=str(newest),
            mend="restore the file, or promote a run again",
        ) from error


def champion_folder(workspace: Path, pointer: Pointer) -> Path:
    """Folder of the bundle that `pointer` names."""
    return workspace / BUNDLES / pointer.run_id
