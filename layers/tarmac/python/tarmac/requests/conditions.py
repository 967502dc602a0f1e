"""The condition language of the catalogue: rules about how the parameters of a request depend on each other.

The catalogue lists rules in `rules` of a model or of an object. Each rule is a table with two groups of keywords:

    conditions: the rule applies to a request if all of them hold (without any, it always applies)
        when       {name: values}   the parameter has one of the values
        unless     {name: values}   the parameter has none of the values
        given      [names]          each parameter is set
        absent     [names]          no parameter is set

    consequences: each of them must hold if the rule applies
        requires       [names]         each parameter must be set
        forbids        [names]         no parameter may be set
        allows         {name: values}  the parameter, if set, must have one of the values
        refuses        {name: values}  the parameter must have none of the values
        requiresOneOf  [names]         at least one parameter must be set
        exactlyOne     [names]         exactly one parameter must be set
        check          "function"      a function of this module (`CHECKS`) must find no problem; for arithmetic

    why "text": the error message; without it the message is built from the rule

A name is the name of a parameter, or a path into an object, such as `providerSettings.shotType`. A parameter that is
null counts as not set. Example: with a duration of 8 seconds the resolution must be 720p.

    { when = { duration = [8] }, allows = { resolution = "720p" } }
    a request with duration 8 and resolution 1080p gets the issue "resolution: Must be 720p when duration is 8"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
Rule = Mapping[str, Any]
Body = Mapping[str, Any]


class Broken(NamedTuple):
    """One violation of a rule: its path, its message, and whether a parameter is missing at the path."""

    path: Path
    message: str
    missing: bool = False


def applies(rule: Rule, body: Body) -> bool:
    """Whether all conditions of a rule hold."""
    return (
        all(_at(body, name) in values for name, values in rule.get("when", {}).items())
        and not any(_at(body, name) in values for name, values in rule.get("unless", {}).items())
        and all(_at(body, name) is not None for name in rule.get("given", ()))
        and all(_at(body, name) is None for name in rule.get("absent", ()))
    )


def broken_rules(body: Body, rules: Iterable[Rule], sound: bool) -> Iterator[Broken]:
    """Yield every violation of the rules by a body.

    sound: whether all parameters have the right types; otherwise the functions of `check` do not run.
    """
    for rule in rules:
        if not applies(rule, body):
            continue
        yield from _consequences(body, rule)
        if sound and "check" in rule:
            yield from CHECKS[rule["check"]](body)


def in_words(rule: Rule) -> list[str]:
    """The consequences of a rule in English, one sentence each. A `check` without `why` has no sentence."""
    if "why" in rule:
        return [rule["why"]]
    condition = _conditions_in_words(rule)
    return [
        *(f"{name} is required{condition}" for name in rule.get("requires", ())),
        *(f"{name} is not accepted{condition}" for name in rule.get("forbids", ())),
        *(f"{name} must be {_either(values)}{condition}" for name, values in rule.get("allows", {}).items()),
        *(f"{name} must not be {_either(values)}{condition}" for name, values in rule.get("refuses", {}).items()),
        *([f"{_either(rule['requiresOneOf'])} is required{condition}"] if "requiresOneOf" in rule else []),
        *([f"exactly one of {', '.join(rule['exactlyOne'])}{condition}"] if "exactlyOne" in rule else []),
    ]


def _consequences(body: Body, rule: Rule) -> Iterator[Broken]:
    why, condition = rule.get("why"), _conditions_in_words(rule)
    for name in rule.get("requires", ()):
        if _at(body, name) is None:
            yield Broken(_path(name), why or f"Required{condition}", missing=True)
    for name in rule.get("forbids", ()):
        if _at(body, name) is not None:
            yield Broken(_path(name), why or f"Not accepted{condition}")
    for name, values in rule.get("allows", {}).items():
        if _at(body, name) is not None and _at(body, name) not in values:
            yield Broken(_path(name), why or f"Must be {_either(values)}{condition}")
    for name, values in rule.get("refuses", {}).items():
        if _at(body, name) in values:
            yield Broken(_path(name), why or f"Must not be {_either(values)}{condition}")
    for word in ("requiresOneOf", "exactlyOne"):
        names: Sequence[str] = rule.get(word, ())
        given = [name for name in names if _at(body, name) is not None]
        if names and not given:
            yield Broken(_path(names[0]), why or f"Required{condition}: {_either(names)}", missing=True)
        elif word == "exactlyOne" and len(given) > 1:
            yield Broken(_path(given[1]), why or f"Set only one of {', '.join(names)}")


def _at(body: Body, name: str) -> Any:
    """The value at a dotted path, or None. Some clients send null for a parameter that they do not set."""
    value: Any = body
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _path(name: str) -> Path:
    return tuple(name.split("."))


def _conditions_in_words(rule: Rule) -> str:
    words = [
        *(f"when {name} is {_either(values)}" for name, values in rule.get("when", {}).items()),
        *(f"unless {name} is {_either(values)}" for name, values in rule.get("unless", {}).items()),
        *(f"with {name}" for name in rule.get("given", ())),
        *(f"without {name}" for name in rule.get("absent", ())),
    ]
    return " " + " and ".join(words) if words else ""


def _either(values: Sequence[Any]) -> str:
    return " or ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)


def _segments_last_3_to_15_seconds(body: Body) -> Iterator[Broken]:
    segments = _at(body, "providerSettings.multiPrompt")
    if segments is not None and not 3 <= (total := _seconds(segments)) <= 15:
        yield Broken(
            ("providerSettings", "multiPrompt"),
            f"All segments together must last 3 to 15 seconds; these last {total:g}",
        )


def _shots_fill_the_duration(body: Body) -> Iterator[Broken]:
    shots, duration = body.get("shots"), body.get("duration") or 10
    if shots is not None and (total := _seconds(shots)) != duration:
        yield Broken(
            ("shots",),
            f"All shots together must last {duration} seconds, the duration of the video; these last {total:g}",
        )


def _keyframes_lie_in_their_ranges(body: Body) -> Iterator[Broken]:
    keyframes = body.get("keyframes") or []
    if len({frame.get("range") is None for frame in keyframes}) > 1:
        yield Broken(("keyframes",), "Set a range for all keyframes or for none")
    for index, frame in enumerate(keyframes):
        window, seconds = frame.get("range"), frame.get("seconds")
        if window is None:
            continue
        if window["end_seconds"] <= window["start_seconds"]:
            yield Broken(("keyframes", index, "range"), "end_seconds must be later than start_seconds")
        elif seconds is not None and not window["start_seconds"] <= seconds < window["end_seconds"]:
            yield Broken(("keyframes", index, "seconds"), "The keyframe must lie within its range")


def _keyframed_ratio_is_auto(body: Body) -> Iterator[Broken]:
    frames, ratio = body.get("promptImage"), body.get("ratio")
    keyed = isinstance(frames, list) and any(frame.get("position") is not None for frame in frames)
    if keyed and ratio is not None and not ratio.startswith("auto_"):
        yield Broken(("ratio",), "With keyframes, the ratio must be auto_480p, auto_720p or auto_1080p")


def _at_most_5_humans_and_9_objects(body: Body) -> Iterator[Broken]:
    subjects = [image.get("subject") for image in body.get("referenceImages") or []]
    for subject, most in (("human", 5), ("object", 9)):
        if subjects.count(subject) > most:
            yield Broken(("referenceImages",), f"At most {most} images may have the subject {subject}")


def _chosen_size_needs_two_references(body: Body) -> Iterator[Broken]:
    if len(body.get("referenceImages") or []) < 2 and body.get("ratio") not in (None, "auto"):
        yield Broken(("ratio",), "A ratio other than auto requires at least 2 reference images")


def _freeform_size_is_3_to_16_megapixels(body: Body) -> Iterator[Broken]:
    width, _, height = body["ratio"].partition(":")
    if width.isdecimal() and height.isdecimal() and not 3_686_400 <= int(width) * int(height) <= 16_777_216:
        yield Broken(("ratio",), "Width times height must be 3686400 to 16777216 pixels")


def _one_image_a_place_and_one_source(body: Body) -> Iterator[Broken]:
    for name, single in (("referenceImages", ("first", "last")), ("referenceVideos", ("source",))):
        roles = [media.get("role") for media in body.get(name) or []]
        for role in single:
            if roles.count(role) > 1:
                yield Broken((name,), f"At most one may have the role {role}")


def _keyframes_need_a_source(body: Body) -> Iterator[Broken]:
    roles = [video.get("role") for video in body.get("referenceVideos") or []]
    if body.get("keyframes") and "source" not in roles:
        yield Broken(("referenceVideos",), "Keyframes require a video with the role source")


def _seconds(parts: Sequence[Mapping[str, Any]]) -> float:
    return float(sum(part["duration"] for part in parts))


CHECKS: Mapping[str, Callable[[Body], Iterator[Broken]]] = {
    check.__name__.removeprefix("_"): check
    for check in (
        _segments_last_3_to_15_seconds,
        _shots_fill_the_duration,
        _keyframes_lie_in_their_ranges,
        _keyframed_ratio_is_auto,
        _at_most_5_humans_and_9_objects,
        _chosen_size_needs_two_references,
        _freeform_size_is_3_to_16_megapixels,
        _one_image_a_place_and_one_source,
        _keyframes_need_a_source,
    )
}
"""Name in the catalogue → function. A function gets an object whose parameters have the right types."""
