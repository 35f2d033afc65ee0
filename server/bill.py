"""The bill of materials of the server's image: what `cyclonedx-py` tells of Python's packages, and beside it the
operating system, its packages and the interpreter of the image that this runs in.

`python server/bill.py BILL PART...` joins the parts, bills in CycloneDX 1.6; the first one tells what the whole is of.
"""

import json
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packageurl import PackageURL

__all__ = ["interpreter", "joined", "operating_system", "system_packages"]

Component = dict[str, Any]

# Advisories of a distribution go by the source package.
_FIELDS = ("db:Status-Status", "Package", "Version", "Architecture", "source:Package", "source:Version")
_DPKG = ("dpkg-query", "--show", "--showformat", " ".join(f"${{{field}}}" for field in _FIELDS) + "\n")


def system_packages(listed: str, release: Mapping[str, str]) -> list[Component]:
    """The installed ones of a list by dpkg-query; `release` is what the system tells in os-release."""
    installed = (line.split()[1:] for line in listed.splitlines() if line.startswith("installed "))
    return [_system_package(fields, release) for fields in installed]


def operating_system(release: Mapping[str, str]) -> Component:
    """The system of that os-release."""
    name, version = release["ID"], release["VERSION_ID"]
    return {"type": "operating-system", "bom-ref": f"{name}-{version}", "name": name, "version": version}


def interpreter(version: str) -> Component:
    """CPython, by the name under which its faults are known."""
    purl = PackageURL("generic", None, "python", version).to_string()
    cpe = f"cpe:2.3:a:python:python:{version}:*:*:*:*:*:*:*"
    return {"type": "platform", "bom-ref": purl, "name": "python", "version": version, "purl": purl, "cpe": cpe}


def joined(parts: Sequence[dict[str, Any]], components: Sequence[Component]) -> dict[str, Any]:
    """The first part with the components of all parts and the ones given, and what each part says of dependencies."""
    return parts[0] | {
        "components": [*(one for part in parts for one in part["components"]), *components],
        "dependencies": [one for part in parts for one in part["dependencies"]],
    }


def _system_package(fields: Sequence[str], release: Mapping[str, str]) -> Component:
    name, version, architecture, source, source_version = fields
    qualifiers = {"arch": architecture, "distro": f"{release['ID']}-{release['VERSION_ID']}"}
    if (source, source_version) != (name, version):
        qualifiers["upstream"] = f"{source}@{source_version}"
    purl = PackageURL("deb", release["ID"], name, version, qualifiers).to_string()
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _write(bill: Path, parts: Sequence[Path]) -> None:
    release = platform.freedesktop_os_release()
    listed = subprocess.run(_DPKG, capture_output=True, text=True, check=True).stdout
    python = interpreter(platform.python_version())
    components = [operating_system(release), python, *system_packages(listed, release)]
    told = joined([json.loads(part.read_bytes()) for part in parts], components)
    bill.write_text(json.dumps(told, indent=2), "utf-8")


if __name__ == "__main__":
    _write(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
