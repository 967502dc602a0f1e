"""Requirements of the layers: every package has hashes, and the version that the tests run with."""

import re
from pathlib import Path

import pytest

from local.paths import ROOT

REQUIREMENTS = ROOT / "requirements"
LAYERS = [
    ROOT / folder
    for folder in re.findall(r"^HASHED_LAYERS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
]
PIN = re.compile(r"^([\w.-]+)==([^\s\\]+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def pins(path: Path) -> dict[str, tuple[str, str]]:
    """Version and remaining text of each package that a file pins, by normalised name."""
    found = PIN.findall(path.read_text())
    return {re.sub(r"[-_.]+", "-", name).lower(): (version, rest) for name, version, rest in found}


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_every_package_of_a_layer_has_hashes(layer: Path) -> None:
    unhashed = [name for name, (_, rest) in pins(layer / "requirements.txt").items() if "--hash=sha256:" not in rest]
    assert unhashed == []


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_versions_of_a_layer_are_those_of_the_constraints(layer: Path) -> None:
    """Otherwise the second installation step would replace a checked package by another version, unchecked."""
    constraints = pins(REQUIREMENTS / "constraints.txt")
    layer_versions = {name: version for name, (version, _) in pins(layer / "requirements.txt").items()}
    assert layer_versions
    assert layer_versions == {name: constraints[name][0] for name in layer_versions}


def test_no_other_requirements_have_hashes() -> None:
    """pip checks either all hashes of an installation or none."""
    assert [path.name for path in sorted(REQUIREMENTS.glob("*.txt")) if "--hash" in path.read_text()] == []


def test_no_requirements_name_an_index() -> None:
    files = [*REQUIREMENTS.glob("*.txt"), *(layer / "requirements.txt" for layer in LAYERS)]
    assert [
        path for path in files if re.search(r"^\s*--(extra-)?index-url|^\s*--find-links", path.read_text(), re.M)
    ] == []
