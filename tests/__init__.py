"""Tests: `unit` needs nothing, `e2e` a local stack; `fakes` stand in for AWS and Runway and pass their contracts."""
