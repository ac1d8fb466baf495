"""What `llmasos-edu progress` tells: the log of one learner, counted up.

Leaves out any judgement: a teacher reads numbers of tries, hints and mistakes, and nothing of when somebody
was slow. Nothing is sent anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..progress import Problem
from ..rounding import table

__all__ = ["as_text", "summary"]

NOTHING = "Nothing yet: open lesson 00 and run its first cell."


def summary(events: Sequence[dict[str, Any]], problems: Sequence[Problem]) -> dict[str, Any]:
    """Count a learner's log.

    Args:
        events: As `progress.read` gives them, in the order of writing.
        problems: The lines that do not count.

    Returns:
        JSON: ``lessons`` (number → times begun, times ended), ``checks`` (key → tries, passed, hints, whether
        the solution was shown, mistakes by name), ``recalls`` (key → answers, whether one was right),
        ``predictions`` (key → the first guess), ``kept_aside`` (line and reason of what does not count).
    """
    lessons: dict[str, dict[str, int]] = {}
    checks: dict[str, dict[str, Any]] = {}
    recalls: dict[str, dict[str, Any]] = {}
    predictions: dict[str, Any] = {}
    for event in events:
        kind, key = event["kind"], str(event.get("key"))
        if kind in ("begin", "end"):
            lesson = lessons.setdefault(str(event.get("lesson")), {"begun": 0, "ended": 0})
            lesson["begun" if kind == "begin" else "ended"] += 1
        elif kind in ("check", "hint", "solution"):
            _count(checks.setdefault(key, _untried()), event)
        elif kind == "recall":
            asked = recalls.setdefault(key, {"answers": 0, "right": False})
            asked["answers"] += 1
            asked["right"] |= bool(event.get("right"))
        elif kind == "prediction":
            predictions.setdefault(key, event.get("guess"))
    return {
        "lessons": dict(sorted(lessons.items())), "checks": checks, "recalls": recalls,
        "predictions": predictions,
        "kept_aside": [{"line": p.line, "reason": p.reason} for p in problems],
    }  # fmt: skip


def _untried() -> dict[str, Any]:
    return {"tries": 0, "passed": False, "hints": 0, "solution": False, "mistakes": Counter()}


def _count(check: dict[str, Any], event: dict[str, Any]) -> None:
    if event["kind"] == "hint":
        check["hints"] += 1
    elif event["kind"] == "solution":
        check["solution"] = True
    else:
        check["tries"] += 1
        check["passed"] |= bool(event.get("passed"))
        check["mistakes"].update(map(str, event.get("mistakes") or ()))


def as_text(found: dict[str, Any]) -> str:
    """The summary as tables for a terminal."""
    parts = []
    if found["lessons"]:
        rows = [[number, of["begun"], of["ended"]] for number, of in found["lessons"].items()]
        parts.append(table(rows, ["lesson", "begun", "ended"]))
    if found["checks"]:
        rows = [
            [key, of["tries"], of["hints"], "passed" if of["passed"] else "not passed yet"]
            for key, of in found["checks"].items()
        ]
        parts.append(table(rows, ["exercise", "tries", "hints", "result"]))
    if found["recalls"] or found["predictions"]:
        right = sum(of["right"] for of in found["recalls"].values())
        parts.append(
            f"recall questions right: {right} of {len(found['recalls'])} answered · "
            f"predictions made: {len(found['predictions'])}"
        )
    parts += [f"line {p['line']} does not count: {p['reason']}" for p in found["kept_aside"]]
    return "\n\n".join(parts) or NOTHING
