"""The pins: what is installed is what they say, and each but torch's has hashes."""

import re
from importlib.metadata import version

from conftest import PROJECT


def name_of(text: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", text).lower()


def pins_of(file: str) -> dict[str, str]:
    """Versions by name."""
    found = re.findall(r"^([\w.-]+)==(\S+)", (PROJECT / file).read_text(), re.MULTILINE)
    return {name_of(name): pinned for name, pinned in found}


def test_the_hashed_pins_are_the_tested_ones_but_for_torch():
    tested = pins_of("constraints.txt")
    assert tested.pop("torch") and len(tested) > 100
    assert pins_of("requirements.txt") == tested


def test_each_hashed_pin_has_a_hash():
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if "==" in line:
            assert line.endswith(" \\"), line
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", following), line


def test_what_is_installed_is_what_is_pinned():
    for name, pinned in pins_of("constraints.txt").items():
        installed = version(name).partition("+")[0]  # torch says which build it is
        assert installed == pinned, name
