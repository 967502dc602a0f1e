"""Alarms: each notifies the operator, each is documented, and none is missing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from local.aws.template import Template, resources
from local.paths import ROOT

ALARM = "AWS::CloudWatch::Alarm"


def watched(template: Template, metric: str) -> dict[str, dict[str, Any]]:
    """Alarms on a metric, by the resource that it is of."""
    found = {}
    for _, properties in resources(template, ALARM):
        if properties.get("MetricName") == metric:
            [dimension] = properties["Dimensions"]
            value = dimension["Value"]
            found[value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]] = properties
    return found


def test_every_alarm_notifies_the_topic_if_one_is_configured(template: Template) -> None:
    actions = {"Fn::If": ["AlarmsAreSent", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    assert [name for name, properties in resources(template, ALARM) if properties.get("AlarmActions") != actions] == []


def test_every_alarm_has_its_row_in_the_operations_guide(template: Template) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    table = text.partition("## Alarms")[2].partition("\n## ")[0]
    cells = re.findall(r"(?m)^\| ([A-Z][^|]*?) \|", table)
    named = [name for cell in cells for name in cell.split(", ")]
    assert sorted(named) == sorted(name.removesuffix("Alarm") for name, _ in resources(template, ALARM))


def test_a_sweeper_that_is_not_called_is_noticed(template: Template) -> None:
    """It has no metric then."""
    alarm = watched(template, "Invocations")["Sweep"]
    assert (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]) == ("Sum", "LessThanThreshold", 1)
    assert (alarm["Period"] * alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (600, "breaching")


@pytest.mark.parametrize("queue", ["WebhookQueue", "BatchQueue"])
def test_a_queue_that_is_not_emptied_raises_an_alarm_before_its_messages_expire(template: Template, queue: str) -> None:
    """And later than a message is hidden from others while its function works on it."""
    alarm = watched(template, "ApproximateAgeOfOldestMessage")[queue]
    properties = template["Resources"][queue]["Properties"]
    assert properties["VisibilityTimeout"] < alarm["Threshold"] < properties["MessageRetentionPeriod"] / 10


def test_throttles_of_the_functions_of_paid_tasks_have_an_alarm(template: Template) -> None:
    assert set(watched(template, "Throttles")) == {"SubmitTask", "PollTask", "FinishTask"}


def test_a_stack_counts_apart_from_another_in_the_same_account(template: Template) -> None:
    """Tarmac's own metrics have one dimension, the service."""
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    [dimension] = template["Resources"]["AmbiguousCreatesAlarm"]["Properties"]["Dimensions"]
    assert dimension == {"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}
    assert dimension["Value"] == {"Ref": "AWS::StackName"}
