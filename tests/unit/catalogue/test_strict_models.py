"""Models that reject unknown parameters: the same in the simulator, which follows Runway's reference and SDKs."""

from __future__ import annotations

from typing import Any

import pytest

from local.simulator.contract import OPERATIONS, examine
from tarmac.catalogue import Model, operation
from tests.unit.catalogue.catalogue_bodies import for_each_entry, found, minimal


@for_each_entry
def test_exactly_the_models_that_are_known_to_be_strict_are(name: str, model: Model) -> None:
    known = OPERATIONS.get(f"/v1/{name}")
    if known is None:
        # What no model is chosen for has none that is strict: see the routers below.
        assert operation(name).sole_model
        assert not model.strict
        return
    assert model.strict is any(_is_strict(name, each) for each in known.models if each == model.name)


def _is_strict(name: str, model: str) -> bool:
    _, findings = examine(f"/v1/{name}", {"model": model, "mode": model, "misspelt": 1})
    return any(issue.code == "unrecognized_keys" for issue in findings.issues)


@for_each_entry
def test_an_unknown_parameter_is_named_by_strict_models_and_passes_with_others(name: str, model: Model) -> None:
    expected = {"misspelt": "unrecognized_keys"} if model.strict else {}
    assert found(model, minimal(model, misspelt=1)) == expected


@pytest.mark.parametrize("kind", ["video", "image", "audio"])
def test_a_router_is_strict_about_its_input(kind: str) -> None:
    model = operation(f"generate/{kind}").model(f"{kind}_router")
    body: dict[str, Any] = minimal(model)
    assert found(model, body | {"input": body["input"] | {"misspelt": 1}}) == {"input.misspelt": "unrecognized_keys"}
    assert found(model, body | {"misspelt": 1}) == {}
