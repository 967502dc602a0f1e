"""The template of the repository and its translation, read once."""

import copy

import pytest

from local.aws.template import Template
from local.checks.template import Deployment


@pytest.fixture(scope="session")
def deployment() -> Deployment:
    return Deployment.read()


@pytest.fixture(scope="session")
def pristine_translation(deployment: Deployment) -> Template:
    return deployment.translation()


@pytest.fixture
def template(deployment: Deployment) -> Template:
    """template.yaml, parsed, to be broken."""
    return copy.deepcopy(deployment.template)


@pytest.fixture
def translation(pristine_translation: Template) -> Template:
    """SAM's translation of the template. A test may change it."""
    return copy.deepcopy(pristine_translation)
