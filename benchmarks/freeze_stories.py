"""Write data/stories/: the frozen validation stories of both languages and the numbers of their card.

Run once for each version of the world: python -m benchmarks.freeze_stories [--probe]. With --probe the probe
model is trained as well (some minutes a language); without, its stored curve is kept.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

from llmasos_edu.files import atomic_write, data_dir, sha256_of
from llmasos_edu.probability import NGram
from llmasos_edu.rounding import table
from llmasos_edu.tinyworld import END, VERSION, Story, World

VALIDATION, TRAINING = 1000, 20_000
LANGUAGES = {"en": "English", "zh": "中文"}
ORDERS = {"unigram": 1, "bigram": 2, "trigram": 3, "5-gram": 5}


def write_stories(folder: Path, language: str) -> list[Story]:
    """One JSON object a line: seed, nats, text."""
    stories = World(language).validation(VALIDATION)
    with atomic_write(folder / f"{language}.jsonl") as file:
        for s in stories:
            line = {"seed": s.seed, "nats": round(s.nats, 9), "text": s.text}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return stories


def lines(language: str, stories: list[Story]) -> dict[str, Any]:
    """Floor, uniform and n-gram lines in nats a story, and the size of the set."""
    world = World(language)
    vocab = (END, *world.lexicon)
    told = [(*s.words, END) for s in stories]
    nats = [s.nats for s in stories]
    mean = math.fsum(nats) / len(nats)
    spread = math.sqrt(math.fsum((n - mean) ** 2 for n in nats) / (len(nats) - 1))
    training = [(*world.story(seed).words, END) for seed in range(TRAINING)]
    counted = {name: NGram(n, vocab, "back_off").fit(training) for name, n in ORDERS.items()}
    return {
        "stories": len(stories),
        "words_a_story": sum(map(len, told)) / len(told) - 1,
        "word_types": len({w for words in told for w in words}) - 1,
        "lexicon": len(world.lexicon),
        "floor": mean,
        "floor_standard_error": spread / math.sqrt(len(nats)),
        "uniform": math.log(len(vocab)) * sum(map(len, told)) / len(told),
        **{name: sum(float(m.nats(w).sum()) for w in told) / len(told) for name, m in counted.items()},
    }


CARD = """# TinyWorld validation stories

What: {stories:,} stories in English (`en.jsonl`) and the same in 中文 (`zh.jsonl`), one JSON object a line:
`seed`, `nats` (the exact −ln P of the text, in nats) and `text`. Every loss in the lessons is measured on
them.

How made: `World(language).validation({stories})` of TinyWorld version {version}: the training world (hold-out
rule on), reserved seeds from 10¹² on, which `World.story` refuses, so no training corpus contains them. Line
n of both files tells the same events. `python -m benchmarks.freeze_stories` writes the files again, byte by
byte (a test compares); nothing was taken from anywhere else.

| file | bytes | SHA-256 |
| --- | --- | --- |
{files}

## What a model can reach

Nats a story, the end mark included; n-grams counted on {training:,} training stories (back-off, discount
0.75). The floor is the mean cost of the generator's own choices: no model can do better on average, and one
that does has seen these stories.

```text
{table}
```

Words count punctuation; 词 are counted as the tokenizer sees them.

## Can it be learned in minutes?

A probe ({parameters:,} parameters: 4 layers, d_model 128, RoPE, RMSNorm, QK-norm, ReLU², each word
mixed with half of the word before it; Muon and AdamW) trained for {steps} steps of {batch} stories, each
seen once, on one thread ({minutes}): nats above the floor on 300 of the
stories, and the probability of the right word on the course's blank, "{blank}" or the same in 中文.
Command: `python -m benchmarks.probe_tinyworld en {steps}` (or `zh`).

```text
{curve}
```

## Limits and licence

The grammar is closed and the stories are simple: what holds here says nothing about real text. People, places
and things are invented. A name comes with a pronoun; jobs are drawn independently of it. Licence: Apache-2.0,
as the project.
"""


def card(folder: Path, numbers: dict[str, Any], probe: dict[str, Any]) -> str:
    """The README of the data set."""
    names = [n for n in numbers["en"] if n != "stories"]
    rows = [[n.replace("_", " "), numbers["en"][n], numbers["zh"][n]] for n in names]
    paths = [folder / f"{language}.jsonl" for language in LANGUAGES]
    files = [f"| `{p.name}` | {p.stat().st_size:,} | `{sha256_of(p)}` |" for p in paths]
    pairs = zip(*(probe[language]["curve"] for language in LANGUAGES), strict=True)
    curve = [[e["step"], *(c[k] for c in (e, z) for k in ("nats_above_floor", "blank"))] for e, z in pairs]
    minutes = [
        f"{probe[n]['curve'][-1]['seconds'] / 60:.1f} CPU minutes in {LANGUAGES[n]}" for n in LANGUAGES
    ]
    last = probe["en"]["curve"][-1]
    return CARD.format(
        stories=VALIDATION,
        version=VERSION,
        training=TRAINING,
        files="\n".join(files),
        table=table(rows, ["", "English", "中文"], digits=4),
        parameters=probe["en"]["parameters"],
        steps=last["step"],
        batch=probe["en"]["batch"],
        minutes=", ".join(minutes),
        blank=probe["en"]["blank"],
        curve=table(curve, ["step", "nats above floor", "P(right word)", "中文: nats", "P(right word)"]),
    )


def main() -> None:
    folder = data_dir() / "stories"
    stored = folder / "probe.json"
    if "--probe" in sys.argv:
        from benchmarks.probe_tinyworld import run

        with atomic_write(stored) as file:
            json.dump({language: run(language) for language in LANGUAGES}, file, indent=1)
    numbers = {language: lines(language, write_stories(folder, language)) for language in LANGUAGES}
    probe = json.loads(stored.read_text(encoding="utf-8"))
    with atomic_write(folder / "README.md") as file:
        file.write(card(folder, numbers, probe))
    with atomic_write(folder / "lines.json") as file:
        json.dump({"version": VERSION, **numbers}, file, indent=1)


if __name__ == "__main__":
    main()
