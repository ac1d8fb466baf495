"""Write data/<task>/: the frozen test items of the four tasks, in both languages, and their cards.

Run once for each version of the world: python -m benchmarks.freeze_tasks. It takes about two and a
half minutes (145 s of one CPU core measured, 25 s of them for the baselines).
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from functools import cache
from pathlib import Path

from benchmarks.task_baselines import text
from llmasos_edu.files import atomic_write, data_dir, sha256_of
from llmasos_edu.rounding import table
from llmasos_edu.tinyworld import VERSION, World
from llmasos_edu.tinyworld.tasks import TASKS, Item, held_out_combination, make
from llmasos_edu.tinyworld.world import RESERVED

#: How many items a language.
SIZES = {"translation": 500, "summarization": 500, "question_answering": 1000, "dialogue": 500}
#: Task number i tries the reserved seeds from (i + 1) times this on; validation stories have the first 1,000.
APART = 10**6
LANGUAGES = ("en", "zh")


def items(task: str, language: str, numbers: list[int]) -> list[Item]:
    """The items of these reserved seeds."""
    world, found = World(language, held_out=False), []
    for number in numbers:
        (story,) = world.validation(1, number)
        made = make(world, task, story, held_out_names(number))
        assert made is not None, "numbers() keeps only stories that fit"
        found.append(made)
    return found


@cache
def held_out_names(number: int) -> tuple[str, ...]:
    """The person and thing of a reserved seed's held-out combination, and that person's job."""
    (story,) = World("en", held_out=False).validation(1, number)
    person, thing, _ = held_out_combination(story) or ("", "", "")
    return (
        person,
        thing,
        *(e.detail for e in story.events if (e.who, e.kind) == (person, "job") and e.detail),
    )


def numbers(task: str) -> list[int]:
    """The first reserved seeds whose stories hold a held-out combination and fit, in both languages."""
    worlds = [World(language, held_out=False) for language in LANGUAGES]
    found, number = [], APART * (TASKS.index(task) + 1)
    while len(found) < SIZES[task]:
        stories = [world.validation(1, number)[0] for world in worlds]
        fit = all(make(w, task, s) for w, s in zip(worlds, stories, strict=True))
        if fit and all(map(held_out_combination, stories)):
            found.append(number)
        number += 1
    return found


def line(item: Item) -> str:
    """An item as one line of JSON; the story stands once, its turn holds only what follows it."""
    record = asdict(item)
    turns = [[turn.speaker, turn.text] for turn in item.turns]
    turns[0][1] = turns[0][1].removeprefix(item.story).strip()
    del record["task"], record["language"]
    return json.dumps({**record, "turns": turns}, ensure_ascii=False)


CARD = """# {title}: frozen test items

What: {n:,} items in English (`en.jsonl`) and the same in 中文 (`zh.jsonl`), one JSON object a line: `seed`,
`kind`, `about`, `answerable`, `story` and `turns`, pairs of speaker and text, of which the first holds only
what follows the story. `llmasos_edu.tinyworld.tasks` reads them (`test_items`).

{task}

How made: stories of the full world (hold-out rule off), TinyWorld version {version}, from the reserved seeds
10¹² + {first:,} on, apart from the validation stories and from the other tasks. Only stories are kept that
tell a held-out combination of a person, a thing and a place, at which the training world refuses them; so no
training story is among them (a test tries each in English, each fifth in 中文). `python -m
benchmarks.freeze_tasks` writes the files again, byte by byte (a test compares the first 50 of each file, and
the checksums below); nothing was taken from anywhere else.

| file | bytes | SHA-256 |
| --- | --- | --- |
{files}

## What is in it

```text
{counts}
```
{notes}{baselines}
## Limits and licence

