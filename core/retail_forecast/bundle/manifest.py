"""The manifest of a bundle: what it is, what it was learned from, and the digest of every file beside it.

A bundle is a folder: `manifest.json`, `model.onnx`, the product table (`products.json`, `products.npy`) or the
vocabularies (`vocabularies.json`), for `arrival` the history of customers and stores as of the last learned week
(`history.json`, `history.npz`), and the model card. Its digest is the sha256 of its manifest, which covers all other
files by theirs.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from retail_forecast.domain.errors import BundleError
from retail_forecast.domain.labels import LabelSource
from retail_forecast.domain.tasks import Task

__all__ = ["FORMAT", "MANIFEST", "Manifest", "digest_of", "model_digest", "read_manifest", "write_bundle"]

FORMAT: Literal[1] = 1
"""Version of the layout; a bundle of another version is refused, never guessed at."""

MANIFEST = "manifest.json"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of a bundle without opening its model.

    Attributes
    ----------
    format : layout version
    run_id, task, model, created_at : the run that made it
    features : names of the model's inputs, in order
    temperature, noise : of `calibration.calibrate`, fitted on the calibration window
    prior : shares of LA, MM, UM, XX among the training baskets
    weights : of the probabilities, in the order of LABELS, before the likeliest label is taken; equal ones, as by
        default, change nothing
    last_learned_week : newest week that anything in the bundle was learned from
    windows, data, metrics, metrics_from, parent, label_source : as in the run's record
    files : sha256 of each file, by name
    """

    format: Literal[1]
    run_id: str
    task: Task
    model: str
    created_at: Annotated[datetime, msgspec.Meta(tz=True)]
    features: tuple[str, ...]
    temperature: Annotated[float, msgspec.Meta(gt=0)]
    noise: Annotated[float, msgspec.Meta(ge=0, lt=1)]
    prior: tuple[float, float, float, float]
    last_learned_week: int
    windows: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, Any]
    metrics_from: str
    parent: str | None
    libraries: dict[str, str]
    files: dict[str, str]
    label_source: LabelSource = LabelSource.GIVEN
    weights: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)

    @property
    def rule(self) -> Literal["likeliest", "weighted"]:
        """How probabilities become a label."""
        return "likeliest" if len(set(self.weights)) == 1 else "weighted"


def write_bundle(folder: Path, manifest: Manifest, files: Mapping[str, bytes]) -> str:
    """Write the files, then the manifest that makes them a bundle; returns the bundle's digest.

    An interrupted write leaves no manifest, hence no bundle.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, payload in files.items():
        (folder / name).write_bytes(payload)
    sealed = msgspec.structs.replace(
        manifest, files={name: digest_of(payload) for name, payload in sorted(files.items())}
    )
    payload = msgspec.json.format(msgspec.json.encode(sealed, order="sorted"), indent=2)
    (folder / MANIFEST).write_bytes(payload)
    return digest_of(payload)


def read_manifest(folder: Path, expected: str | None = None) -> Manifest:
    """Read and verify a bundle: its manifest against `expected` (when given), every file against the manifest.

    Raises
    ------
    BundleError : there is no bundle, or a byte of it is not what was written
    """
    try:
        payload = (folder / MANIFEST).read_bytes()
    except FileNotFoundError as error:
        raise BundleError(
            "there is no bundle here", where=str(folder), mend="train a model, or correct the path"
        ) from error
    if expected is not None and digest_of(payload) != expected:
        raise _damaged(folder, MANIFEST)
    try:
        manifest = msgspec.json.decode(payload, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BundleError(
            f"the manifest does not fit format {FORMAT}: {error}", where=str(folder / MANIFEST), mend=_MEND
        ) from error
    for name, digest in manifest.files.items():
        file = folder / name
        if not file.is_file() or digest_of(file.read_bytes()) != digest:
            raise _damaged(folder, name)
    return manifest


def model_digest(manifest: Manifest) -> str:
    """Digest of what scores, without dates, figures and names: equal models have equal ones."""
    numbers = (manifest.temperature, manifest.noise, manifest.prior, manifest.weights)
    return digest_of(msgspec.json.encode([sorted(_scoring(manifest.files)), manifest.features, *numbers]))


def digest_of(payload: bytes) -> str:
    """sha256, hexadecimal."""
    return hashlib.sha256(payload).hexdigest()


def _scoring(files: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    return [(name, digest) for name, digest in files.items() if not name.endswith((".md", ".html"))]


def _damaged(folder: Path, name: str) -> BundleError:
    return BundleError(
        "the file is missing or not what was written when the bundle was made", where=str(folder / name), mend=_MEND
    )


_MEND = "restore the bundle from where it was made, or promote another run"
