"""States `AnnounceFilm` and `KeepWhatWasMade` of the storyboard: a manifest beside the film, and a notice to SNS."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3

FILM_BUCKET = os.environ["FILM_BUCKET"]
NOTICE_TOPIC_ARN = os.environ["NOTICE_TOPIC_ARN"]
VERSION = 1
s3 = boto3.client("s3")
sns = boto3.client("sns")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{film, shots, joined}` in, or `{film, failure: {error, cause}}` of one that lacks shots; out comes the summary
    that the execution ends with. Safe to repeat: the same manifest, and a notice with the same event id."""
    film, failure = event["film"], event.get("failure")
    shots = event["shots"] if failure is None else kept_shots(film)
    code, words = (None, None) if failure is None else why(failure)
    manifest = {
        "version": VERSION,
        "film": film,
        "status": "SUCCEEDED" if failure is None else "FAILED",
        "failure": words,
        "failureCode": code,
        "shots": shots,
        "joined": event.get("joined"),
        "credits": sum(shot["credits"] or 0 for shot in shots),
    }
    at = {"bucket": FILM_BUCKET, "key": f"films/{film}/manifest.json"}
    s3.put_object(
        Bucket=at["bucket"], Key=at["key"], Body=json.dumps(manifest, indent=2).encode(), ContentType="application/json"
    )
    summary = manifest | {"manifest": at, "shots": len(shots)}
    kind = "film.succeeded" if failure is None else "film.failed"
    # What every notice of Tarmac has, so that whoever reads the topic need not know of films.
    notice = {"type": kind, "eventId": f"{film}-film-ended", "taskId": None, "source": {"kind": "storyboard"}} | summary
    sns.publish(
        TopicArn=NOTICE_TOPIC_ARN,
        Message=json.dumps(notice),
        MessageAttributes={
            "type": {"DataType": "String", "StringValue": kind},
            "operation": {"DataType": "String", "StringValue": "storyboard"},
        },
    )
    print(json.dumps({"message": "film announced", "film": film, "status": manifest["status"], "shots": len(shots)}))
    return summary


def kept_shots(film: str) -> list[dict[str, Any]]:
    """What KeepLastFrame has left of each shot that came so far, in order."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=FILM_BUCKET, Prefix=f"films/{film}/shots/")
    keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    return [json.loads(s3.get_object(Bucket=FILM_BUCKET, Key=key)["Body"].read()) for key in sorted(keys)]


def why(failure: dict[str, str]) -> tuple[str, str]:
    """The failed shot's own code and words. startExecution.sync wraps them into a description of the execution."""
    try:
        described = json.loads(failure["cause"])
    except ValueError:
        described = {}
    if not isinstance(described, dict):
        described = {}
    code = described.get("Error") or described.get("errorType") or failure["error"]
    return code, (described.get("Cause") or described.get("errorMessage") or failure["cause"])[:1000]
