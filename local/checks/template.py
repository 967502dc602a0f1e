"""The templates and their state machines, checked as AWS will see them.

`sam validate --lint` and cfn-lint do not follow a DefinitionUri: there, a state of type `Tsk` is valid. So SAM's own
translator expands the template, each definition is put inline into the expansion, and cfn-lint reads that. To prove
that this looks where it should, the same is done with broken copies of each machine, and every one must be caught.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws.template import (
    Template,
    inline_definitions,
    parse,
    point_at_packages,
    resources,
    translate_sam,
)
from local.checks import conventions, machines
from local.checks.finding import Finding
from local.paths import ROOT

REGION = "us-east-1"
SAM_MACHINE = "AWS::Serverless::StateMachine"
MACHINE = "AWS::StepFunctions::StateMachine"

TEMPLATES = ("template.yaml", "storyboard.yaml")

# cfn-lint rules that are not heeded, and why. One that finds nothing any more is itself a finding.
IGNORED_IN_TEMPLATE: dict[str, str] = {}
IGNORED_IN_TRANSLATION: dict[str, str] = {}


@dataclass(frozen=True)
class Deployment:
    """A template, as text and parsed, and each machine's definition by logical id."""

    name: str
    text: str
    template: Template
    definitions: Mapping[str, machines.Definition]

    @classmethod
    def read(cls, root: Path = ROOT, name: str = TEMPLATES[0]) -> Deployment:
        """Raises FileNotFoundError for a definition that is not there."""
        text = (root / name).read_text()
        template = parse(text)
        inlined = inline_definitions(template, lambda path: (root / path).read_text())
        definitions = {name: machine["Definition"] for name, machine in resources(inlined, SAM_MACHINE)}
        return cls(name, text, template, definitions)

    def substitutions(self, machine: str) -> set[str]:
        """What the template promises to fill in a machine's definition."""
        return set(self.template["Resources"][machine]["Properties"].get("DefinitionSubstitutions", {}))

    def translation(self, definitions: Mapping[str, machines.Definition] | None = None) -> Template:
        """Plain CloudFormation, with these definitions inline in place of the template's own."""
        # Without publisher, it complains of unpublished metrics at exit.
        logging.getLogger("samtranslator.metrics.metrics").setLevel(logging.ERROR)
        packaged = point_at_packages(self.template, lambda name, _: f"s3://packages/{name}.zip")
        for name, machine in resources(packaged, SAM_MACHINE):
            machine["DefinitionUri"] = f"s3://packages/{name}.json"
        translated = translate_sam(packaged, {}, REGION)
        for name, machine in resources(translated, MACHINE):
            # Not SAM's own inlining: that yields an Fn::Join of lines, which no linter reads.
            del machine["DefinitionS3Location"]
            machine["Definition"] = (definitions or self.definitions)[name]
        return translated


def findings(deployment: Deployment) -> Iterator[Finding]:
    """Everything there is to say about a deployment. Takes seconds; the quick checks come first."""
    yield from conventions.of_template(deployment.template)
    for name, definition in deployment.definitions.items():
        yield from machines.findings(name, definition, deployment.substitutions(name))
    translation = deployment.translation()
    yield from conventions.of_translation(translation)
    yield from lint(deployment.text, deployment.name, IGNORED_IN_TEMPLATE)
    yield from lint(json.dumps(translation), f"translated {deployment.name}", IGNORED_IN_TRANSLATION)


def uncaught(deployment: Deployment) -> Iterator[Finding]:
    """Broken copies of the machines that pass all checks. There are none, unless a check has stopped working.

    cfn-lint reads all copies in one template that holds nothing else, beside the intact machines as its control.
    """
    copies: dict[str, tuple[str, str, machines.Definition]] = {}
    for machine, definition in deployment.definitions.items():
        for number, (what, broken) in enumerate(machines.broken_copies(definition)):
            copies[f"{machine}Broken{number}"] = (machine, what, broken)
    intact = {name: (name, "", definition) for name, definition in deployment.definitions.items()}
    translated = deployment.translation()
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            name: _alone(translated["Resources"][machine], definition)
            for name, (machine, _, definition) in (intact | copies).items()
        },
    }
    caught = {name for found in lint(json.dumps(template), "copies", {}) for name in found.where.split("/")[1:2]}
    for name in sorted(intact.keys() & caught):
        yield Finding(name, "is sound, yet cfn-lint finds a fault in it")
    for name, (machine, what, broken) in copies.items():
        if name not in caught and not any(machines.findings(machine, broken, deployment.substitutions(machine))):
            yield Finding(machine, f"a copy with {what} passes all checks")


def _alone(resource: Mapping[str, Any], definition: machines.Definition) -> dict[str, Any]:
    """A machine with this definition, without references to other resources."""
    substitutions = dict.fromkeys(resource["Properties"].get("DefinitionSubstitutions", {}), "filled")
    role = "arn:aws:iam::123456789012:role/machine"
    properties = {"RoleArn": role, "Definition": definition, "DefinitionSubstitutions": substitutions}
    return {"Type": MACHINE, "Properties": properties}


def lint(text: str, title: str, ignored: Mapping[str, str]) -> Iterator[Finding]:
    """What cfn-lint says of a template given as text, errors and warnings."""
    from cfnlint.api import lint as cfn_lint
    from cfnlint.config import ManualArgs

    unused = set(ignored)
    for match in cfn_lint(text, config=ManualArgs(regions=[REGION])):
        if match.rule.id in ignored:
            unused.discard(match.rule.id)
            continue
        where = "/".join(str(part) for part in getattr(match, "path", None) or [f"line {match.linenumber}"])
        yield Finding(f"{title}, {where}", f"{match.rule.id} {match.message}")
    for rule in sorted(unused):
        yield Finding(title, f"{rule} finds nothing any more and need not be ignored")


def main() -> int:
    """Print findings. 0 if there are none."""
    total = 0
    for template_name in TEMPLATES:
        deployment = Deployment.read(name=template_name)
        found = [*findings(deployment), *uncaught(deployment)]
        for finding in found:
            print(finding)
        if not found:
            names = ", ".join(deployment.definitions)
            print(f"{template_name} is sound; every broken copy of {names} was caught")
        total += len(found)
    return 1 if total else 0
