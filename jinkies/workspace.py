"""One transaction's working set: commands are decided on it in order, each seeing its predecessors.

Nothing here knows of SQL or of waiting: it turns what was loaded and a list of commands into changes.
"""

from __future__ import annotations

from collections.abc import Container

import msgspec

from jinkies import authz, channel_tails, decisions, leases, lifecycle, silences, work
from jinkies.bulk import BULK_LIMIT
from jinkies.commands import (
    Acknowledge,
    AdvanceWatch,
    Assign,
    Bulk,
    CatchUp,
    Comment,
    CreateIssue,
    CreatePullRequest,
    EndSilence,
    Expire,
    KeepSearched,
    KeepTails,
    Merge,
    NoteRefusal,
    Outcome,
    PauseChannelTail,
    RecordChannelTail,
    RecordDelivery,
    RecordIssue,
    RecordOnGitHub,
    RecordPullRequest,
    Reopen,
    Report,
    ReportOccurrence,
    ReportRecovery,
    Resolve,
    ShowCard,
    Snooze,
    Split,
    StartChannelTail,
    StartSilence,
    StopChannelTail,
    TakeLease,
    Tick,
    Undo,
)
from jinkies.config import RouteConfig
from jinkies.errors import CommandError, Conflict, Forbidden, Invalid, KeyReused, NotFound
from jinkies.ledger import NO_POLICY, Ledger, outcome_of
from jinkies.lifecycle import Decision, Policy, check_length
from jinkies.matching import Silence, Subject
from jinkies.model import (
    Actor,
    ActorKind,
    AlertRow,
    EntryKind,
)
from jinkies.permissions import Permissions, permissions_of
from jinkies.requests import Prepared, PreparedRecovery, Request
from jinkies.routing import routed
from jinkies.store.changes import Answered, Loaded

ANYBODY = permissions_of((), allowed_roles=())
MISSED_LIMIT = 500
NOT_DUE_MS = 60_000  # what is due and has nothing to decide is asked again then


