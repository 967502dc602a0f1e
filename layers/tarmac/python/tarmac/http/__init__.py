"""The HTTP edge: requests, answers, errors and client keys."""
