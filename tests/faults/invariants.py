"""What must be true whatever fails, checked against a ledger outside the product.

1  paid creates of a task ≤ 1 + min(ambiguous outcomes, MaxAmbiguousRetries) + retries of failures, these at most
   MaxFailureRetries, and only after Runway itself has said FAILED with a retryable code
2  every accepted task reaches exactly one ending, which is true, and never changes
3  every ending is announced at least once, always with the same event id and content; and a
   webhook that was requested is queued by then
4  on success every output is whole in the archive, and nothing there is ever overwritten
5  no create after a cancel, a deadline or an ending: none without a claim, none claimed after it
6  reservations add up: the estimate while a task is open, nothing after its ending, but what is ambiguous stays
7  no orphan: what was bought is bound to its row, or was cancelled, or its attempt was counted as ambiguous
8  no output of Runway's is deleted unseen before it is archived
9  the row comes before its execution; one object version is one task
10 a key never finds a task of another body: a create returns a task of its own body, one idempotency key makes one
   task, a client's own retry finds a task once, and a create that is not a retry finds none
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.clock import from_iso
from tarmac.idempotency import RequestIdentity
from tests.faults.scheduler import Actor
from tests.faults.upstream import Generation

MAX_FAILURE_RETRIES = 1
LEASE_SECONDS = 150.0
GONE_LOOKS = 3
TERMINAL = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "AMBIGUOUS_FAILED"})
RETRYABLE = frozenset({"", "INTERNAL", "INTERNAL.BAD_OUTPUT.01", "THIRD_PARTY.UNAVAILABLE"})
"""The codes of the scenarios that permit one more attempt, by the design and not by `tarmac.tasks.failures`."""

_FINAL = ("state", "outputs", "failure", "failureCode", "costCredits", "endedAt", "reservedCredits", "upstreamId")

Row = Mapping[str, Any]


class Broken(BaseException):
    """An invariant does not hold; the message begins with its number. Not an Exception: no step may catch it."""


@dataclass(slots=True)
class Claim:
    """One attempt: the right to make one create."""

    task_id: str
    at: float
    creates: int = 0
    was_lost: bool = False
    had_trouble: bool = False


@dataclass(slots=True)
class Blips:
    """The number of injected false responses: enough of them may determine the ending of a task."""

    not_found: int = 0
    expired: int = 0


class Ledger:
    """Check one effect that was done. Raises Broken at the first that violates an invariant."""

    def __init__(self, max_ambiguous_retries: int) -> None:
        self.max_ambiguous_retries = max_ambiguous_retries
        self.rows: dict[str, Row] = {}
        self.claims: dict[str, Claim] = {}
        self.generations: dict[str, Generation] = {}
        self.failure_retries: dict[str, int] = {}
        self.notices: dict[str, list[str]] = {}
        self.queued_webhooks: set[str] = set()
        self.archived: dict[str, bytes] = {}
        self.sources: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.taken: dict[str, int] = {}
        self.blips = Blips()
        self.was_ambiguous = False

    # ── while it happens ────────────────────────────────────────────────────────────────────────────────────────

    def wrote(self, after: Row, actor: Actor, now: float) -> None:
        """A task row."""
        task_id = after["taskId"]
        before = self.rows.get(task_id)
        self.rows[task_id] = after
        if after["version"] == 1:
            self._accepted(before, after, actor)
        elif before is None:
            raise Broken("2: a row appeared that was never accepted")
        else:
            if before.get("retryClaim") != after.get("retryClaim"):
                actor.claimed.add(task_id)
            if before["state"] in TERMINAL:
                _still_the_same(before, after)
            elif after["state"] in TERMINAL:
                self._ended(after, now)
            self._attempts(before, after, actor, now)
        self._announcement(after)
        _reservation(after)

    def _accepted(self, before: Row | None, after: Row, actor: Actor) -> None:
        if before is not None:
            raise Broken("2: an accepted task was written over by a new one")
        if actor.claimed:
            raise Broken("10: a retry took the task of its first attempt, and made another")
        source = after.get("source", {})
        if source.get("kind") == "s3":
            cause = f"{source['key']}?{source.get('versionId')}"
            if cause in self.sources:
                raise Broken(f"9: {cause} became a second task")
            self.sources[cause] = after["taskId"]

    def _ended(self, after: Row, now: float) -> None:
        if after.get("noticeState") != "PENDING":
            raise Broken("3: an ending was written without its pending notice")
        generation = self.generations.get(after.get("upstreamId", ""))
        state, code = after["state"], after.get("failureCode")
        lied_to = self.blips.not_found >= GONE_LOOKS
        if state == "CANCELLED" and "cancelRequestedAt" not in after:
            raise Broken("2: cancelled without a request")
        if code == "TARMAC.DEADLINE" and now < from_iso(after["deadlineAt"]):
            raise Broken("2: a deadline that had not come")
        if generation is None or generation.id not in self.generations:
            if state == "SUCCEEDED" or code == "TARMAC.GONE":
                raise Broken(f"2: {state} {code or ''} without a generation")
            return
        if state == "SUCCEEDED" and not generation.has_output(now):
            raise Broken("2: a success that Runway knows nothing of")
        if generation.is_active(now) and not lied_to:
            raise Broken(f"7: {state} {code or ''} while {generation.id} still runs at Runway")
        if state == "FAILED" and generation.has_output(now) and not lied_to:
            if code == "TARMAC.OUTPUT_EXPIRED" and self.blips.expired >= 2:
                return
            raise Broken(f"2: {code}, though Runway has the output of {generation.id}")

    def _attempts(self, before: Row, after: Row, actor: Actor, now: float) -> None:
        held, holds = before.get("claim"), after.get("claim")
        if holds is not None and holds != held:
            self._claimed(before, after, actor)
        if before["state"] == "SUBMITTED" and after["state"] in ("WAITING", "SUBMITTING"):
            self._tried_again(before, after, now)
        if held is not None and holds != held:
            self._released(held, before, after, actor, now)

    def _claimed(self, before: Row, after: Row, actor: Actor) -> None:
        if "cancelRequestedAt" in before:
            raise Broken("5: claimed after the cancel was recorded")
        # By the time of the decision: the write itself may be under way for long.
        at = from_iso(after["claimedAt"])
        if at >= from_iso(before["deadlineAt"]):
            raise Broken("5: claimed after the deadline")
        self.claims[after["claim"]] = Claim(after["taskId"], at, had_trouble=actor.had_trouble)
        actor.claims.add(after["claim"])

    def _released(self, token: str, before: Row, after: Row, actor: Actor, now: float) -> None:
        """Check a claim that ended as bound, lost or rejected: only its holder may end it, unless it is lost."""
        claim = self.claims[token]
        if after["state"] == "SUBMITTED":
            generation = self.generations[after["upstreamId"]]
            generation.is_bound = True
            if generation.token != token:
                raise Broken("7: a generation was bound to another attempt's claim")
        elif after.get("ambiguous", 0) > before.get("ambiguous", 0):
            claim.was_lost = True
            self.was_ambiguous = True
            if token not in actor.claims and now - claim.at < LEASE_SECONDS:
                raise Broken("7: an active claim was treated as lost")
            if not claim.had_trouble:
                raise Broken("2: an undisturbed attempt was given up")
        elif token not in actor.claims:
            raise Broken("7: a claim was ended by an actor that does not hold it")
        elif any(generation.token == token for generation in self.generations.values()):
            raise Broken("7: a bought generation was recorded as rejected")

    def _tried_again(self, before: Row, after: Row, now: float) -> None:
        generation = self.generations[before["upstreamId"]]
        if generation.is_deleted or generation.status(now) != "FAILED" or generation.life.failure not in RETRYABLE:
            raise Broken(f"1: another attempt while {generation.id} is {generation.status(now)}")
        tried = self.failure_retries[after["taskId"]] = self.failure_retries.get(after["taskId"], 0) + 1
        if tried > MAX_FAILURE_RETRIES:
            raise Broken("1: more attempts after failures than the budget allows")

    def _announcement(self, after: Row) -> None:
        if after.get("noticeState") != "SENT":
            return
        if not self.notices.get(f"{after['taskId']}-ended"):
            raise Broken("3: a notice was marked as sent before it was published")
        if "webhook" in after and after["taskId"] not in self.queued_webhooks:
            raise Broken("3: a notice is marked as sent, but the webhook was never queued")

    def created(self, generation: Generation) -> None:
        self.generations[generation.id] = generation

    def sending(self, actor: Actor) -> str:
        """Record a create and the claim that it belongs to."""
        fresh = [token for token in actor.claims if self.claims[token].creates == 0]
        if len(fresh) != 1:
            raise Broken("5: a create without a claim of its own")
        self.claims[fresh[0]].creates += 1
        return fresh[0]

    def troubled(self, actor: Actor) -> None:
        """Record a fault of this actor: the claims that it holds may be lost."""
        actor.had_trouble = True
        for token in actor.claims:
            self.claims[token].had_trouble = True

    def deleting(self, upstream_id: str, actor: Actor, now: float) -> None:
        generation = self.generations[upstream_id]
        generation.cancel_was_asked = True
        row = self.rows[generation.task_id]
        wanted = row["state"] == "SUBMITTED" and row.get("upstreamId") == upstream_id
        if wanted and "cancelRequestedAt" not in row and now < from_iso(row["deadlineAt"]):
            raise Broken("8: a generation was cancelled that is still wanted")
        if wanted and generation.has_output(now) and upstream_id not in actor.polled:
            raise Broken("8: an output was deleted before any poll")

    def returned(self, actor: Actor) -> None:
        """An invocation came to its regular end."""
        for upstream_id in actor.received:
            generation = self.generations[upstream_id]
            if not generation.is_bound and not generation.cancel_was_asked:
                raise Broken(f"7: {upstream_id} is neither bound nor cancelled, though its id had come")

    def published(self, message: str) -> None:
        notice = json.loads(message)
        earlier = self.notices.setdefault(notice["eventId"], [])
        if earlier and earlier[0] != message:
            raise Broken("3: one event id, two contents")
        earlier.append(message)

    def queued(self, message: str) -> None:
        self.queued_webhooks.add(json.loads(message)["taskId"])

    def stored(self, key: str, content: bytes) -> None:
        if key in self.archived:
            raise Broken(f"4: {key} was overwritten")
        self.archived[key] = content

    def keyed(self, record: Row) -> None:
        """An idempotency record; none expires within a run."""
        if self.keys.setdefault(record["pk"], record["taskId"]) != record["taskId"]:
            raise Broken("10: one idempotency key, two tasks")

    def answered(self, task_id: str, is_new: bool, identity: RequestIdentity, prompt: str, held_prompt: str) -> None:
        """A create came to its regular end. The prompts: of this request, and of the task's request."""
        if held_prompt != prompt:
            raise Broken("10: a create returned the task of another body")
        if identity.key is not None:
            if task_id not in self.keys.values():
                raise Broken("10: a create returned a task of another key")
        elif not is_new:
            if identity.retry <= self.taken.get(task_id, 0):
                raise Broken("10: a create that is not a later retry returned an earlier task")
            self.taken[task_id] = identity.retry

    def starting(self, execution_input: str) -> None:
        if json.loads(execution_input)["taskId"] not in self.rows:
            raise Broken("9: an execution was started before its row")

    # ── when the run has ended ──────────────────────────────────────────────────────────────────────────────────

    def at_rest(self) -> None:
        for task_id, row in self.rows.items():
            if row["state"] not in TERMINAL:
                raise Broken(f"2: the task stays {row['state']}")
            self._was_announced(task_id, row)
            self._was_paid_within_bounds(task_id)
            if row["state"] == "SUCCEEDED":
                self._is_archived(row)
        for generation in self.generations.values():
            accounted = generation.is_bound or generation.is_deleted or self.claims[generation.token].was_lost
            if not accounted and not generation.cancel_was_asked:
                raise Broken(f"7: {generation.id} is an orphan")

    def _was_announced(self, task_id: str, row: Row) -> None:
        notices = self.notices.get(f"{task_id}-ended")
        if not notices:
            raise Broken(f"3: {row['state']} was never announced")
        if json.loads(notices[0])["status"] != row["state"]:
            raise Broken("3: the notice reports another ending")
        if row["noticeState"] != "SENT":
            raise Broken("3: a notice stays pending")

    def _was_paid_within_bounds(self, task_id: str) -> None:
        paid = sum(generation.task_id == task_id for generation in self.generations.values())
        ambiguous = sum(claim.was_lost for claim in self.claims.values() if claim.task_id == task_id)
        most = 1 + min(ambiguous, self.max_ambiguous_retries) + self.failure_retries.get(task_id, 0)
        if paid > most:
            raise Broken(f"1: {paid} creates were paid, at most {most} may be")

    def _is_archived(self, row: Row) -> None:
        generation = self.generations[row["upstreamId"]]
        whole = [generation.content(number) for number in range(1, generation.life.outputs + 1)]
        listed = [output["key"] for output in row.get("outputs", ())]
        if [self.archived.get(key) for key in listed] != whole:
            raise Broken(f"4: the row lists {len(listed)} outputs, which are not the {len(whole)} of {generation.id}")


def _still_the_same(before: Row, after: Row) -> None:
    changed = [name for name in _FINAL if before.get(name) != after.get(name)]
    if changed:
        raise Broken(f"2: an ending changed in {', '.join(changed)}")


def _reservation(row: Row) -> None:
    estimate = row.get("estimatedCredits", 0)
    owed = estimate if row["state"] == "AMBIGUOUS_FAILED" or row["state"] not in TERMINAL else 0
    if row.get("reservedCredits", 0) != owed:
        raise Broken(f"6: {row['state']} with {row.get('reservedCredits', 0)} credits reserved instead of {owed}")
