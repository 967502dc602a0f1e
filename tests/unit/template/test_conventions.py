"""Each habit that the checks guard, broken once."""

from collections.abc import Callable
from typing import Any

import pytest

from local.aws.template import Template
from local.checks import conventions

Break = Callable[[dict[str, Any]], object]


def statements(resource: dict[str, Any]) -> Any:
    return resource["Properties"]["Policies"][0]["Statement"]


IN_TEMPLATE: dict[str, tuple[Break, str]] = {
    "code elsewhere": (
        lambda r: r["PollTask"]["Properties"].update(CodeUri="src/poll/"),
        "PollTask: must have its code in functions/poll_task/",
    ),
    "a build": (
        lambda r: r["PollTask"].pop("Metadata"),
        "PollTask: lacks SkipBuild: without it, sam requires a Python 3.13 to build nothing",
    ),
    "a function's fixed name": (
        lambda r: r["PollTask"]["Properties"].update(FunctionName="poll"),
        "PollTask: has a fixed name",
    ),
    "a default timeout": (
        lambda r: r["PollTask"]["Properties"].pop("Timeout"),
        "PollTask: must set Timeout and MemorySize",
    ),
    "a ready-made policy": (
        lambda r: r["PollTask"]["Properties"]["Policies"].append("AmazonS3FullAccess"),
        "PollTask: uses a policy template: AmazonS3FullAccess",
    ),
    "a statement without Sid": (
        lambda r: statements(r["PollTask"])[0].pop("Sid"),
        "PollTask: needs policy statements with unique Sids",
    ),
    "an unused permission": (
        lambda r: statements(r["PollTask"]).append(
            {"Sid": "Publish", "Effect": "Allow", "Action": "sns:Publish", "Resource": {"Ref": "NoticeTopic"}}
        ),
        "PollTask: has NoticeTopic in its environment but not in its policy, or the reverse",
    ),
    "a missing permission": (
        lambda r: statements(r["Sweep"]).pop(-1),
        "Sweep: has NoticeTopic in its environment but not in its policy, or the reverse",
    ),
    "a retained resource's fixed name": (
        lambda r: r["ArchiveBucket"]["Properties"].update(BucketName="tarmac-archive"),
        "ArchiveBucket: is retained with a fixed BucketName: a second stack could not be created",
    ),
}

