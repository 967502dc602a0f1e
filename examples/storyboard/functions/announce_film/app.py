"""States `AnnounceFilm` and `KeepWhatWasMade`: store a manifest beside the film and publish a notice."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3

VERSION = 1
MOST_CAUSE_CHARACTERS = 1000
CANCELLED = "TARMAC.CANCELLED"
"""The error of the state ShotCancelled."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Films:
    """The bucket of films, the topic of notices, and the clients for both."""

    s3: Any
    bucket: str
    sns: Any
    topic_arn: str


@cache
def films() -> Films:
    """Return the bucket and the topic that the environment names. Made once per process."""
    return Films(boto3.client("s3"), os.environ["FILM_BUCKET"], boto3.client("sns"), os.environ["NOTICE_TOPIC_ARN"])


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Take `{film, shots, joined}`, or `{film, failure: {error, cause}}`; return the summary of the execution.

    Idempotent: a repeated call writes the same manifest and publishes a notice with the same event id.
    """
    film, failure = event["film"], event.get("failure")
    shots = event["shots"] if failure is None else stored_shots(film)
    code, words = (None, None) if failure is None else reason(failure)
    status = "SUCCEEDED" if failure is None else "CANCELLED" if code == CANCELLED else "FAILED"
    manifest = {
        "version": VERSION,
        "film": film,
        "status": status,
        "failure": words,
        "failureCode": code,
        "shots": shots,
        "joined": event.get("joined"),
        "credits": sum(shot["credits"] or 0 for shot in shots),
    }
    place = {"bucket": films().bucket, "key": f"films/{film}/manifest.json"}
    body = json.dumps(manifest, indent=2).encode()
    films().s3.put_object(Bucket=place["bucket"], Key=place["key"], Body=body, ContentType="application/json")
    summary = manifest | {"manifest": place, "shots": len(shots)}
    publish(film, f"film.{status.lower()}", summary)
    log.info("film announced", extra={"film": film, "status": status, "shots": len(shots)})
    return summary


def publish(film: str, kind: str, summary: dict[str, Any]) -> None:
    """Publish a notice with the fields that every notice of Tarmac has, so that any subscriber can read it."""
    notice = {"type": kind, "eventId": f"{film}-film-ended", "taskId": None, "source": {"kind": "storyboard"}} | summary
    films().sns.publish(
        TopicArn=films().topic_arn,
        Message=json.dumps(notice),
        MessageAttributes={
            "type": {"DataType": "String", "StringValue": kind},
            "operation": {"DataType": "String", "StringValue": "storyboard"},
        },
    )


def stored_shots(film: str) -> list[dict[str, Any]]:
    """Return what KeepLastFrame has stored of each finished shot, in order."""
    s3, bucket = films().s3, films().bucket
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"films/{film}/shots/")
    keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    return [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in sorted(keys)]


def reason(failure: dict[str, str]) -> tuple[str, str]:
    """Return the error code and the cause of the failed shot itself.

    startExecution.sync wraps both into a description of the child execution.
    """
    try:
        described = json.loads(failure["cause"])
    except ValueError:
        described = {}
    if not isinstance(described, dict):
        described = {}
    code = described.get("Error") or described.get("errorType") or failure["error"]
    cause = described.get("Cause") or described.get("errorMessage") or failure["cause"]
    return code, cause[:MOST_CAUSE_CHARACTERS]
