"""`make audit`: a finding is explained by an entry, and every entry has a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.aws.template import Template
from tests.audit.findings import ACCEPTED, TOOLS, Accepted, BadEntry, Finding, judge, load
from tests.audit.policies import policies

WIDE = Finding("checkov:CKV_1", "Queue")
OTHER = Finding("cdk-nag:SQS1", "Topic")
ENTRY = Accepted(("checkov:CKV_1",), ("Que*",), "because")


def test_a_finding_with_a_reason_is_explained() -> None:
    judgement = judge([WIDE, WIDE, OTHER], [ENTRY])
    assert (judgement.unexplained, judgement.unneeded) == ((OTHER,), ())
    rows = {tool: counts for tool, *counts in judgement.table()}
    assert list(rows) == list(TOOLS)
    assert (rows["checkov"], rows["cdk-nag"], rows["bandit"]) == ([1, 1, 0], [1, 0, 1], [0, 0, 0])


@pytest.mark.parametrize(
    ("entry", "unneeded"),
    [
        (Accepted(("checkov:CKV_1", "checkov:CKV_2"), ("Queue",), "because"), ("checkov:CKV_2",)),
        (Accepted(("checkov:CKV_1",), ("Queue", "Bucket"), "because"), ("Bucket (for checkov:CKV_1)",)),
    ],
)
def test_an_entry_without_a_finding_is_unneeded(entry: Accepted, unneeded: tuple[str, ...]) -> None:
    judgement = judge([WIDE], [entry])
    assert (judgement.unexplained, judgement.unneeded) == ((), unneeded)


def test_an_entry_explains_its_own_rules_at_its_own_places_only() -> None:
    assert not ENTRY.explains(OTHER)
    assert not ENTRY.explains(Finding("checkov:CKV_1", "Topic"))
    assert not ENTRY.explains(Finding("checkov:CKV_2", "Queue"))


def test_every_accepted_finding_has_a_reason() -> None:
    entries = load(ACCEPTED)
    assert entries
    assert [entry for entry in entries if len(entry.reason.split()) < 5] == []


@pytest.mark.parametrize(
    "text",
    [
        '[[accepted]]\nrules = ["checkov:CKV_1"]\nwhere = ["Queue"]',
        '[[accepted]]\nrules = ["checkov:CKV_1"]\nwhere = ["Queue"]\nreason = "  "',
        '[[accepted]]\nrules = []\nwhere = ["Queue"]\nreason = "because"',
        '[[accepted]]\nrules = ["checkov:CKV_1"]\nreason = "because"',
        '[[accepted]]\nrules = ["CKV_1"]\nwhere = ["Queue"]\nreason = "because"',
        '[[accepted]]\nrules = ["checkov:CKV_1"]\nwhere = ["Queue"]\nreason = "because"\nuntil = "2030"',
    ],
)
def test_an_incomplete_entry_is_rejected(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accepted.toml"
    path.write_text(text)
    with pytest.raises(BadEntry, match="entry 1"):
        load(path)


def test_policies_are_resolved_as_iam_sees_them(pristine_translation: Template) -> None:
    """No intrinsic function is left, and conditional statements are in force."""
    found = policies(pristine_translation)
    assert "Fn::" not in str(found)
    assert "{'Ref'" not in str(found)
    statements = {each["Sid"]: each for each in found["SubmitTaskRole"]["Statement"]}
    assert statements["ReadInputBuckets"]["Resource"] == ["arn:*:s3:::films/*", "arn:*:s3:::other.films/*"]
    assert statements["ClaimTasks"]["Resource"] == "arn:aws:dynamodb:eu-central-1:123456789012:table/tarmac-TasksTable"
    assert "DeleteOutputs" in {each["Sid"] for each in found["ReadTasksRole"]["Statement"]}
