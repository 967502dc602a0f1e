"""The HTTP edge: the route table, requests, answers, the error table and client keys."""
