"""`make audit`: the template, its translation, its policies and the sources, judged by independent tools.

Each finding is fixed, or accepted in accepted.toml with its reason. Runs in .venv-audit (requirements/audit.txt).
"""