IN_TRANSLATION: dict[str, tuple[Break, str]] = {
    "a function without log group": (
        lambda r: r["PollTask"]["Properties"].pop("LoggingConfig"),
        "PollTask: has no log group with a retention",
    ),
    "a log group without expiry": (
        lambda r: r["PollTaskLogGroup"]["Properties"].pop("RetentionInDays"),
        "PollTask: has no log group with a retention",
    ),
    "a machine without log group": (
        lambda r: r["GenerationStateMachine"]["Properties"]["LoggingConfiguration"].pop("Destinations"),
        "GenerationStateMachine: has no log group with a retention",
    ),
    "prompts in a machine's log": (
        lambda r: r["GenerationStateMachine"]["Properties"]["LoggingConfiguration"].update(IncludeExecutionData=True),
        "GenerationStateMachine: logs execution data, which can contain prompts",
    ),
    "an API without access log": (
        lambda r: r["HttpApiApiGatewayDefaultStage"]["Properties"].pop("AccessLogSettings"),
        "HttpApiApiGatewayDefaultStage: has no log group with a retention",
    ),
    "a query string in the access log": (
        lambda r: r["HttpApiApiGatewayDefaultStage"]["Properties"]["AccessLogSettings"].update(
            Format="$context.requestId $context.querystring"
        ),
        "HttpApiApiGatewayDefaultStage: logs querystring",
    ),
    "a managed policy": (
        lambda r: r["PollTaskRole"]["Properties"]["ManagedPolicyArns"].append("arn:aws:iam::aws:policy/Admin"),
        "PollTaskRole: has the managed policy arn:aws:iam::aws:policy/Admin",
    ),
    "a wildcard action": (
        lambda r: r["PollTaskRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0].update(
            Action="dynamodb:*"
        ),
        "PollTaskRole: FollowTasks allows a wildcard action",
    ),
    "a wildcard resource": (
        lambda r: r["PollTaskRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0].update(Resource="*"),
        "PollTaskRole: FollowTasks allows every resource",
    ),
    "an exception without need": (
        lambda r: r["GenerationStateMachineRole"]["Properties"].update(Policies=[]),
        "GenerationStateMachineRole, DeliverLogs: is listed as an exception but needs none",
    ),
    "a public bucket": (
        lambda r: r["ArchiveBucket"]["Properties"]["PublicAccessBlockConfiguration"].update(BlockPublicAcls=False),
        "ArchiveBucket: does not block all public access",
    ),
    "an unstated encryption": (
        lambda r: r["ArchiveBucket"]["Properties"].pop("BucketEncryption"),
        "ArchiveBucket: does not state its encryption",
    ),
    "plain HTTP to a bucket": (
        lambda r: r.pop("ArchiveBucketPolicy"),
        "ArchiveBucket: accepts plain HTTP",
    ),
    "plain HTTP to a queue": (
        lambda r: r["QueuesPolicy"]["Properties"]["Queues"].remove({"Ref": "WebhookQueue"}),
        "WebhookQueue: accepts plain HTTP",
    ),
    "an unencrypted queue": (
        lambda r: r["WebhookQueue"]["Properties"].pop("SqsManagedSseEnabled"),
        "WebhookQueue: does not state its encryption",
    ),
    "a route without key": (
        lambda r: r["HttpApi"]["Properties"]["Body"]["paths"]["/v1/tasks"]["get"].pop("security"),
        "HttpApi: GET /v1/tasks is public in the template or in PUBLIC_ROUTES, not in both",
    ),
    "a Number parameter in the body of an API": (
        lambda r: r["HttpApi"]["Properties"]["Body"]["components"]["securitySchemes"]["ClientKey"][
            "x-amazon-apigateway-authorizer"
        ].update(authorizerResultTtlInSeconds={"Ref": "AuthorizerCacheSeconds"}),
        "HttpApi: Body/components/securitySchemes/ClientKey/x-amazon-apigateway-authorizer/authorizerResultTtlInSeconds"
        " is a Ref to the Number parameter AuthorizerCacheSeconds, which arrives as a string",
    ),
    "a permission on every row": (
        lambda r: r["PollTaskRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0].pop("Condition"),
        "PollTaskRole: FollowTasks reaches every row: it needs a condition on dynamodb:LeadingKeys",
    ),
    "a function that has no tracing": (
        lambda r: r["PollTask"]["Properties"].pop("TracingConfig"),
        "PollTask: has no tracing",
    ),
}


@pytest.mark.parametrize("habit", IN_TEMPLATE)
def test_habit_broken_in_the_template(template: Template, habit: str) -> None:
    break_it, complaint = IN_TEMPLATE[habit]
    assert list(conventions.of_template(template)) == []
    break_it(template["Resources"])
    assert [str(finding) for finding in conventions.of_template(template)] == [complaint]


@pytest.mark.parametrize("habit", IN_TRANSLATION)
def test_habit_broken_in_the_translation(translation: Template, habit: str) -> None:
    break_it, complaint = IN_TRANSLATION[habit]
    assert list(conventions.of_translation(translation)) == []
    break_it(translation["Resources"])
    assert [str(finding) for finding in conventions.of_translation(translation)] == [complaint]


def test_undescribed_parameter(template: Template) -> None:
    del template["Parameters"]["LogLevel"]["Description"]
    assert [str(found) for found in conventions.of_template(template)] == ["LogLevel: has no Description"]


def test_large_default_without_quotes(template: Template) -> None:
    """CloudFormation passes such a number on as 5.36870912E9."""
    template["Parameters"]["MaxOutputBytes"]["Default"] = 5368709120
    assert [str(found) for found in conventions.of_template(template)] == [
        "MaxOutputBytes: needs a quoted Default: CloudFormation may write this number with an exponent"
    ]


def test_ungrouped_parameter(template: Template) -> None:
    template["Parameters"]["Another"] = {"Type": "String", "Description": "in no group"}
    assert [str(found) for found in conventions.of_template(template)] == [
        "Metadata: ParameterGroups must list every parameter once"
    ]


def test_the_authorizers_cache_is_an_integer_for_each_allowed_value(template: Template) -> None:
    """SAM types ReauthorizeEvery as an integer. Keys of a Mapping are strings, as the parameter's value is."""
    allowed = template["Parameters"]["AuthorizerCacheSeconds"]
    assert allowed["Default"] in allowed["AllowedValues"]
    assert template["Mappings"]["AuthorizerCache"] == {
        str(each): {"Seconds": each} for each in allowed["AllowedValues"]
    }


def test_tables_media_and_the_webhook_secret_outlive_the_stack(template: Template) -> None:
    """Receivers hold secrets that derive from WebhookSecret. The operator can set the Runway key again."""
    retained = {
        name: (resource["DeletionPolicy"], resource.get("UpdateReplacePolicy"))
        for name, resource in template["Resources"].items()
        if "DeletionPolicy" in resource
    }
    wanted = ("TasksTable", "UploadBucket", "ArchiveBucket", "WebhookSecret")
    assert retained == dict.fromkeys(wanted, ("RetainExceptOnCreate", "Retain"))
