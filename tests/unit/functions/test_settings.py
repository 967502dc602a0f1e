"""Environment variables: template.yaml sets exactly those that the functions read, in readable types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws import template
from local.paths import ROOT
from tarmac import settings
from tarmac.aws.wiring import AwsEffects
from tarmac.runway.flavors import FLAVORS
from tarmac.settings import DeliverWebhookSettings, MissingSetting, PollTaskSettings, ReadTasksSettings, Settings

DEPLOYMENT = template.parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
FUNCTIONS = {
    name: resource["Properties"]
    for name, resource in DEPLOYMENT["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
}
KINDS: dict[str, type[Settings]] = {kind.__name__.removesuffix("Settings"): kind for kind in Settings.__subclasses__()}
LIBRARIES = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "PYDANTIC_DISABLE_PLUGINS", "LOG_LEVEL"}


def variables(name: str) -> dict[str, Any]:
    found: dict[str, Any] = FUNCTIONS[name].get("Environment", {}).get("Variables", {})
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    else:
        yield str(value)


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() | KINDS.keys()))
def test_a_function_reads_exactly_what_it_is_given(name: str) -> None:
    read = {field.upper() for field in KINDS[name].fields()} if name in KINDS else set()
    assert set(variables(name)) == read


def test_all_functions_are_given_what_the_libraries_read() -> None:
    assert set(DEPLOYMENT["Globals"]["Function"]["Environment"]["Variables"]) == LIBRARIES


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_has_a_folder_of_its_name(name: str) -> None:
    folder = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    assert FUNCTIONS[name]["CodeUri"] == f"functions/{folder}/"
    assert (ROOT / "functions" / folder / "app.py").exists()


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_parameters_default_can_be_read_as_the_settings_kind(name: str) -> None:
    """A number must have a number as its default, and a flag `true` or `false`."""
    for field, kind in KINDS[name].fields().items():
        reference = variables(name)[field.upper()]
        parameter = reference.get("Ref") if isinstance(reference, dict) else None
        if parameter in DEPLOYMENT["Parameters"]:
            default = str(DEPLOYMENT["Parameters"][parameter].get("Default", ""))
            reader = {"str": str, "frozenset[str]": str, "int": int, "float": float}.get(kind)
            if reader is None:
                assert default in ("true", "false")
            else:
                reader(default)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_secrets_come_as_arns_only(name: str) -> None:
    for variable, value in variables(name).items():
        if "SECRET" in variable or "KEY" in variable:
            assert variable.endswith("_ARN")
        assert "{{resolve:" not in " ".join(_texts(value))


POLL = {
    "TABLE_NAME": "t",
    "RUNWAY_SECRET_ARN": "a",
    "RUNWAYML_BASE_URL": "u",
    "UPSTREAM_FLAVOR": "runway",
    "MAX_FAILURE_RETRIES": "1",
}
READ = {
    "TABLE_NAME": "t",
    "ARCHIVE_BUCKET": "b",
    "RUNWAY_SECRET_ARN": "a",
    "RUNWAYML_BASE_URL": "u",
    "UPSTREAM_FLAVOR": "runway",
    "LINK_SECONDS": "60",
    "DELETE_OUTPUTS_ON_DELETE": "true",
}


def test_settings_are_read_by_name() -> None:
    found = PollTaskSettings.from_environment(POLL | {"SOMETHING_ELSE": "x"})
    assert (found.table_name, found.max_failure_retries) == ("t", 1)
    assert ReadTasksSettings.from_environment(READ).delete_outputs_on_delete is True
    assert (
        ReadTasksSettings.from_environment(READ | {"DELETE_OUTPUTS_ON_DELETE": "false"}).delete_outputs_on_delete
        is False
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", set()),
        (" , ", set()),
        ("a", {"a"}),
        ("a,b", {"a", "b"}),
        (" https://a.example , b,,a ", {"https://a.example", "a", "b"}),
    ],
)
def test_a_list_is_separated_by_commas(text: str, names: set[str]) -> None:
    found = DeliverWebhookSettings.from_environment(
        {"TABLE_NAME": "t", "WEBHOOK_QUEUE_URL": "q", "WEBHOOK_SECRET_ARN": "a", "WEBHOOK_ORIGINS": text}
    )
    assert found.webhook_origins == names


@pytest.mark.parametrize("name", POLL)
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(MissingSetting, match=name):
        PollTaskSettings.from_environment({key: value for key, value in POLL.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LINK_SECONDS", "an hour"),
        ("LINK_SECONDS", ""),
        ("LINK_SECONDS", "1.5"),
        ("LINK_SECONDS", "1.5e-1"),
        ("LINK_SECONDS", "inf"),
        ("LINK_SECONDS", "nan"),
        ("DELETE_OUTPUTS_ON_DELETE", "yes"),
        ("DELETE_OUTPUTS_ON_DELETE", "True"),
    ],
)
def test_an_unreadable_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(MissingSetting, match=name):
        ReadTasksSettings.from_environment(READ | {name: value})


@pytest.mark.parametrize("text", ["5368709120", "5.36870912e+09", "5.36870912E9", "5368709120.0"])
def test_a_whole_number_is_read_however_cloudformation_writes_it(text: str) -> None:
    found = ReadTasksSettings.from_environment(READ | {"LINK_SECONDS": text}).link_seconds
    assert (found, type(found)) == (5368709120, int)


def test_an_operator_chooses_among_the_upstreams_that_there_are() -> None:
    assert DEPLOYMENT["Parameters"]["UpstreamFlavor"]["AllowedValues"] == list(FLAVORS)
    for name, flavor in FLAVORS.items():
        found = PollTaskSettings.from_environment(POLL | {"UPSTREAM_FLAVOR": name})
        assert AwsEffects(found).flavor is flavor


@pytest.mark.parametrize("name", sorted(KINDS))
def test_functions_that_handle_inputs_have_the_setting_of_the_upstream(name: str) -> None:
    fields = KINDS[name].fields().keys()
    moves_inputs = "upload_bucket" in fields and fields & {"runwayml_base_url", "generation_state_machine_arn"}
    assert not moves_inputs or "upstream_flavor" in fields


def test_another_upstream_requires_another_address() -> None:
    """The default address is Runway's, which must not receive the key of another upstream."""
    [rule] = DEPLOYMENT["Rules"].values()
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "UpstreamFlavor"}, "cometapi"]}
    default = DEPLOYMENT["Parameters"]["RunwayBaseUrl"]["Default"]
    [assertion] = rule["Assertions"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "RunwayBaseUrl"}, default]}]}


def test_settings_do_not_change() -> None:
    found = PollTaskSettings.from_environment(POLL)
    with pytest.raises(AttributeError, match="table_name"):
        found.table_name = "other"  # type: ignore[misc]


def test_every_kind_of_field_has_a_reader() -> None:
    for kind in KINDS.values():
        assert set(kind.fields().values()) <= settings._READERS.keys()
