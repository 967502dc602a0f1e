"""Policies allow what the code calls, and nothing else.

The domain package calls AWS in its adapters alone. Their calls, read from the source, are compared with the template's
actions. tests/unit/permissions compares the recorded calls of each function with its policies.
"""

import json
import re
from collections.abc import Iterator

import pytest

from local.aws.template import Template, resources
from local.checks.conventions import listed, statements
from local.paths import ROOT
from tarmac.http.clients import CLIENT_NAME
from tarmac.inbox.batch import MOST_TRIES

CALL = re.compile(r"\b_?(dynamodb|s3|sns|sqs|stepfunctions|secrets(?:manager)?)\.([a-z_]+)\(")

DOMAIN = ROOT / "layers" / "tarmac" / "python" / "tarmac"

ACTIONS: dict[str, set[str]] = {
    "get_item": {"dynamodb:GetItem"},
    "put_item": {"dynamodb:PutItem"},
    "update_item": {"dynamodb:UpdateItem"},
    "transact_write_items": {"dynamodb:PutItem", "dynamodb:UpdateItem"},
    "query": {"dynamodb:Query"},
    "delete_item": {"dynamodb:DeleteItem"},
    "head_object": {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"},  # ListBucket makes a 403 a 404
    "get_object": {"s3:GetObject", "s3:GetObjectVersion"},
    "put_object": {"s3:PutObject"},
    "create_multipart_upload": {"s3:PutObject"},
    "upload_part": {"s3:PutObject"},
    "complete_multipart_upload": {"s3:PutObject"},
    "abort_multipart_upload": {"s3:AbortMultipartUpload"},
    "delete_object": {"s3:DeleteObject"},
    "get_object_tagging": {"s3:GetObjectTagging", "s3:GetObjectVersionTagging"},
    "put_object_tagging": {"s3:PutObjectTagging", "s3:PutObjectVersionTagging"},
    "generate_presigned_url": {"s3:GetObject"},
    "generate_presigned_post": {"s3:PutObject"},
    "publish": {"sns:Publish"},
    "send_message": {"sqs:SendMessage"},
    "send_message_batch": {"sqs:SendMessage"},
    "change_message_visibility": {"sqs:ChangeMessageVisibility"},
    "start_execution": {"states:StartExecution"},
    "describe_execution": {"states:DescribeExecution"},
    "get_secret_value": {"secretsmanager:GetSecretValue"},
}

# Calls that Lambda makes in the role of a function which a queue invokes.
BY_LAMBDA = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}


def test_policies_hold_what_the_adapters_call(template: Template) -> None:
    adapters = (module for module in (DOMAIN / "aws").glob("*.py") if module.stem != "wiring")
    called = {call for module in adapters for _, call in CALL.findall(module.read_text())}
    assert called <= ACTIONS.keys(), "a new call: give its functions the permission, and add it above"
    needed = BY_LAMBDA.union(*(ACTIONS[call] for call in called))
    allowed = {
        action
        for _, function in resources(template, "AWS::Serverless::Function")
        for policy in function.get("Policies", [])
        for statement in statements(policy)
        for action in listed(statement["Action"])
    }
    assert allowed == needed


def test_only_the_adapters_make_clients() -> None:
    """The comparison above is complete because no other module makes a client."""
    makers = {
        module.relative_to(DOMAIN).parts[0]
        for module in DOMAIN.rglob("*.py")
        if re.search(r"^\s*(import boto3|from boto3)", module.read_text(), re.MULTILINE)
    }
    assert makers == {"aws"}


