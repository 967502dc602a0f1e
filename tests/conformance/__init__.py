"""The official SDKs against the local stack: what they have, Tarmac answers, and what it cannot is named with a reason.

Python's in both its forms here (`make test`), Node's in node/ (`make test-node`). Both read their generations from
generations.py and their exceptions from exceptions.py.
"""

import pytest

# Cases stand outside of test modules; their assertions are to say what they have seen, too.
for _cases in ("characters", "resources", "routing", "sessions", "workflows"):
    pytest.register_assert_rewrite(f"{__name__}.{_cases}")
