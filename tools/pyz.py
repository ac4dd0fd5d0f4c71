"""The single file: `make pyz` writes dist/lxc-preflight.pyz, which any Python from 3.11 on runs.

It is a zip file of the wheel's layout with the libraries of requirements/run.txt beside it. What a
library consists of is what pip has installed in this environment, by hashes; each file is held
against the hash that its wheel gave it. Only Python goes in: one file has to do for every version
and every processor.

The same tree and libraries give the same bytes (by the same zlib): entries are sorted, and dates
are those of a zip file that has none.
"""

from __future__ import annotations

import argparse
import os
import re
import stat
import sys
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import new, sha256
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ROOT = Path(__file__).parent.parent
FILE = ROOT / "dist" / "lxc-preflight.pyz"
SHEBANG = b"#!/usr/bin/env python3\n"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
COMPILED = (".so", ".pyd")
LEFT_OUT = (*COMPILED, ".c", ".pyi", ".typed", ".pyc")
# Libraries whose compiled parts only make faster what they have in Python too.
ONLY_FASTER = {"markupsafe"}
LICENSES = ("license", "copying", "notice", "authors")


def application() -> Iterator[tuple[str, bytes]]:
    """Our own files under their names in the archive: what pyproject.toml puts into the wheel."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        wheel = tomllib.load(file)["tool"]["hatch"]["build"]["targets"]["wheel"]
    folders = {name: name for name in wheel["packages"]} | wheel["force-include"]
    for folder, inside in folders.items():
        for path in sorted((ROOT / folder).rglob("*")):
            below = path.relative_to(ROOT / folder)
            is_junk = path.name.endswith("~") or any(
                part.startswith((".", "__pycache__")) for part in below.parts
            )
            if path.is_file() and not is_junk:
                yield f"{inside}/{below.as_posix()}", path.read_bytes()
    yield "__main__.py", (ROOT / "lxc_preflight" / "__main__.py").read_bytes()
    yield "LICENSE", (ROOT / "LICENSE").read_bytes()


def libraries(lock: str) -> Iterator[tuple[str, bytes]]:
    """The files of every pinned library, with its license. Raises SystemExit for one that is not
    here as it is pinned, or that needs what cannot go in."""
    for name, version in PINNED.findall(lock):
        try:
            found = distribution(name)
        except PackageNotFoundError:
            sys.exit(f"{name} {version} is not installed here: tools/setup.sh run")
        if found.version != version:
            sys.exit(f"{name} is {found.version} here, not {version}: tools/setup.sh run")
        yield from _library(name, found)


def _library(name: str, found: Distribution) -> Iterator[tuple[str, bytes]]:
    for path in found.files or ():
        if path.parts[0] == ".." or path.hash is None:  # a command, or written by pip
            continue
        if path.suffix in COMPILED and name not in ONLY_FASTER:
            sys.exit(f"{name} has compiled parts, which fit one Python only: {path}")
        if path.parts[0].endswith(".dist-info"):
            wanted = path.name == "METADATA" or path.name.lower().startswith(LICENSES)
        else:
            wanted = path.suffix not in LEFT_OUT
        if wanted:
            yield path.as_posix(), _verified(path)


def _verified(path: PackagePath) -> bytes:
    """What an installed file holds, if that is still what its wheel held."""
    data = Path(str(path.locate())).read_bytes()
    assert path.hash is not None
    digest = urlsafe_b64encode(new(path.hash.mode, data).digest()).rstrip(b"=").decode()
    if digest != path.hash.value:
        sys.exit(f"{path.locate()} has been changed since it was installed: rm -r .venv")
    return data


def write(target: Path) -> None:
    """Build the file, and put it there whole."""
    lock = (ROOT / "requirements" / "run.txt").read_text()
    content: dict[str, bytes] = {}
    for name, data in (*application(), *libraries(lock)):
        if name in content:
            sys.exit(f"two files want to be {name}")
        content[name] = data
    target.parent.mkdir(parents=True, exist_ok=True)
    made = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        with open(made, "wb") as file:
            file.write(SHEBANG)
            with ZipFile(file, "w") as archive:
                for name, data in sorted(content.items()):
                    entry = ZipInfo(name)
                    entry.external_attr = (stat.S_IFREG | 0o644) << 16
                    entry.compress_type = ZIP_DEFLATED
                    archive.writestr(entry, data, compresslevel=9)
        made.chmod(0o755)
        made.replace(target)
    finally:
        made.unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make pyz", description="Build the single file.")
    parser.add_argument("file", nargs="?", type=Path, default=FILE)
    target: Path = parser.parse_args().file
    write(target)
    data = target.read_bytes()
    print(f"{target}: {len(data) / 1e6:.1f} MB, sha256 {sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
