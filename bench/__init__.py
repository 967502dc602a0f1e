"""Benchmarks. `make bench` runs them and prints ratios, which hardly depend on the machine."""
