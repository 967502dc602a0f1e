"""`python -m local.checks`: prints one line for each finding and exits with 1, or prints what was checked."""

import sys

from local.checks import template

if __name__ == "__main__":
    sys.exit(template.main())
