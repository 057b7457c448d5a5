"""Drives one run from where it stands to where it ends, pauses or has to stop; each step is kept when it is done."""

from __future__ import annotations

import getpass
import logging
import os
import re
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from xpcs_nb.errors import WriteError, XpcsError
from xpcs_nb.facility._services import LogEntry
from xpcs_nb.facility.local._actions import Actions
from xpcs_nb.facility.local._claims import Claims, Taken
from xpcs_nb.facility.local._runs import as_json, now
from xpcs_nb.facility.local._work import ActionRefusedError, Done, OutOfTimeError, Settings, Stop, StoppedError, Work
from xpcs_nb.facility.local.language import (
    SIZE_LIMIT,
    Call,
    Failed,
    Pause,
    Position,
    Succeeded,
    execute,
    raised,
    resumed,
    returned,
    visible,
)

__all__ = ["Driver"]

#: Events without an action between them after which they are kept all the same.
KEEP_EVERY = 50

_log = logging.getLogger(__name__)


class Driver:
    """The work on one run.

    Parameters
    ----------
    taken
        The run.
    claims
        Where its steps are kept.
    actions
        What carries out its actions.
    home
        Folder of logs and catalogue.

    Attributes
    ----------
    stop
        Set it to end the work.
    """

    def __init__(self, taken: Taken, claims: Claims, actions: Actions, home: Path) -> None:
        self.stop = Stop()
        self._taken = taken
        self._claims = claims
        self._actions = actions
        self._home = home
        self._position = Position(**taken.position)
        self._settings = Settings.from_json(taken.settings)
        self._context = {"run_id": taken.run_id, "flow_id": taken.flow_id, "username": _user()}
        #: Events that are not kept yet.
        self._entries: list[LogEntry] = []

    def drive(self) -> None:
        """Work until the run ends or waits, or `stop` is set.

        Raises
        ------
        WriteError
            The run store can't be written.
        """
        try:
            outcome: Position | Succeeded | Failed | None = self._take_up()
            while isinstance(outcome, Position):
                self._position = outcome
                if len(self._entries) >= KEEP_EVERY:
                    self._keep()
                if self.stop.reason is not None:
                    raise StoppedError  # noqa: TRY301 - the same as when an action stops
                outcome = self._advance()
        except StoppedError:
            self._let_go()
        except WriteError:
            raise
        except XpcsError as error:
            self._fail(Failed(self._position.state, type(error).__name__, str(error)))
        except Exception as error:  # noqa: BLE001 - see below
            # An error of ours ends the run with its traceback; a thread that dies would leave it hanging.
            _log.exception("run %s", self._taken.run_id)
            self._entries = [entry for entry in self._entries if _can_be_kept(entry)]
            self._fail(Failed(self._position.state, "InternalError", "".join(traceback.format_exception(error))))
        else:
            match outcome:
                case Succeeded():
                    self._succeed(outcome)
                case Failed():
                    self._fail(outcome)

    def _take_up(self) -> Position | Succeeded | None:
        """Return where the run stands, after its Wait state if it was left there; None if it is to wait on."""
        before = self._taken.action
        if before is None or "due" not in before or before["entered"] != self._position.entered:
            return self._position
        if before["due"] > time.time():
            self._wait_until(before["due"])
            return None
        self._note("WaitCompleted", f"The wait of state {self._position.state} is over")
        return resumed(self._taken.definition, self._position)

    def _advance(self) -> Position | Succeeded | Failed | None:
        """Carry out the state where the run stands; None if it waits."""
        name = self._position.state
        kind = self._taken.definition["States"][name]["Type"]
        outcome = execute(self._taken.definition, self._position, self._context)
        if isinstance(outcome, Call):
            return self._act(outcome)
        self._note(f"{kind}Started", f"State {name} was entered")
        if isinstance(outcome, Pause):
            self._pause(outcome)
            return None
        if isinstance(outcome, Failed):
            self._note(f"{kind}Failed", outcome.cause, error=outcome.error)
        else:
            target = f"leads to {outcome.state}" if isinstance(outcome, Position) else "ends the flow"
            self._note(f"{kind}Completed", f"State {name} {target}")
        return outcome

    def _pause(self, pause: Pause) -> None:
        due = pause.until.timestamp() if pause.until is not None else time.time() + (pause.seconds or 0)
        self._keep(action={"entered": self._position.entered, "due": due})
        self._wait_until(due)

    def _wait_until(self, due: float) -> None:
        if not self._claims.put_back(self._taken.number, due):
            self.stop.set("cancel")
            raise StoppedError

    def _act(self, call: Call) -> Position | Succeeded | Failed:
        action, repeated = self._action(call)
        started = now()
        shown = {"action_id": action["action_id"], "url": call.url, "input": _shown(call.visible_body())}
        again = ", again after an interruption" if repeated else ""
        self._note("ActionStarted", f"State {call.state} started its action{again}", **shown)
        self._keep(action=action)
        document: dict[str, Any] | None = None
        try:
            done = self._actions.carry_out(call.url, self._work(call, action["action_id"], repeated=repeated))
            document = self._document(call, action["action_id"], started, done)
            failed = done.status == "FAILED"
            outcome = returned(self._taken.definition, self._position, document)
        except (ActionRefusedError, OutOfTimeError) as error:
            failed = True
            name, cause = "ActionUnableToRun", str(error)
            if isinstance(error, OutOfTimeError):
                name, cause = "ActionTimeout", f"the action took longer than its WaitTime of {call.wait_time:g} s"
            outcome = raised(self._taken.definition, self._position, name, cause)
        self._note_action(call, document, cause if document is None else None, failed=failed)
        if isinstance(outcome, Position):
            before, self._position = self._position, outcome
            # Else it is kept at once with what comes next: each time waits for the disk.
            if failed:
                self._keep(handled=before)
        return outcome

    def _note_action(self, call: Call, document: dict[str, Any] | None, cause: str | None, *, failed: bool) -> None:
        output = {"output": _shown(document)} if document is not None else {"cause": cause}
        if failed:
            reason = (document or {}).get("display_status") or cause
            self._note("ActionFailed", f"The action of state {call.state} failed: {reason}", **output)
        else:
            self._note("ActionCompleted", f"The action of state {call.state} has succeeded", **output)

    def _action(self, call: Call) -> tuple[dict[str, Any], bool]:
        """Return what is kept of an action while it is under way, and whether it was when the last engine ended."""
        request = sha256(as_json([call.url, call.body]).encode()).hexdigest()
        same = {"entered": self._position.entered, "state": call.state, "request": request}
        before = self._taken.action
        if before is not None and {name: before.get(name) for name in same} == same:
            return before, True
        return {"action_id": str(uuid4()), **same}, False

    def _work(self, call: Call, action_id: str, *, repeated: bool) -> Work:
        return Work(
            action_id=action_id,
            body=call.body,
            settings=self._settings,
            folder=self._home / "runs" / self._taken.run_id,
            name=call.state,
            stop=self.stop,
            deadline=time.monotonic() + call.wait_time,
            label=self._taken.label,
            repeated=repeated,
            report=lambda details: self._claims.progress(self._taken.number, details),
        )

    def _document(self, call: Call, action_id: str, started: str, done: Done) -> dict[str, Any]:
        return {
            "action_id": action_id,
            "status": done.status,
            "display_status": done.display_status or done.status,
            "details": done.details,
            "start_time": started,
            "completion_time": now(),
            "creator_id": f"urn:globus:auth:identity:{uuid5(NAMESPACE_URL, self._context['username'])}",
            "label": self._taken.label or None,
            "monitor_by": [],
            "manage_by": [],
            "release_after": "P30D",
            "state_name": call.state,
        }

    def _note(self, code: str, description: str, **details: Any) -> None:
        kind = re.sub(r"(Started|Completed|Failed)$", "", code)
        details = {"state_name": self._position.state, "state_type": kind, **details}
        self._entries.append({"time": now(), "code": code, "description": description, "details": details})

    def _keep(self, *, action: Mapping[str, Any] | None = None, handled: Position | None = None) -> None:
        failed = None if handled is None else asdict(handled)
        self._claims.step(self._taken.number, asdict(self._position), self._entries, action=action, failed=failed)
        self._entries = []

    def _succeed(self, outcome: Succeeded) -> None:
        description = "The flow has succeeded"
        self._end("SUCCEEDED", {"code": "FlowSucceeded", "description": description}, output=visible(outcome.output))

    def _fail(self, failed: Failed) -> None:
        details = {
            "code": "FlowFailed",
            "description": f"The flow failed in state {failed.state}",
            "state_name": failed.state,
            "error": failed.error,
            "cause": failed.cause,
        }
        # A Fail state only says that a step before it failed.
        handled = self._taken.definition["States"].get(failed.state, {}).get("Type") == "Fail"
        self._end("FAILED", details, handled=handled)

    def _let_go(self) -> None:
        if self.stop.reason == "cancel":
            details = {"code": "FlowCanceled", "description": "The flow was cancelled"}
            self._end("ENDED", {**details, "state_name": self._position.state})
        else:
            if self._entries:
                self._keep()
            self._claims.put_back(self._taken.number)

    def _end(self, status: Any, details: dict[str, Any], **more: Any) -> None:
        shown = {name: value for name, value in details.items() if name not in {"code", "description"}}
        entry: LogEntry = {
            "time": now(),
            "code": details["code"],
            "description": details["description"],
            "details": shown,
        }
        position = asdict(self._position)
        self._claims.end(self._taken.number, status, details, [*self._entries, entry], position=position, **more)


def _can_be_kept(entry: LogEntry) -> bool:
    try:
        as_json(entry)
    except (TypeError, ValueError):
        return False
    return True


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container, the user may have a number only.
        return str(os.getuid())


def _shown(value: Any) -> Any:
    """Return a value as the log has it: without what is private, and cut if it is too large for a run's state."""
    value = visible(value)
    text = as_json(value)
    return value if len(text) <= SIZE_LIMIT else f"{text[:1000]} ... ({len(text)} bytes)"
