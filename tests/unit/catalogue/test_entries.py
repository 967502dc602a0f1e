"""Every entry of the catalogue against bodies made from its own description: good ones pass, each fault is named."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tarmac.catalogue import Model, operation, operations
from tarmac.requests.prices import estimate_credits
from tarmac.requests.validation import check
from tests.unit.catalogue.catalogue_bodies import (
    ENTRIES,
    dotted,
    for_each_entry,
    found,
    issues,
    minimal,
    required_inside,
    sample,
    unfit,
    without,
)

CANNOT_STAND_ALONE = {
    ("gen4.5", "proresProfile"): "only with an outputFormat that takes one",
    ("aleph2", "proresProfile"): "only with an outputFormat that takes one",
    ("ruby", "proresProfile"): "only with an outputFormat that takes one",
    ("seedance2_5", "draftTaskId"): "not with what the least may have",
    ("bria_fibo_edit_1_5", "ratio"): "a size needs two references",
}
"""Optional parameters that others must allow: test_conditions.py has them with their partners."""


@for_each_entry
def test_the_least_that_a_model_requires_is_taken(name: str, model: Model) -> None:
    assert model.operation == name
    assert issues(model, minimal(model)) == []


@for_each_entry
def test_each_required_parameter_is_missed_by_name(name: str, model: Model) -> None:
    body = minimal(model)
    for parameter in body:
        for less in (without(body, (parameter,)), body | {parameter: None}):
            assert found(model, less) == {parameter: "invalid_type"}


@for_each_entry
def test_each_optional_parameter_is_taken_beside_the_least(name: str, model: Model) -> None:
    for parameter, spec in (model.parameters or {}).items():
        rejected = set(found(model, minimal(model, **{parameter: sample(spec)})))
        assert not rejected or (model.name, parameter) in CANNOT_STAND_ALONE, rejected


@for_each_entry
def test_a_missing_inner_field_is_reported_at_its_path(name: str, model: Model) -> None:
    for parameter, spec in (model.parameters or {}).items():
        body = minimal(model, **{parameter: sample(spec)})
        for path in required_inside(body[parameter], spec, (parameter,)):
            assert dotted(path) in found(model, without(body, path))


@for_each_entry
def test_each_limit_of_each_parameter_is_enforced(name: str, model: Model) -> None:
    body = minimal(model)
    for parameter, spec in (model.parameters or {}).items():
        for value in unfit(spec):
            rejected = check(body | {parameter: value}, model.parameters or {}).issues
            assert [issue for issue in rejected if issue.path[0] == parameter], (parameter, value)
            assert all(len(issue.message) < 3000 for issue in rejected)


@for_each_entry
def test_every_value_of_a_choice_is_taken(name: str, model: Model) -> None:
    parameters = model.parameters or {}
    for parameter, spec in parameters.items():
        for value in (*spec.get("enum", ()), *spec.get("examples", ()), *spec.get("or", ())):
            assert check({parameter: value}, {parameter: {**spec}}).issues == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["uri", "type", "position", "duration", "range", "role", "tag"]), inner)
    ),
    max_leaves=9,
)


# Hypothesis draws deep JSON slowly on a busy machine. The checks themselves are fast.
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.sampled_from(ENTRIES), st.data())
def test_no_json_at_all_makes_the_checks_fail(entry: tuple[str, Model], data: st.DataObject) -> None:
    """Any value of any parameter is accepted, or rejected at a path that begins at a parameter."""
    model = entry[1]
    parameters = model.parameters or {}
    body = minimal(model)
    for parameter in data.draw(st.lists(st.sampled_from(sorted(parameters)), max_size=3)):
        body[parameter] = data.draw(json_values)
    before = copy.deepcopy(body)
    for issue in issues(model, body):
        assert issue.path[0] in parameters
        assert issue.message
    assert repr(body) == repr(before)


ABSURD: tuple[Any, ...] = (10**400, -1, 0, 1e308, "9" * 5000 + ":" + "9" * 5000, "", [[]], {"": {}}, False)


@for_each_entry
def test_no_absurd_value_raises_an_error_or_has_an_absurd_price(name: str, model: Model) -> None:
    least = minimal(model)
    for parameter, spec in (model.parameters or {}).items():
        for absurd in ABSURD:
            for value in (absurd, everywhere(sample(spec), absurd)):
                body = least | {parameter: value}
                assert isinstance(issues(model, body), list)
                estimate = estimate_credits(body, model.credits)
                assert estimate is None or 0 <= estimate < 10**9


def everywhere(value: Any, absurd: Any) -> Any:
    """The same object or array with an absurd value in every leaf, except for the names of cases."""
    if isinstance(value, dict):
        return {name: inner if name == "type" else everywhere(inner, absurd) for name, inner in value.items()}
    return [everywhere(inner, absurd) for inner in value] if isinstance(value, list) else absurd


def test_a_sole_model_is_the_only_one_and_named_nowhere_else() -> None:
    soles = {name: operation(name).sole_model for name in operations() if operation(name).sole_model}
    assert {name for name in operations() if name.startswith(("recipes/", "generate/", "workflows/"))} == set(soles)
    for name, sole in soles.items():
        assert list(operation(name).models) == [sole]
        assert "model" not in (operation(name).models[str(sole)].parameters or {})


def test_operations_are_named_by_their_paths() -> None:
    assert {"image_to_video", "recipes/product_ad", "generate/video", "workflows/{id}"} <= set(operations())
    assert not any(name.startswith("_") for name in operations())