def test_the_authorizer_reads_keys_and_nothing_else(template: Template) -> None:
    [policy] = template["Resources"]["AuthorizeRequest"]["Properties"]["Policies"]
    [statement] = policy["Statement"]
    assert statement["Action"] == "dynamodb:GetItem"
    assert statement["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["key#*"]}}


def test_outputs_are_deletable_only_when_asked(template: Template) -> None:
    """s3:DeleteObject hangs on the parameter DeleteOutputsOnDelete, in one function."""
    conditional = [
        statement["Fn::If"]
        for _, function in resources(template, "AWS::Serverless::Function")
        for policy in function.get("Policies", [])
        for statement in policy["Statement"]
        if "Fn::If" in statement and "s3:DeleteObject" in str(statement)
    ]
    [(condition, granted, otherwise)] = conditional
    assert condition == "DeleteRemovesOutputs"
    assert granted["Action"] == "s3:DeleteObject"
    assert otherwise == {"Ref": "AWS::NoValue"}


def granted(template: Template, function: str) -> Iterator[tuple[str, str]]:
    """(action, resource) of each statement of a function, as JSON text where the resource is a reference."""
    for policy in template["Resources"][function]["Properties"].get("Policies", []):
        for statement in statements(policy):
            for action in listed(statement["Action"]):
                for resource in listed(statement["Resource"]):
                    yield action, resource.get("Fn::Sub") or json.dumps(resource)


def rows(template: Template, function: str) -> dict[str, set[str]]:
    """Action on the table → the leading keys that a function may use with it, negated ones with a `!`."""
    found: dict[str, set[str]] = {}
    for policy in template["Resources"][function]["Properties"].get("Policies", []):
        for statement in statements(policy):
            for action in listed(statement["Action"]):
                for operator, keys in statement.get("Condition", {}).items():
                    sign = "!" if operator == "ForAllValues:StringNotLike" else ""
                    for key in keys.get("dynamodb:LeadingKeys", []):
                        found.setdefault(action, set()).add(sign + key)
    return found


@pytest.mark.parametrize("function", ["FinishTask", "FinishSession"])
def test_writers_of_the_archive_can_list_it_to_recognise_a_missing_object(template: Template, function: str) -> None:
    assert ("s3:ListBucket", '{"Fn::GetAtt": ["ArchiveBucket", "Arn"]}') in set(granted(template, function))


def test_versions_are_readable_where_an_event_or_a_link_names_one(template: Template) -> None:
    found = {
        (name, resource)
        for name, _ in resources(template, "AWS::Serverless::Function")
        for action, resource in granted(template, name)
        if action == "s3:GetObjectVersion" and "UploadBucket" in resource
    }
    assert found == {
        ("AcceptUpload", "${UploadBucket.Arn}/inbox/*"),
        ("AcceptUpload", "${UploadBucket.Arn}/presets/*"),
        ("SubmitTask", "${UploadBucket.Arn}/inbox/*"),
    }


def test_owners_are_never_updated_in_place_or_deleted(template: Template) -> None:
    for name, _ in resources(template, "AWS::Serverless::Function"):
        found = rows(template, name)
        for action in ("dynamodb:UpdateItem", "dynamodb:DeleteItem"):
            assert "owner#*" not in found.get(action, set()), name


def test_minutes_are_read_only_by_the_function_that_returns_them(template: Template) -> None:
    readers = {
        name
        for name, _ in resources(template, "AWS::Serverless::Function")
        if "session-minutes#*" in rows(template, name).get("dynamodb:GetItem", set())
    }
    assert readers == {"CreateSession"}


@pytest.mark.parametrize("function", ["SubmitTask", "PollTask", "ReadTasks"])
def test_functions_of_one_task_reach_tasks_only(template: Template, function: str) -> None:
    found = rows(template, function)
    assert found["dynamodb:GetItem"] == found["dynamodb:PutItem"] == {"task#*"}


@pytest.mark.parametrize("function", ["ReadTasks", "ReadAccount"])
def test_a_list_of_tasks_cannot_reach_other_partitions_of_its_index(template: Template, function: str) -> None:
    """They are named {kind}#{client}, and a client's name has no #."""
    assert rows(template, function)["dynamodb:Query"] == {"!*#*"}
    assert not CLIENT_NAME.fullmatch("avatar#acme")


@pytest.mark.parametrize("function", ["SubmitTask", "ManageCharacters"])
def test_buckets_of_others_are_readable_only_where_named(function: str, template: Template) -> None:
    """Two conditional statements: the objects, and the buckets."""
    [policy] = template["Resources"][function]["Properties"]["Policies"]
    conditional = [statement["Fn::If"] for statement in policy["Statement"] if "Fn::If" in statement]
    assert [(condition, granted["Action"], otherwise) for condition, granted, otherwise in conditional] == [
        ("InputBucketsAreNamed", ["s3:GetObject", "s3:GetObjectVersion"], {"Ref": "AWS::NoValue"}),
        ("InputBucketsAreNamed", "s3:ListBucket", {"Ref": "AWS::NoValue"}),
    ]


def test_the_public_function_has_no_permissions(template: Template) -> None:
    function = template["Resources"]["DescribeApi"]["Properties"]
    assert "Policies" not in function
    assert "Environment" not in function
    assert all(event["Properties"]["Auth"] == {"Authorizer": "NONE"} for event in function["Events"].values())


def test_nothing_that_tarmac_writes_into_the_upload_bucket_starts_anything(template: Template) -> None:
    """The rule hears prefixes that no function may write objects under, and no other event than a new object."""
    rules = [
        event["Properties"]["Pattern"]
        for _, function in resources(template, "AWS::Serverless::Function")
        for event in function.get("Events", {}).values()
        if event["Type"] == "EventBridgeRule"
    ]
    [pattern] = rules
    assert (pattern["source"], pattern["detail-type"]) == (["aws.s3"], ["Object Created"])
    assert pattern["detail"]["bucket"] == {"name": [{"Ref": "UploadBucket"}]}
    heard = [each["prefix"] for each in pattern["detail"]["object"]["key"]]
    assert heard == ["inbox/", "presets/"]
    written = [
        resource["Fn::Sub"]
        for _, function in resources(template, "AWS::Serverless::Function")
        for policy in function.get("Policies", [])
        for statement in statements(policy)
        if "s3:PutObject" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]
    own = [resource.removeprefix("${UploadBucket.Arn}/") for resource in written if "${UploadBucket" in resource]
    assert set(own) == {"inputs/*", "uploads/*", "batches/*", "failed/*"}
    assert not [
        each for each in own for prefix in heard if each.startswith(prefix) or prefix.startswith(each.rstrip("*"))
    ]
    # Everything else goes into the archive, which has no event notifications.
    assert all(resource.startswith(("${UploadBucket.Arn}/", "${ArchiveBucket.Arn}/")) for resource in written)
    assert "NotificationConfiguration" not in template["Resources"]["ArchiveBucket"]["Properties"]


def test_sources_may_be_tagged_with_their_task_and_with_nothing_else(template: Template) -> None:
    tagging = [
        (name, statement)
        for name, function in resources(template, "AWS::Serverless::Function")
        for policy in function.get("Policies", [])
        for statement in statements(policy)
        if "s3:PutObjectTagging" in listed(statement["Action"])
    ]
    [(name, statement)] = tagging
    assert name == "AcceptUpload"
    assert statement["Resource"] == {"Fn::Sub": "${UploadBucket.Arn}/inbox/*"}
    assert statement["Condition"] == {"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["tarmac-task"]}}


def test_events_that_cannot_be_delivered_wait_in_a_queue_that_only_their_rule_fills(template: Template) -> None:
    rule = template["Resources"]["AcceptUpload"]["Properties"]["Events"]["ObjectInInbox"]["Properties"]
    queue = {"Fn::GetAtt": ["UploadDeadLetters", "Arn"]}
    assert rule["DeadLetterConfig"] == {"Arn": queue}
    policies = [
        policy["PolicyDocument"]["Statement"]
        for _, policy in resources(template, "AWS::SQS::QueuePolicy")
        if {"Ref": "UploadDeadLetters"} in policy["Queues"]
    ]
    [[statement, _]] = policies
    assert (statement["Principal"], statement["Action"], statement["Resource"]) == (
        {"Service": "events.amazonaws.com"},
        "sqs:SendMessage",
        queue,
    )
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["AcceptUploadObjectInInbox", "Arn"]}}
    }


def test_the_rule_of_the_queues_policy_is_the_one_that_sam_makes(translation: Template) -> None:
    """Its logical id is SAM's, not the template's."""
    [target] = translation["Resources"]["AcceptUploadObjectInInbox"]["Properties"]["Targets"]
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["UploadDeadLetters", "Arn"]}}


def test_a_queue_tries_longer_than_a_line_is_tried(template: Template) -> None:
    """Otherwise its message would be given up before the one bad line in it is."""
    redrive = template["Resources"]["BatchQueue"]["Properties"]["RedrivePolicy"]
    assert redrive["maxReceiveCount"] > MOST_TRIES + 2
    function = template["Resources"]["RunBatch"]["Properties"]
    assert template["Resources"]["BatchQueue"]["Properties"]["VisibilityTimeout"] >= 6 * function["Timeout"]
