"""Scenario directives, and rules that override them."""

from __future__ import annotations

import pytest

from local.simulator.directives import (
    DirectiveError,
    Directives,
    in_body,
    overridden,
    parse,
    without_directives,
)
from local.simulator.faults import Faults, rule_from


def test_every_directive_is_read() -> None:
    text = (
        "seconds=3.5, pending=1, throttled=2, fail=SAFETY.INPUT.TEXT, cancelled=1, progress=none, "
        "create=lost, times=2, retry_after=7, poll=stall, polls=3, "
        "output=gzip, outputs_bad=1, outputs=4, output_ttl=9, size=99, node_error=INTERNAL, unseen=1, shape=bare, "
        "queued=4, ready=5, expires=6, runs=7, fail_in=READY, consume=lost, consumes=1"
    )
    assert parse(text) == Directives(
        seconds=3.5,
        pending=1,
        throttled=2,
        fail="SAFETY.INPUT.TEXT",
        cancelled=True,
        progress_hidden=True,
        create="lost",
        times=2,
        retry_after=7,
        poll="stall",
        polls=3,
        output="gzip",
        outputs_bad=1,
        outputs=4,
        output_ttl=9,
        size=99,
        node_error="INTERNAL",
        unseen=1,
        shape="bare",
        queued=4,
        ready=5,
        expires=6,
        runs=7,
        fail_in="READY",
        consume="lost",
        consumes=1,
    )
    assert parse("fail=none") == Directives(fail_silently=True)
    assert parse("") == Directives()


@pytest.mark.parametrize(
    "text",
    [
        "colour=red",
        "seconds",
        "seconds=soon",
        "seconds=-1",
        "seconds=nan",
        "create=maybe",
        "polls=-1",
        "size=1.5",
        "fail_in=COMPLETED",
        "consume=twice",
        "shape=round",
    ],
)
def test_a_misspelt_directive_is_an_error(text: str) -> None:
    with pytest.raises(DirectiveError, match=text.partition("=")[0]):
        parse(text)


def test_directives_are_found_in_any_string_of_a_body() -> None:
    body = {
        "promptText": "a lamp [[sim: seconds=1, fail=INTERNAL]] in the rain [[sim: seconds=2]]",
        "references": [{"uri": "https://example.com/[[sim: size=5]].png"}],
        "seed": 7,
    }
    assert in_body(body) == Directives(seconds=2, fail="INTERNAL", size=5)
    assert in_body(["nothing", {"to": "see [[sim"}]) == Directives()


def test_directives_do_not_change_the_picture() -> None:
    assert without_directives("a lamp [[sim: seconds=1]]") == without_directives("a lamp") == "a lamp"


def test_overriding_keeps_values_that_are_not_set() -> None:
    assert overridden(parse("seconds=1, outputs=2"), by=parse("outputs=3")) == parse("seconds=1, outputs=3")


def test_a_rule_applies_where_it_matches_and_is_used_up() -> None:
    faults = Faults()
    match = {"path": "/v1/character_performance", "model": "act_two", "contains": "face"}
    faults.rules.append(rule_from({"match": match, "directives": "create=lost", "times": 1}))

    def scenario(path: str, model: str, body: bytes) -> str | None:
        return faults.scenario(Directives(), path, model, body).create

    assert scenario("/v1/text_to_video", "act_two", b"a face") is None
    assert scenario("/v1/character_performance", "other", b"a face") is None
    assert scenario("/v1/character_performance", "act_two", b"a hand") is None
    assert scenario("/v1/character_performance", "act_two", b"a face") == "lost"
    assert scenario("/v1/character_performance", "act_two", b"a face") is None


def test_a_rule_without_a_path_matches_generations_only() -> None:
    faults = Faults()
    faults.rules.append(rule_from({"directives": "create=500"}))
    for path in ("/v1/uploads", "/v1/realtime_sessions", "/runwayml/v1/text_to_video"):
        assert faults.scenario(Directives(), path, None, b"").create is None
    assert faults.scenario(Directives(), "/v1/generate/video", None, b"").create == "500"
    assert faults.scenario(Directives(), "/v1/text_to_video", "veo3", b"").create == "500"


@pytest.mark.parametrize(
    "rule",
    [
        None,
        {},
        {"directives": "create=never"},
        {"directives": "", "times": -1},
        {"directives": "", "match": {"key": "x"}},
        {"directives": "", "match": {"path": 1}},
        {"directives": "", "when": 1},
    ],
)
def test_an_invalid_rule_is_an_error(rule: object) -> None:
    with pytest.raises(DirectiveError):
        rule_from(rule)
