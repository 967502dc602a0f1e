"""The commented options of samconfig.toml. The rest is the operator's: `sam deploy --guided` rewrites it."""

import re
import tomllib

from local.aws.template import Template
from local.paths import ROOT


def test_suggested_overrides_are_parameters(template: Template) -> None:
    """Taken as configuration, the last comment is valid TOML, and every override in it names a parameter."""
    text = (ROOT / "samconfig.toml").read_text()
    suggestion = re.search(r"^# parameter_overrides = \[$.*?^# \]$", text, re.DOTALL | re.MULTILINE)
    assert suggestion is not None
    uncommented = re.sub("^# ", "", suggestion[0], flags=re.MULTILINE)
    overrides = tomllib.loads(uncommented)["parameter_overrides"]
    assert {override.partition("=")[0] for override in overrides} <= template["Parameters"].keys()
