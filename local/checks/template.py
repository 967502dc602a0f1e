"""Checks of the templates and their state machines in the form that AWS receives.

`sam validate --lint` and cfn-lint do not follow a DefinitionUri, so they accept a state of type `Tsk`. Here SAM's own
translator expands the template, each definition is put into the result, and cfn-lint reads that. Broken copies of each
machine, which must all be found, prove that the checks read the definitions.
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

TEMPLATES = ("template.yaml", "examples/storyboard/template.yaml")

# Ignored cfn-lint rules, with the reason. A rule that finds nothing any more is reported.
IGNORED_IN_TEMPLATE: dict[str, str] = {}
IGNORED_IN_TRANSLATION: dict[str, str] = {}


@dataclass(frozen=True)
class Deployment:
    """A template, as text and parsed, and the definition of each state machine by its logical id."""

    name: str
    text: str
    template: Template
    definitions: Mapping[str, machines.Definition]

    @classmethod
    def read(cls, root: Path = ROOT, name: str = TEMPLATES[0]) -> Deployment:
        """Read a template and its definitions. Raise FileNotFoundError for a missing file."""
        path = root / name
        text = path.read_text()
        template = parse(text)
        inlined = inline_definitions(template, lambda definition: (path.parent / definition).read_text())
        definitions = {name: machine["Definition"] for name, machine in resources(inlined, SAM_MACHINE)}
        return cls(name, text, template, definitions)

    def substitutions(self, machine: str) -> set[str]:
        """Return the names of the placeholders that the template replaces in a machine's definition."""
        return set(self.template["Resources"][machine]["Properties"].get("DefinitionSubstitutions", {}))

    def translation(self, definitions: Mapping[str, machines.Definition] | None = None) -> Template:
        """Return plain CloudFormation with the definitions inline: these, or the template's own."""
        # SAM's translator warns at exit about metrics that are not published.
        logging.getLogger("samtranslator.metrics.metrics").setLevel(logging.ERROR)
        packaged = point_at_packages(self.template, lambda name, _: f"s3://packages/{name}.zip")
        for name, machine in resources(packaged, SAM_MACHINE):
            machine["DefinitionUri"] = f"s3://packages/{name}.json"
        translated = translate_sam(packaged, {}, REGION)
        for name, machine in resources(translated, MACHINE):
            # SAM's own inlining gives an Fn::Join of lines, which no linter reads.
            del machine["DefinitionS3Location"]
            machine["Definition"] = _filled((definitions or self.definitions)[name])
        return translated


def findings(deployment: Deployment) -> Iterator[Finding]:
    """Yield all findings about a deployment, those of the quick checks first. Takes seconds."""
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
            name: _alone(translated["Resources"][machine], _filled(definition))
            for name, (machine, _, definition) in (intact | copies).items()
        },
    }
    caught = {name for found in lint(json.dumps(template), "copies", {}) for name in found.where.split("/")[1:2]}
    for name in sorted(intact.keys() & caught):
        yield Finding(name, "is sound, yet cfn-lint finds a fault in it")
    for name, (machine, what, broken) in copies.items():
        if name not in caught and not any(machines.findings(machine, broken, deployment.substitutions(machine))):
            yield Finding(machine, f"a copy with {what} passes all checks")


def _filled(definition: machines.Definition) -> machines.Definition:
    """A copy whose ARNs are in the partition aws, because cfn-lint accepts no other."""
    filled: machines.Definition = json.loads(json.dumps(definition).replace("${Partition}", "aws"))
    return filled


def _alone(resource: Mapping[str, Any], definition: machines.Definition) -> dict[str, Any]:
    """A machine with this definition, without references to other resources."""
    substitutions = dict.fromkeys(resource["Properties"].get("DefinitionSubstitutions", {}), "filled")
    role = "arn:aws:iam::123456789012:role/machine"
    properties = {"RoleArn": role, "Definition": definition, "DefinitionSubstitutions": substitutions}
    return {"Type": MACHINE, "Properties": properties}


def lint(text: str, title: str, ignored: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the errors and warnings of cfn-lint for a template as text."""
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
        yield Finding(title, f"{rule} finds nothing any more: remove it from the ignored rules")


def main() -> int:
    """Print all findings. Return the exit code: 1 if there are any."""
    total = 0
    for template_name in TEMPLATES:
        deployment = Deployment.read(name=template_name)
        found = [*findings(deployment), *uncaught(deployment)]
        for finding in found:
            print(finding)
        if not found:
            names = ", ".join(deployment.definitions)
            print(f"{template_name} passes; every broken copy of {names} was found")
        total += len(found)
    return 1 if total else 0
