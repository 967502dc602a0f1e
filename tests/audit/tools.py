"""Runs each tool and reads its report. A tool that fails, or that read less than it should, raises BadReport."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.checks.template import REGION, TEMPLATES, Deployment
from local.paths import ROOT
from tests import node
from tests.audit.findings import Finding
from tests.audit.policies import policies

SOURCES = ("layers", "functions", "local", "examples/storyboard/functions")
NAG_PACKS = {"AwsSolutions", "Serverless"}
BIN = Path(sys.executable).parent
TIMEOUT_SECONDS = 600


class BadReport(Exception):
    """A tool has not done its work."""


@dataclass(frozen=True)
class Subject:
    """What is audited: the templates, their translations in `folder`, and the sources below `root`."""

    root: Path
    folder: Path
    templates: Sequence[Path]
    translations: Sequence[Path]

    @classmethod
    def prepare(cls, folder: Path, root: Path = ROOT) -> Subject:
        """Translate every template into a file of folder."""
        translations = []
        for name in TEMPLATES:
            path = folder / f"{Path(name).with_suffix('').as_posix().replace('/', '-')}.json"
            path.write_text(json.dumps(Deployment.read(root, name).translation()))
            translations.append(path)
        return cls(root, folder, [root / name for name in TEMPLATES], translations)


def cfn_lint(subject: Subject) -> Iterator[Finding]:
    """cfn-lint with the rules of cfn-lint-serverless, on templates and translations."""
    files = [str(path) for path in (*subject.templates, *subject.translations)]
    command = ["cfn-lint", "--append-rules", "cfn_lint_serverless.rules", "--regions", REGION, "--format", "json"]
    for match in _json(_run(subject, [*command, "--template", *files])):
        path = match["Location"].get("Path") or ["?", match["Filename"]]
        # E0000 and the like mean that the file could not be read.
        yield Finding(f"cfn-lint:{match['Rule']['Id']}", str(path[1] if len(path) > 1 else path[0]), match["Message"])


def checkov(subject: Subject) -> Iterator[Finding]:
    """checkov's rules for CloudFormation, on templates and translations."""
    files = [part for path in (*subject.templates, *subject.translations) for part in ("--file", str(path))]
    options = ["--framework", "cloudformation", "--skip-download", "--output", "json", "--quiet", "--compact"]
    report = _json(_run(subject, ["checkov", *files, *options]))
    if "results" not in report or report["summary"]["parsing_errors"] or not report["summary"]["passed"]:
        raise BadReport(f"checkov read no template: {str(report)[:200]}")
    for check in report["results"]["failed_checks"]:
        yield Finding(f"checkov:{check['check_id']}", check["resource"].rpartition(".")[2], check["check_name"])


def cdk_nag(subject: Subject) -> Iterator[Finding]:
    """cdk-nag's packs AwsSolutions and Serverless, on translations."""
    folder = Path(__file__).parent
    node.install(folder)
    translations = [str(path) for path in subject.translations]
    command = ["node", "nag.mjs", str(subject.folder / "nag"), *translations]
    (subject.folder / "nag").mkdir()
    _run(subject, command, folder, node.environment())
    for translation in subject.translations:
        report = json.loads((subject.folder / "nag" / translation.stem / "validation-report.json").read_text())
        packs = {pack["pluginName"]: pack for pack in report["pluginReports"]}
        if missing := NAG_PACKS - packs.keys():
            raise BadReport(f"cdk-nag has not run {missing} on {translation.name}")
        for violation in (violation for pack in NAG_PACKS for violation in packs[pack]["violations"]):
            rule, _, detail = violation["ruleName"].partition("[")
            for construct in violation["violatingConstructs"]:
                name = construct["constructPath"].rpartition("/")[2]
                where = f"{name} {detail.removesuffix(']')}" if detail else name
                yield Finding(f"cdk-nag:{rule}", where, re.split(r"(?<=\.) ?", violation["description"])[0])


def parliament(subject: Subject) -> Iterator[Finding]:
    """parliament on the policies of each role. A policy with an unknown action must be found, or nothing is."""
    folder = subject.folder / "policies"
    folder.mkdir()
    roles: dict[str, Mapping[str, Any]] = {}
    for translation in subject.translations:
        roles |= policies(json.loads(translation.read_text()))
    bad = {"Effect": "Allow", "Action": "s3:NoSuchAction", "Resource": "*"}
    for name, policy in {**roles, "Control": {"Version": "2012-10-17", "Statement": [bad]}}.items():
        (folder / f"{name}.json").write_text(json.dumps(policy))
    lines = _run(subject, ["parliament", "--directory", str(folder), "--json"]).splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    if not any(Path(each["location"]["filepath"]).stem == "Control" for each in found):
        raise BadReport("parliament did not find the unknown action of the control policy")
    for each in found:
        where = Path(each["location"]["filepath"]).stem
        if where != "Control":
            yield Finding(f"parliament:{each['issue']}", where, f"{each['title']} {each['detail']}")


def bandit(subject: Subject) -> Iterator[Finding]:
    """bandit on what runs on AWS and on the local tools."""
    report = _json(_run(subject, ["bandit", "--quiet", "--recursive", *SOURCES, "--format", "json"]))
    if report["errors"] or not report["metrics"]["_totals"]["loc"]:
        raise BadReport(f"bandit could not read the sources: {report['errors']}")
    for result in report["results"]:
        message = f"line {result['line_number']}: {result['issue_text']}"
        yield Finding(f"bandit:{result['test_id']}", result["filename"].removeprefix("./"), message)


def zizmor(subject: Subject) -> Iterator[Finding]:
    """zizmor on the GitHub workflows, if there are any."""
    if not (subject.root / ".github").is_dir():
        return
    for result in _json(_run(subject, ["zizmor", "--offline", "--no-progress", "--format", "json", ".github"])):
        key = result["locations"][0]["symbolic"]["key"]
        path = next(iter(key.values()))["verbatim_path"]
        yield Finding(f"zizmor:{result['ident']}", path, result["desc"])


ALL: Sequence[Callable[[Subject], Iterator[Finding]]] = (checkov, cfn_lint, cdk_nag, bandit, parliament, zizmor)


def _run(
    subject: Subject, command: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """Standard output of a tool. Most exit with a code of their own when they find something."""
    program = command[0] if environment else str(BIN / command[0])
    answer = subprocess.run(
        [program, *command[1:]],
        cwd=folder or subject.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    if environment and answer.returncode:
        raise BadReport(f"{command[0]} failed: {answer.stderr[-500:]}")
    return answer.stdout


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise BadReport(f"no JSON report: {text[:200]!r}") from None
