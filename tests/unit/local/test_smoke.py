"""`tarmac smoke` before it starts: what it may cost, and the question."""

from __future__ import annotations

import boto3
import pytest

from local.commands.smoke import _confirm
from local.commands.target import Target
from local.errors import Refused
from local.paths import import_domain
from local.smoke import MOST_CREDITS, estimated_credits

import_domain()


class Deployed(Target):
    """A stack on AWS with these parameters."""

    flavor = "runway"

    @property
    def parameters(self) -> dict[str, str]:
        return {"RunwayBaseUrl": "https://api.dev.runwayml.com", "UpstreamFlavor": self.flavor}


@pytest.fixture
def target() -> Deployed:
    return Deployed("prod", {}, boto3.Session(region_name="eu-central-1"))


def test_a_run_costs_at_most_two_credits() -> None:
    assert 0 < estimated_credits() <= MOST_CREDITS == 2


def test_credits_are_not_spent_without_a_confirmation(target: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    """pytest's standard input is no terminal, so nothing can be asked."""
    with pytest.raises(Refused, match="--yes"):
        _confirm(target, yes=False)
    _confirm(target, yes=True)
    assert capsys.readouterr().err.count("prod costs at most 2 credits ($0.02)") == 2


def test_another_upstream_is_rejected(target: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Deployed, "flavor", "cometapi")
    with pytest.raises(Refused, match="UpstreamFlavor runway"):
        _confirm(target, yes=True)
