"""A separate stack under load, faults, kills and restarts: nothing is lost, nothing is paid twice."""
