"""samconfig.toml: what `sam deploy` takes from it, and what it offers in its comments."""

import tomllib

from local.aws.template import Template
from local.paths import ROOT

TEXT = (ROOT / "samconfig.toml").read_text()


def test_deploys_without_another_word() -> None:
    """A stack's name, a bucket for the code and leave to make roles: the rest has defaults."""
    config = tomllib.loads(TEXT)["default"]
    assert config["global"]["parameters"]["stack_name"] == "tarmac"
    deploy = config["deploy"]["parameters"]
    assert deploy["resolve_s3"] is True
    assert deploy["capabilities"] == "CAPABILITY_IAM"


def test_suggested_overrides_are_parameters(template: Template) -> None:
    """With its last comment taken as configuration, every override names a parameter."""
    _, _, suggestion = TEXT.partition("# parameter_overrides")
    lines = [line.removeprefix("# ") for line in f"# parameter_overrides{suggestion}".splitlines()]
    overrides = tomllib.loads("\n".join(lines))["parameter_overrides"]
    assert {override.partition("=")[0] for override in overrides} <= template["Parameters"].keys()
