"""A stack of its own under load, faults, kills and restarts: nothing is lost, nothing is paid twice."""
