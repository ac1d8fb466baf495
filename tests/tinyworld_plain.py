"""Checks of TinyWorld that need many stories, run by the tests in a process of their own.

The run-time type checks of `conftest.py` make it ten times slower, so here it runs as for a learner; and
since it needs nothing but Python, the same file runs under every Python version that the machine has.
Usage: python tinyworld_plain.py CHECK LANGUAGE; prints one JSON line.
"""

import hashlib
import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path

from llmasos_edu.tinyworld import END, Story, TinyWorldError, World


def nats(language: str) -> dict:
    """Generator against parser over 5,000 stories: events, nats, words, lengths."""
    world = World(language)
    worst, lengths, types, wrong = 0.0, [], set(), 0
    lexicon = set(world.lexicon)
    for seed in range(5000):
        story = world.story(seed)
        derivation = world.parse(story.text)
        worst = max(worst, abs(derivation.nats - story.nats))
        words = tuple(world.words(story.text))
        wrong += derivation.events != story.events or words != story.words or not lexicon.issuperset(words)
        lengths.append(sum(w not in (".", "'s", "。", "，") for w in words))
        types.update(w.strip() for w in words)
    return {
        "worst": worst, "wrong": wrong, "shortest": min(lengths), "longest": max(lengths),
        "types": len(types - {".", "'s", "。", "，"}),
    }  # fmt: skip


def next_word(language: str) -> dict:
    """Along 50 stories: each distribution's sum, and the product against the story's probability."""
    world = World(language)
    sums, products = 0.0, 0.0
    for seed in range(50):
        story, nats = world.story(seed), 0.0
        for i in range(len(story.words) + 1):
            following = world.next_word("".join(story.words[:i]))
            sums = max(sums, abs(math.fsum(following.values()) - 1))
            nats -= math.log(following[(*story.words, END)[i]])
        products = max(products, abs(nats - story.nats))
    return {"sums": sums, "products": products}


def mutations(language: str) -> dict:
    """5,000 stories, one word of each replaced: other stories, and errors that tell all."""
    world, draw = World(language), random.Random(5)
    stories = errors = bad = 0
    for n in range(5000):
        words = list(world.story(n).words)
        at = draw.randrange(1, len(words))
        words[at] = draw.choice(world.lexicon)
        try:
            stories += world.log_prob("".join(words)) < 0
        except TinyWorldError as error:
            errors += 1
            told = repr(error.word.strip()) in str(error) and f"sentence {error.sentence}" in str(error)
            possible = error.expected and error.word not in error.expected
            bad += not (told and possible)
    return {"stories": stories, "errors": errors, "bad": bad}


def frozen(language: str) -> dict:
    """SHA-256 over 2,000 stories and their nats to nine digits."""
    world, digest = World(language), hashlib.sha256()
    for seed in range(2000):
        story = world.story(seed)
        digest.update(f"{story.text}\n{story.nats:.9f}\n".encode())
    return {"sha256": digest.hexdigest()}


def validation(language: str) -> dict:
    """The frozen validation stories against the world's own."""
    told = World(language).validation(1000)
    file = Path(__file__).parent.parent / "data" / "stories" / f"{language}.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    same = [
        (s.seed, round(s.nats, 9), s.text) == (r["seed"], r["nats"], r["text"])
        for s, r in zip(told, rows, strict=True)
    ]
    return {"stories": len(rows), "equal": all(same)}


def task_files(language: str) -> dict:
    """The first frozen test items of each task against the world's own, and what training could tell."""
    from benchmarks.freeze_tasks import items, line
    from llmasos_edu.tinyworld import tasks
    from llmasos_edu.tinyworld.world import RESERVED

    equal, shared = {}, 0
    for task in tasks.TASKS:
        found = tasks.test_items(task, language)
        file = Path(__file__).parent.parent / "data" / task / f"{language}.jsonl"
        made = items(task, language, [item.seed - RESERVED for item in found[:50]])
        told = "".join(line(item) + "\n" for item in made)
        equal[task] = made == found[:50] and file.read_bytes().startswith(told.encode())
        for item in found[:: 1 if language == "en" else 5]:  # the same events in both languages
            shared += tasks.held_out_combination(Story(item.story, 0.0, language, (), (), ())) is None
    return {"equal": equal, "shared": shared}


def task_answers(language: str) -> dict:
    """Items made from what the parser reads in 500 stories, against those made from their events."""
    from llmasos_edu.tinyworld import tasks

    world, wrong = World(language), 0
    for seed in range(500):
        story = world.story(seed)
        read = Story(story.text, 0.0, language, world.parse(story.text).events, (), (), seed)
        for task in ("summarization", "question_answering", "dialogue"):
            wrong += tasks.make(world, task, read) != tasks.make(world, task, story)
    return {"wrong": wrong}


def truth(language: str) -> dict:
    """Shares that are right: references of 100 test items of each task, other wordings of translations."""
    from llmasos_edu.evaluation.truth import truth as judge
    from llmasos_edu.tinyworld import tasks

    right, wordings, equal = [], [], []
    full = World(language, held_out=False)
    (target,) = (w for w in full.both() if w.language != language)
    for task in tasks.TASKS:
        for item in tasks.test_items(task, language)[:100]:
            answers = [turn.text for turn in item.turns[1::2]]
            found = judge(item, answers if task == "dialogue" else answers[-1])
            right.append(found.right and found.exact)
            if task == "translation":
                found = judge(item, target.tell(full.parse(item.story).events, 5).text)
                wordings.append(found.right)
                equal.append(found.exact)
    return {k: sum(v) / len(v) for k, v in (("references", right), ("wordings", wordings), ("equal", equal))}


def baselines(language: str) -> dict:
    """The rows of the summaries' card that are recomputed and stand there."""
    from benchmarks import task_baselines
    from llmasos_edu.rounding import table

    card = Path(__file__).parent.parent / "data" / "summarization" / "README.md"
    stand = {" ".join(line.split()) for line in card.read_text(encoding="utf-8").splitlines()}
    rows = task_baselines.rows("summarization", language)
    told = table(rows, [""] * len(rows[0])).splitlines()[-len(rows) :]
    return {"rows": len(rows), "stand": sum(" ".join(line.split()) in stand for line in told)}


CHECKS = {
    "nats": nats,
    "next_word": next_word,
    "mutations": mutations,
    "frozen": frozen,
    "validation": validation,
    "task_files": task_files,
    "task_answers": task_answers,
    "truth": truth,
    "baselines": baselines,
}


def run(check: str, language: str, python: str = sys.executable) -> dict:
    """Run one of the checks in a process of its own, with any Python version."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run([python, __file__, check, language], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


if __name__ == "__main__":
    print(json.dumps(CHECKS[sys.argv[1]](sys.argv[2])))
