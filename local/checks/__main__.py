"""`python -m local.checks`: exit code 1 and one line a finding, or a short account of what was checked."""

import sys

from local.checks import template

if __name__ == "__main__":
    sys.exit(template.main())
