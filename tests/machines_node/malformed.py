"""Faults that a validator of definitions must find, one in a copy."""

from __future__ import annotations

from tests.workflow.broken import Fault, shot_states

MALFORMED = (
    Fault("a dangling Next", "generation", lambda states: states["Poll"].update(Next="Nowhere")),
    Fault("a dangling Catch", "generation", lambda states: states["Submit"]["Catch"][0].update(Next="Nowhere")),
    Fault("an unreachable state", "generation", lambda states: states["Enter"].pop("Default")),
    Fault("a misspelt type", "session", lambda states: states["Watch"].update(Type="Tsk")),
    Fault("an unknown field", "session", lambda states: states["Watch"].update(Resorce="misspelt")),
    Fault("a negative count of retries", "session", lambda states: states["Watch"]["Retry"][0].update(MaxAttempts=-1)),
    Fault("a field of the other query language", "session", lambda states: states["Watch"].update(OutputPath="$.a")),
    Fault("Next and End", "session", lambda states: states["Watch"].update(End=True)),
    Fault(
        "an expression that cannot be parsed",
        "film",
        lambda states: states["JoinFilm"].update(Output="{% $states.result.( %}"),
    ),
    Fault(
        "an expression without its end", "film", lambda states: states["JoinFilm"].update(Output="{% $states.result")
    ),
    Fault(
        "a dangling Next inside a Map",
        "film",
        lambda states: shot_states(states)["GenerateShot"].update(Next="JoinFilm"),
    ),
)