class Workspace(Ledger):
    """The loaded state, the decisions taken on it so far, and the changes they make."""

    def __init__(
        self,
        loaded: Loaded,
        *,
        now_ms: int,
        alert_channel_id: str | None,
        policy: Policy = NO_POLICY,
        routes: tuple[RouteConfig, ...] = (),
        new_cards: int = 0,
        threads: bool = False,
        rights: Permissions = ANYBODY,
        declared: Container[str] = (),
    ) -> None:
        super().__init__(
            loaded,
            now_ms=now_ms,
            alert_channel_id=alert_channel_id,
            policy=policy,
            new_cards=new_cards,
            threads=threads,
        )
        self._routes = routes
        self._rights, self._declared = rights, declared
        self._due, self._due_tags = loaded.due, loaded.due_tags
        self._silences = dict(loaded.silences)
        self._next_silence_id = loaded.next_silence_id
        self._channel_tails = dict(loaded.channel_tails)
        self._answered = dict(loaded.answered)
        self._leases = dict(loaded.leases)
        self._expired, self._compactable = loaded.expired, loaded.compactable

    def carry_out(self, request: Request) -> Outcome:
        """Decide one command. Raises ``CommandError``; its own changes are not there then."""
        self._authorise(request)
        if request.key is None:
            return self._decide(request)
        held = self._answered.get((request.sender, request.key))
        if held is not None:
            if held.request != request.digest:
                raise KeyReused(f"idempotency key {request.key!r} was used for another request")
            return msgspec.json.decode(held.response, type=Outcome)
        outcome = self._decide(request)
        answered = Answered(
            sender=request.sender, key=request.key, request=request.digest, response=msgspec.json.encode(outcome)
        )
        self._answered[request.sender, request.key] = answered
        self.changes.answered.append(answered)
        return outcome

    def _authorise(self, request: Request) -> None:
        """Raise ``Forbidden`` unless they may do that to the services that it concerns."""
        command, services = request.command, tuple[str | None, ...]()
        if request.actor.kind is ActorKind.DISCORD:
            services = authz.concerned(command, self._service_of, self._silences, self._channel_tails, self._declared)
        authz.check(request.actor, command, rights=self._rights, services=services)

    def _service_of(self, alert_id: int) -> str | None:
        stored = self._alerts.get(alert_id)
        return stored.row.service if stored is not None else None

    def refuse(self, request: Request, refusal: CommandError) -> None:
        """Audit a refusal: on an alert that exists, or of somebody in Discord who may not; it moves no revision."""
        alert_id = getattr(request.command, "alert_id", None)
        if isinstance(alert_id, int) and alert_id in self._alerts:
            self._append(EntryKind.COMMAND_REFUSED, request.actor, alert_id, f"refused: {refusal}", None)
        elif isinstance(refusal, Forbidden) and request.actor.kind is ActorKind.DISCORD:
            what = str(request.command.__struct_config__.tag).replace("_", " ")
            self._append(EntryKind.COMMAND_REFUSED, request.actor, None, f"refused: {what}: {refusal}", None)

    def _decide(self, request: Request) -> Outcome:
        command, actor = request.command, request.actor
        match command:
            case ReportOccurrence() | ReportRecovery():
                return self._report(request.prepared[0], actor)
            case Report():
                items = tuple(self._report(one, actor) for one in request.prepared)
                return Outcome(changed=any(one.changed for one in items), items=items, reason=f"{len(items)} reports")
            case Acknowledge() | Resolve() | Reopen() | Snooze() | Assign() | Comment() | Undo():
                return self._change(
                    command.alert_id, actor, lambda row: decisions.decide_on(row, command, actor, self._now_ms)
                )
            case Merge():
                return self._merge(command, actor)
            case Split():
                return self._split(command, actor)
            case Bulk():
                return self._bulk(request, command)
            case StartSilence():
                return self._start_silence(command, actor)
            case EndSilence():
                return self._end_silence(command, actor)
            case StartChannelTail() | PauseChannelTail() | StopChannelTail() | RecordChannelTail():
                return self._decide_channel_tail(command, actor)
            case Tick():
                return self._tick(actor)
            case CreatePullRequest() | RecordPullRequest() | CreateIssue() | RecordIssue() | RecordOnGitHub():
                return self._change(
                    command.alert_id, actor, lambda row: work.decide_on(row, command, actor, self._now_ms)
                )
            case RecordDelivery():
                return self._record_delivery(command, actor)
            case CatchUp():
                return self._catch_up(command, actor)
            case ShowCard():
                return self._show_card(command, actor)
            case TakeLease():
                return self._take_lease(command)
            case AdvanceWatch():
                return self._advance_watch(request, command)
            case NoteRefusal():
                return self._note_refusal(command, actor)
            case KeepTails(tails=tails):
                self.changes.tails = tails
                return Outcome(reason=f"{len(tails)} tails")
            case KeepSearched(items=items):
                self.changes.searched |= {one.alert_id: one for one in items}
                return Outcome(reason=f"{len(items)} read")
            case Expire():
                return self._expire(actor)
            case _:
                raise Invalid(f"{command.__struct_config__.tag} changes no stored state")

    def _report(self, prepared: Prepared | PreparedRecovery, actor: Actor) -> Outcome:
        if isinstance(prepared, PreparedRecovery):
            return self._recover(prepared, actor)
        command = prepared.command
        at_ms = min(command.occurred_at_ms or self._now_ms, self._now_ms)  # a sender's clock may be ahead of ours
        alert_id = self._found(prepared.fingerprint)
        if alert_id is None:
            decision = lifecycle.opened(command, prepared.opening(self.changes.next_alert_id), at_ms)
            self.changes.next_alert_id += 1
            new = prepared.stored(decision.row)
        else:
            stored = self._alerts[alert_id]
            own = msgspec.structs.replace(stored.row, merged_into=None)  # what it was part of is deleted, if it was
            decision = lifecycle.occurred(own, command, at_ms)
            if decision.kind is None:
                return msgspec.structs.replace(outcome_of(stored.row, None, decision.reason), changed=False)
            new = msgspec.structs.replace(stored, row=decision.row)
        subject = Subject(row=decision.row, fingerprint=new.fingerprint, tags=command.tags)
        row = silences.silenced(decision.row, subject, self._silences.values(), self._now_ms)
        if alert_id is None:
            row = routed(row, self._routes, subject, self._now_ms)
        for kind, count in prepared.cut.items():
            self.changes.cut[row.service, kind] += count
        kept = prepared.occurrence(at_ms, first=alert_id is None)
        self.changes.occurrences.append((row.alert_id, row.count + row.uncounted, kept))
        seq = self._settle(new, msgspec.structs.replace(decision, row=row), actor)
        return outcome_of(row, seq, decision.reason, created=alert_id is None)

    def _recover(self, prepared: PreparedRecovery, actor: Actor) -> Outcome:
        alert_id = self._by_fingerprint.get(prepared.fingerprint)
        if alert_id is None:
            return Outcome(changed=False, reason="no alert of that fingerprint")
        command = prepared.command
        if command.noted:
            return self._change(alert_id, actor, lambda row: lifecycle.noted(row, command.reason))
        at_ms = min(command.occurred_at_ms or self._now_ms, self._now_ms)
        return self._change(alert_id, actor, lambda row: lifecycle.recovered(row, actor, command.reason, at_ms))

    def _merge(self, command: Merge, actor: Actor) -> Outcome:
        row, into = self._stored(command.alert_id), self._stored(command.into)
        gone, grown = decisions.merge(row.row, into.row, command, actor, self._now_ms)
        return self._all([(row, gone), (into, grown)], actor)

    def _split(self, command: Split, actor: Actor) -> Outcome:
        row = self._stored(command.alert_id)
        if row.row.merged_into is None:
            return msgspec.structs.replace(outcome_of(row.row, None, "it is part of no other alert"), changed=False)
        wholes = self._wholes(row)
        decided = decisions.split(row.row, [whole.row for whole in wholes], command, actor)
        return self._all(list(zip((row, *wholes), decided, strict=True)), actor)

    def _bulk(self, request: Request, command: Bulk) -> Outcome:
        if not 1 <= len(command.items) <= BULK_LIMIT:
            raise Invalid(f"items: {len(command.items):,} decisions; 1 to {BULK_LIMIT:,}")
        outcomes = tuple(self._one_of_many(request, item) for item in command.items)
        done = sum(outcome.changed for outcome in outcomes)
        refused = sum(bool(outcome.refused) for outcome in outcomes)
        reason = f"{done} of {len(outcomes)} changed{f', {refused} refused' if refused else ''}"
        return Outcome(changed=done > 0, items=outcomes, reason=reason)

    def _one_of_many(self, request: Request, item: decisions.Decidable) -> Outcome:
        one = msgspec.structs.replace(request, command=item, key=None)
        try:
            self._authorise(one)
            return self._decide(one)
        except CommandError as refusal:
            if isinstance(refusal, Conflict | Forbidden):
                self.refuse(one, refusal)
            return Outcome(alert_id=item.alert_id, changed=False, refused=str(refusal))

    def _tick(self, actor: Actor) -> Outcome:
        due, self._due = self._due, []
        changed = sum(self._change(alert_id, actor, self._due_decision).changed for alert_id in due)
        for alert_id in due:
            if alert_id not in self.changes.alerts:  # it was due by what is configured no more
                at_ms = lifecycle.due_at_ms(self._stored(alert_id).row, self._policy)
                past = at_ms is not None and at_ms <= self._now_ms
                self.changes.rescheduled[alert_id] = self._now_ms + NOT_DUE_MS if past else at_ms
        return Outcome(changed=bool(due), reason=f"{changed} due")

    def _due_decision(self, row: AlertRow) -> Decision:
        silence = self._silences.get(row.silenced_by or 0)
        holds = silence is not None and self._now_ms < silence.ends_at_ms
        if row.silenced_by is not None and not holds:
            fingerprint, tags = self._stored(row.alert_id).fingerprint, self._due_tags.get(row.alert_id, {})
            subject = Subject(row=row, fingerprint=fingerprint, tags=tags)
            if (held := silences.held_still(subject, self._silences.values(), self._now_ms)) is not None:
                return held
        return lifecycle.due(row, self._policy, self._now_ms, silenced=holds)

    def _start_silence(self, command: StartSilence, actor: Actor) -> Outcome:
        if len(self._silences) >= silences.MOST:
            raise Conflict(f"{silences.MOST} silences run or are to come already; end one first")
        silence = silences.start(command, self._next_silence_id, actor, self._now_ms)
        self._next_silence_id += 1
        what = "silenced" if silence.starts_at_ms <= self._now_ms else "maintenance window"
        return self._keep_silence(silence, EntryKind.SILENCE_STARTED, actor, f"{what} {silence.text}: {silence.reason}")

    def _end_silence(self, command: EndSilence, actor: Actor) -> Outcome:
        held = self._silences.get(command.silence_id)
        if held is None:
            raise NotFound(f"no silence {command.silence_id} runs or is to come")
        silence = silences.end(held, actor, self._now_ms)
        return self._keep_silence(silence, EntryKind.SILENCE_ENDED, actor, f"silence ended: {silence.text}")

    def _keep_silence(self, silence: Silence, kind: EntryKind, actor: Actor, text: str) -> Outcome:
        self._silences[silence.silence_id] = self.changes.silences[silence.silence_id] = silence
        seq = self._append(kind, actor, None, text, None)
        self.changes.entries[-1] = msgspec.structs.replace(self.changes.entries[-1], silence=silence)
        return Outcome(silence_id=silence.silence_id, seq=seq, reason=text)

    def _decide_channel_tail(self, command: channel_tails.Decidable, actor: Actor) -> Outcome:
        if isinstance(command, RecordChannelTail):
            self._check_board(command.holder)
        changed = channel_tails.decide(command, self._channel_tails, self._seq + 1, actor, self._now_ms)
        if changed is None:
            return Outcome(changed=False, reason="it is so already")
        tail = changed.tail
        self._channel_tails[tail.number] = self.changes.channel_tails[tail.number] = tail
        if changed.kind is None:
            return Outcome(tail_id=str(tail.number), reason="noted")
        seq = self._append(changed.kind, actor, None, changed.reason, None)
        self.changes.entries[-1] = msgspec.structs.replace(self.changes.entries[-1], channel_tail=tail)
        return Outcome(tail_id=str(tail.number), seq=seq, reason=changed.reason)

    def _check_board(self, holder: str) -> None:
        lease = self._leases.get("board")
        if lease is None or lease.holder != holder or lease.expires_at_ms <= self._now_ms:
            raise Conflict("the board's lease is not yours")

    def _record_delivery(self, command: RecordDelivery, actor: Actor) -> Outcome:
        self._check_board(command.holder)
        self._stored(command.alert_id)
        recorded = self._mirror.record(command, self._seq + 1)
        if recorded is None:
            return Outcome(alert_id=command.alert_id, changed=False, reason="recorded already")
        deliveries, text = recorded
        seq = self._append(EntryKind.DELIVERY_CHANGED, actor, command.alert_id, text, None, deliveries)
        return Outcome(alert_id=command.alert_id, seq=seq, reason=text)

    def _catch_up(self, command: CatchUp, actor: Actor) -> Outcome:
        self._check_board(command.holder)
        if not 1 <= len(command.missed) <= MISSED_LIMIT:
            raise Invalid(f"missed: {len(command.missed):,} deliveries; 1 to {MISSED_LIMIT:,}")
        known = ((self._alerts.get(alert_id), kind) for alert_id, kind in command.missed)
        deliveries = self._mirror.catch_up(command.channel_id, ((one.row, kind) for one, kind in known if one))
        if not deliveries:
            return Outcome(changed=False, reason="nothing was missed")
        text = f"{len(deliveries) - 1} told in a digest: channel {command.channel_id} could not be reached"
        seq = self._append(EntryKind.DELIVERY_CHANGED, actor, deliveries[-1].alert_id, text, None, deliveries)
        return Outcome(alert_id=deliveries[-1].alert_id, seq=seq, reason=text)

    def _show_card(self, command: ShowCard, actor: Actor) -> Outcome:
        deliveries = self._mirror.show(self._stored(command.alert_id).row)
        if not deliveries:
            return Outcome(alert_id=command.alert_id, changed=False, reason="no digest stands for it")
        text = "asked for a card of its own"
        seq = self._append(EntryKind.DELIVERY_CHANGED, actor, command.alert_id, text, None, deliveries)
        return Outcome(alert_id=command.alert_id, seq=seq, reason=text)

    def _take_lease(self, command: TakeLease) -> Outcome:
        lease = leases.take(self._leases.get(command.name), command, self._now_ms)
        self.changes.leases[command.name] = lease
        if lease is None:
            self._leases.pop(command.name, None)
            return Outcome(reason="given back")
        self._leases[command.name] = lease
        return Outcome(reason="held")

    def _note_refusal(self, command: NoteRefusal, actor: Actor) -> Outcome:
        check_length("what", command.what, 200)
        check_length("reason", command.reason, 500)
        alert_id = command.alert_id if command.alert_id in self._alerts else None
        text = f"refused: {command.what}: {command.reason}"
        return Outcome(changed=False, seq=self._append(EntryKind.COMMAND_REFUSED, actor, alert_id, text, None))

    def _advance_watch(self, request: Request, command: AdvanceWatch) -> Outcome:
        if len(command.cursor) > 1_000_000:
            raise Invalid(f"cursor: {len(command.cursor):,} characters; at most 1,000,000")
        for prepared in request.prepared:
            self._report(prepared, request.actor)
        self.changes.cursors[command.watch] = command.cursor
        return Outcome(reason=f"{len(request.prepared)} occurrences")

    def _expire(self, actor: Actor) -> Outcome:
        resolved, already = self.changes.counts.resolved, len(self.changes.expired)
        expired, self._expired = self._expired, []  # a second one in this transaction finds them gone
        for alert_id in expired:
            if alert_id in self._alerts:  # touched by a command beside this one: it is not quiet
                continue
            resolved -= 1
            self.changes.expired.append(alert_id)
            self.changes.counts = msgspec.structs.replace(self.changes.counts, resolved=resolved)
            self._append(EntryKind.ALERT_EXPIRED, actor, alert_id, "deleted after its retention", None)
        deleted = len(self.changes.expired) - already
        through, self._compactable = self._compactable, 0
        self.changes.compact_through = max(self.changes.compact_through, through)
        return Outcome(changed=deleted > 0 or through > 0, reason=f"{deleted} deleted")
