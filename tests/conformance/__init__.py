"""The official SDKs against the local stack: every method works, or is listed as an exception with its reason.

Python's in both its forms here (`make test`), Node's in node/ (`make test-node`). Both read their generations from
generations.py and their exceptions from exceptions.py.
"""

import pytest

# Cases are not in test modules; this makes their assertions report the values, too.
for _cases in ("characters", "resources", "routing", "sessions", "workflows"):
    pytest.register_assert_rewrite(f"{__name__}.{_cases}")
