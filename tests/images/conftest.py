"""Container images, built from the recipes without an engine: the base image is made of Debian's own packages by
debootstrap, buildah builds on it, podman runs it."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("debootstrap", "buildah", "podman", "runc")
NO_TOOLS = f"{', '.join(TOOLS)} or the right to use them are missing"
CERTIFICATES = "/etc/ssl/certs"
BASE = "localhost/python-base"


class Store:
    """Images and containers in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._places = ["--root", str(folder / "store"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]

    def buildah(self, *words: str) -> str:
        return said(["buildah", *self._places, *words], {"BUILDAH_ISOLATION": "chroot"})

    def podman(self, *words: str) -> str:
        return said(["podman", *self._places, "--cgroup-manager=cgroupfs", "--runtime=runc", *words])


def said(command: Sequence[str], settings: dict[str, str] | None = None) -> str:
    """What a command that must succeed printed."""
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | (settings or {})
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    return done.stdout.strip()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Holds the base image."""
    if os.geteuid() != 0 or not all(map(shutil.which, TOOLS)):
        pytest.skip(NO_TOOLS)
    folder = tmp_path_factory.mktemp("images")
    system = folder / "base"
    packages = "python3,python3-venv,python3-pip,ca-certificates"
    said(["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(system)])
    (system / "usr/bin/python").symlink_to("python3")
    (system / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink()  # the recipes' base image has none either
    store = Store(folder)
    container = store.buildah("from", "scratch")
    store.buildah("add", container, str(system), "/")
    store.buildah("commit", "--quiet", container, BASE)
    store.buildah("rm", container)
    shutil.rmtree(system)
    yield store
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def build(store: Store) -> Callable[[str], str]:
    """Builds the image of a recipe; gives its name."""

    def building(recipe: str) -> str:
        image = f"localhost/retail-forecast-{Path(recipe).parent.name}"
        given = ["--file", recipe, "--ignorefile", f"{recipe}.dockerignore", "--format", "docker"]
        trusted = ["--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"]
        store.buildah("build", *given, *trusted, "--build-arg", f"PYTHON={BASE}", "--tag", image, ".")
        return image

    return building