The grammar is closed and the stories are simple: what holds here says nothing about real text. An item has at
most 256 words and marks, the base model's context. People, places and things are invented. Licence:
Apache-2.0, as the project.
"""
ABOUT = {
    "translation": "Given is the story in the file's language, wanted the same events in the other one.",
    "summarization": "Given is a story, wanted its key event in one sentence.",
    "question_answering": "Given are a story and a question, wanted the answer. About three in ten\n"
    "questions the story does not answer. An answerable one is about the person or thing of the held-out\n"
    "combination, or that person's job, where there is such a question.",
    "dialogue": "Given are a story and a greeting; then the user asks about the story, for their own\n"
    "name, and says thanks. The assistant's turns are wanted.",
}

BASELINES = """
## Without a model

{how}
BLEU and chrF are in points, all else shares; `llmasos_edu.evaluation.scores` says what each column is.
`python -m benchmarks.task_baselines` makes the table.

```text
{table}
```
"""
LEARNED = {
    "translation": "A dictionary of the words of the first 1,000 training items that share sentences.",
    "summarization": "One sentence of the story.",
    "question_answering": "The commonest answer to the kind of question, and the likeliest continuation of\n"
    "the question, both from the first 4,000 training items. Refused: of those that the story does not\n"
    "answer; wrongly: of the others.",
}


def counted(task: str, found: list[Item]) -> str:
    """How many items of each kind; for dialogues, of each number of turns."""
    if task == "dialogue":
        turns = Counter(len(item.turns) // 2 for item in found)
        return table([[n, turns[n]] for n in sorted(turns)], ["user turns", "dialogues"])
    kinds = Counter((item.kind, item.answerable) for item in found)
    rows = [
        [kind.replace("_", " "), kinds[kind, True], kinds[kind, False]]
        for kind in sorted({k for k, _ in kinds})
    ]
    return table(rows, ["kind", "answerable", "not"])


def noted(task: str, found: list[Item]) -> str:
    """How many items ask about the held-out combination, and how many dialogues are cut."""
    if task == "question_answering":
        asked = [item for item in found if item.answerable]
        about = sum(item.about in held_out_names(item.seed - RESERVED) for item in asked)
        return (
            f"\nAbout the held-out person, thing or job: {about} of the {len(asked)} answerable questions.\n"
        )
    return f"\n{talked_about(found)}\n" if task == "dialogue" else ""


def talked_about(found: list[Item]) -> str:
    """What is counted of dialogues."""
    world = World(found[0].language, held_out=False)
    about = cut = 0
    for item in found:
        number = item.seed - RESERVED
        names = {world.grammar.word(world.grammar.name(name)) for name in held_out_names(number)}
        about += any(names.intersection(world.words(turn.text)) for turn in item.turns[2:-4:2])
        cut += len(item.turns) < len(world.dialogue(world.validation(1, number)[0], item.seed))
    return (
        f"Dialogues with a question about the held-out person, thing or job: {about} of {len(found)}.\n"
        f"Dialogues that lost questions because they were too long: {cut}."
    )


def card(folder: Path, task: str, found: list[Item]) -> str:
    """The README of a task's data; `found` are those of either language."""
    paths = [folder / f"{language}.jsonl" for language in LANGUAGES]
    return CARD.format(
        title=task.replace("_", " ").capitalize(), n=len(found), task=ABOUT[task], version=VERSION,
        first=APART * (TASKS.index(task) + 1),
        files="\n".join(f"| `{p.name}` | {p.stat().st_size:,} | `{sha256_of(p)}` |" for p in paths),
        counts=counted(task, found), notes=noted(task, found),
        baselines=BASELINES.format(table=text(task), how=LEARNED[task]) if task in LEARNED else "",
    )  # fmt: skip


def main() -> None:
    for task in TASKS:
        folder = data_dir() / task
        folder.mkdir(parents=True, exist_ok=True)
        kept = numbers(task)
        for language in LANGUAGES:
            found = items(task, language, kept)
            with atomic_write(folder / f"{language}.jsonl") as file:
                file.writelines(line(item) + "\n" for item in found)
        with atomic_write(folder / "README.md") as file:
            file.write(card(folder, task, found))


if __name__ == "__main__":
    main()
