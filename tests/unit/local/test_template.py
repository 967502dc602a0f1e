"""Conversion of template.yaml to a template that the local AWS can deploy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.aws import template
from local.aws.template import Template
from local.paths import ROOT

API = """
Resources:
  HttpApi:
    Type: AWS::ApiGatewayV2::Api
    Properties:
      FailOnWarnings: true
      Body:
        openapi: 3.0.1
        info: {title: !Ref AWS::StackName}
        x-amazon-apigateway-cors: {allowOrigins: [http://localhost:5173], maxAge: 600}
        components:
          securitySchemes:
            Client-Key:
              type: apiKey
              x-amazon-apigateway-authorizer:
                type: request
                authorizerUri: arn:authorizer
                authorizerPayloadFormatVersion: "2.0"
                authorizerResultTtlInSeconds: 60
                enableSimpleResponses: true
                identitySource: $request.header.Authorization, $context.routeKey
        paths:
          /v1/tasks/{id}:
            get:
              security: [{Client-Key: []}]
              x-amazon-apigateway-integration:
                {type: aws_proxy, httpMethod: POST, uri: arn:read, payloadFormatVersion: "2.0"}
            delete:
              x-amazon-apigateway-integration: {type: aws_proxy, uri: arn:read}
          /health:
            x-amazon-apigateway-any-method:
              security: [{NONE: []}]
              x-amazon-apigateway-integration: {type: aws_proxy, uri: arn:health}
          /$default:
            x-amazon-apigateway-any-method:
              x-amazon-apigateway-integration: {type: aws_proxy, uri: arn:health}
"""


@pytest.fixture
def expanded() -> Template:
    return template.expand_http_apis(template.parse(API))


def of_type(content: Template, kind: str) -> list[dict[str, Any]]:
    return [properties for _, properties in template.resources(content, kind)]


def test_short_tags_take_their_long_form() -> None:
    text = "{a: !Ref B, c: !GetAtt D.E.F, g: !Sub ['${H}', {H: !Ref I}], j: !If [K, !Ref L, 1], m: !Condition N}"
    assert template.parse(text) == {
        "a": {"Ref": "B"},
        "c": {"Fn::GetAtt": ["D", "E.F"]},
        "g": {"Fn::Sub": ["${H}", {"H": {"Ref": "I"}}]},
        "j": {"Fn::If": ["K", {"Ref": "L"}, 1]},
        "m": {"Condition": "N"},
    }


def test_a_version_is_not_a_date() -> None:
    assert template.parse("Version: 2012-10-17") == {"Version": "2012-10-17"}


def test_a_template_must_be_a_mapping() -> None:
    with pytest.raises(ValueError, match="mapping"):
        template.parse("- a list")


def test_code_and_layers_point_at_their_packages() -> None:
    source = template.parse(
        """
        Resources:
          Poll: {Type: AWS::Serverless::Function, Properties: {CodeUri: functions/poll/}}
          Layer: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/it/}}
        """
    )
    located = template.point_at_packages(source, lambda name, folder: f"s3://bucket/{name}/{folder.name}")
    assert of_type(located, "AWS::Serverless::Function") == [{"CodeUri": "s3://bucket/Poll/poll"}]
    assert of_type(located, "AWS::Serverless::LayerVersion") == [{"ContentUri": "s3://bucket/Layer/it"}]
    assert source["Resources"]["Poll"]["Properties"]["CodeUri"] == "functions/poll/"


def test_a_definition_is_inlined_with_its_placeholders() -> None:
    source = template.parse(
        """
        Resources:
          Machine:
            Type: AWS::Serverless::StateMachine
            Properties: {DefinitionUri: machine.yaml, DefinitionSubstitutions: {Arn: !GetAtt F.Arn}}
        """
    )
    inlined = template.inline_definitions(source, {Path("machine.yaml"): "StartAt: ${Arn} # why"}.__getitem__)
    assert of_type(inlined, "AWS::Serverless::StateMachine") == [
        {"Definition": {"StartAt": "${Arn}"}, "DefinitionSubstitutions": {"Arn": {"Fn::GetAtt": ["F", "Arn"]}}}
    ]


def test_a_list_parameter_reaches_the_translator_as_a_list() -> None:
    source = template.parse(
        """
        Parameters:
          Origins: {Type: CommaDelimitedList, Default: "http://a, http://b"}
          Level: {Type: String, Default: INFO}
          Required: {Type: String}
        """
    )
    assert template.parameter_values(source, {}) == {"Origins": ["http://a", "http://b"], "Level": "INFO"}
    assert template.parameter_values(source, {"Origins": "http://c"})["Origins"] == ["http://c"]


def test_undeclared_parameters_are_left_out() -> None:
    source = template.parse("Parameters: {Known: {Type: String}}")
    assert template.known_parameters(source, {"Known": "a", "Unknown": "b"}) == {"Known": "a"}


def test_a_body_becomes_routes(expanded: Template) -> None:
    routes = {route["RouteKey"]: route for route in of_type(expanded, "AWS::ApiGatewayV2::Route")}
    assert sorted(routes) == ["$default", "ANY /health", "DELETE /v1/tasks/{id}", "GET /v1/tasks/{id}"]
    assert "Body" not in expanded["Resources"]["HttpApi"]["Properties"]


def test_every_route_leads_to_its_own_integration(expanded: Template) -> None:
    for route in of_type(expanded, "AWS::ApiGatewayV2::Route"):
        integration = route["Target"]["Fn::Sub"].removeprefix("integrations/${").removesuffix("}")
        properties = expanded["Resources"][integration]["Properties"]
        expected = "arn:read" if "tasks" in route["RouteKey"] else "arn:health"
        assert properties["IntegrationUri"] == expected
        assert properties["IntegrationType"] == "AWS_PROXY"


def test_guarded_routes_have_the_authorizer_and_public_routes_none(expanded: Template) -> None:
    guards = {route["RouteKey"]: route.get("AuthorizerId") for route in of_type(expanded, "AWS::ApiGatewayV2::Route")}
    assert guards.pop("GET /v1/tasks/{id}") == {"Ref": "HttpApiClientKeyAuthorizer"}
    assert set(guards.values()) == {None}


def test_an_authorizer_keeps_its_settings(expanded: Template) -> None:
    assert expanded["Resources"]["HttpApiClientKeyAuthorizer"]["Properties"] == {
        "ApiId": {"Ref": "HttpApi"},
        "Name": "Client-Key",
        "AuthorizerType": "REQUEST",
        "IdentitySource": ["$request.header.Authorization", "$context.routeKey"],
        "AuthorizerUri": "arn:authorizer",
        "AuthorizerPayloadFormatVersion": "2.0",
        "AuthorizerResultTtlInSeconds": 60,
        "EnableSimpleResponses": True,
    }


def test_cors_is_spelled_as_the_local_gateway_reads_it(expanded: Template) -> None:
    cors = expanded["Resources"]["HttpApi"]["Properties"]["CorsConfiguration"]
    assert cors == {"allowOrigins": ["http://localhost:5173"], "maxAge": 600}


def test_logical_ids_do_not_depend_on_other_routes(expanded: Template) -> None:
    """A stack is updated in place, so an unchanged route must keep its logical id."""
    fewer = template.parse(API)
    del fewer["Resources"]["HttpApi"]["Properties"]["Body"]["paths"]["/health"]
    ids = set(template.expand_http_apis(fewer)["Resources"])
    assert ids < set(expanded["Resources"])


def test_paths_with_the_same_letters_have_different_ids() -> None:
    assert template.route_id("Api", "GET /a/{b}") != template.route_id("Api", "GET /a/b")


def test_notices_are_queued_as_published() -> None:
    source = {"Resources": {}, "Outputs": {"NoticeTopicArn": {"Value": {"Ref": "NoticeTopic"}}}}
    queued = template.add_notice_queue(source)
    subscription = queued["Resources"]["LocalNoticeSubscription"]["Properties"]
    assert subscription["TopicArn"] == {"Ref": "NoticeTopic"}
    assert subscription["RawMessageDelivery"] is True
    assert template.NOTICE_QUEUE_OUTPUT in queued["Outputs"]


@pytest.fixture(scope="module")
def real() -> Template:
    """template.yaml itself, converted for the local AWS."""
    source = template.parse((ROOT / "template.yaml").read_text())
    located = template.point_at_packages(source, lambda name, _: f"s3://bucket/{name}.zip")
    inlined = template.inline_definitions(located, lambda path: (ROOT / path).read_text())
    return template.localise(inlined, {"CorsOrigins": "http://a,http://b"}, "us-east-1")


def test_no_sam_resource_is_left(real: Template) -> None:
    assert "Transform" not in real
    assert [kind for kind in (r["Type"] for r in real["Resources"].values()) if "Serverless" in kind] == []


def test_every_route_of_the_template_exists(real: Template) -> None:
    source = template.parse((ROOT / "template.yaml").read_text())
    wanted = {
        f"{event['Properties']['Method']} {event['Properties']['Path']}"
        for _, function in template.resources(source, "AWS::Serverless::Function")
        for event in function.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    }
    assert {route["RouteKey"] for route in of_type(real, "AWS::ApiGatewayV2::Route")} == wanted


def test_cors_origins_stay_a_list(real: Template) -> None:
    cors = real["Resources"]["HttpApi"]["Properties"]["CorsConfiguration"]
    assert cors["allowOrigins"] == ["http://a", "http://b"]


def test_machines_are_json(real: Template) -> None:
    machines = of_type(real, "AWS::StepFunctions::StateMachine")
    assert machines
    for machine in machines:
        separator, lines = machine["DefinitionString"]["Fn::Join"]
        assert json.loads(separator.join(lines))["StartAt"]
