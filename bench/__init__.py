"""Benchmarks. `make bench` runs them and prints ratios, which a slow machine does not change."""
