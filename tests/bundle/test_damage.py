"""A bundle that is not what was written is refused, whatever happened to it."""

import shutil
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retail_forecast.bundle.manifest import MANIFEST, Manifest, digest_of, model_digest, read_manifest, write_bundle
from retail_forecast.bundle.products import ROWS
from retail_forecast.bundle.scorer import MODEL, load_bundle
from retail_forecast.domain.errors import BundleError

FILES = [MANIFEST, MODEL, "products.json", ROWS, "card.md"]


@pytest.fixture
def copy(tiny_bundle: tuple[Path, str], tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle[0], tmp_path / "bundle"))


def test_what_was_written_loads(tiny_bundle: tuple[Path, str]) -> None:
    folder, digest = tiny_bundle
    bundle = load_bundle(folder, digest)
    assert bundle.digest == digest == load_bundle(folder).digest
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert sorted(bundle.manifest.files) == sorted(set(FILES) - {MANIFEST})


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(FILES), place=st.integers(0, 10**9), mask=st.integers(1, 255))
def test_a_flipped_bit_anywhere_is_found(
    copy: Path, tiny_bundle: tuple[Path, str], name: str, place: int, mask: int
) -> None:
    file = copy / name
    whole = file.read_bytes()
    damaged = bytearray(whole)
    damaged[place % len(damaged)] ^= mask
    file.write_bytes(damaged)
    try:
        with pytest.raises(BundleError, match=name):
            read_manifest(copy, tiny_bundle[1])
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_found(copy: Path, tiny_bundle: tuple[Path, str], name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError):
        load_bundle(copy, tiny_bundle[1])


def test_no_bundle_at_all(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no bundle"):
        load_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_manifest_is_refused_even_without_a_digest(copy: Path, share: float) -> None:
    whole = (copy / MANIFEST).read_bytes()
    (copy / MANIFEST).write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BundleError, match="format"):
        load_bundle(copy)


@pytest.mark.parametrize(
    "change", [{"format": 2}, {"task": "future"}, {"surprise": 1}, {"temperature": 0}, {"noise": 1}]
)
def test_a_manifest_of_another_format_is_refused(copy: Path, change: dict[str, object]) -> None:
    manifest = msgspec.json.decode((copy / MANIFEST).read_bytes())
    (copy / MANIFEST).write_bytes(msgspec.json.encode(manifest | change))
    with pytest.raises(BundleError, match="format"):
        load_bundle(copy)


def _rewritten(folder: Path, files: dict[str, bytes], **changes: object) -> str:
    manifest = msgspec.structs.replace(read_manifest(folder), **changes)
    for name in manifest.files:
        (folder / name).unlink()
    return write_bundle(folder, manifest, files)


def _files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES if name != MANIFEST}


def test_a_model_for_other_features_is_refused(copy: Path) -> None:
    digest = _rewritten(copy, _files(copy), features=("something", "else"))
    with pytest.raises(BundleError, match="features"):
        load_bundle(copy, digest)


@pytest.mark.parametrize("name", [MODEL, ROWS])
def test_a_bundle_sealed_without_a_part_is_refused(copy: Path, name: str) -> None:
    files = _files(copy)
    del files[name]
    digest = _rewritten(copy, files)
    with pytest.raises(BundleError, match=f"lacks {name}"):
        load_bundle(copy, digest)


@pytest.mark.parametrize("payload", [b"", b"no model"])
def test_a_sealed_file_that_is_no_model_is_refused(copy: Path, payload: bytes) -> None:
    digest = _rewritten(copy, _files(copy) | {MODEL: payload})
    with pytest.raises(BundleError, match="cannot be opened"):
        load_bundle(copy, digest)


def test_a_table_of_another_size_is_refused(copy: Path) -> None:
    files = _files(copy)
    codes = msgspec.json.decode(files["products.json"])
    codes["products"].pop()
    digest = _rewritten(copy, files | {"products.json": msgspec.json.encode(codes)})
    with pytest.raises(BundleError, match="does not fit"):
        load_bundle(copy, digest)


def test_an_interrupted_write_leaves_no_bundle(tiny_bundle: tuple[Path, str], tmp_path: Path) -> None:
    class Stopped(dict[str, bytes]):
        def items(self) -> object:  # type: ignore[override]
            yield "model.onnx", b"x"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_bundle(tmp_path / "b", read_manifest(tiny_bundle[0]), Stopped())
    with pytest.raises(BundleError, match="no bundle"):
        load_bundle(tmp_path / "b")


def test_equal_models_have_equal_digests_whatever_their_card_says(copy: Path) -> None:
    manifest = read_manifest(copy)
    cards = {"card.md": "0" * 64, "card.html": "1" * 64}
    other = msgspec.structs.replace(manifest, run_id="b", metrics={}, files=manifest.files | cards)
    assert model_digest(manifest) == model_digest(other)
    changed: Manifest = msgspec.structs.replace(manifest, temperature=manifest.temperature * 2)
    assert model_digest(manifest) != model_digest(changed)
    assert digest_of(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
