"""Permissions of the functions: what the template grants, what the functions call, and docs/permissions.md."""
