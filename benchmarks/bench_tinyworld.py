"""TinyWorld's rates in both languages: telling, exact log-probabilities, exact next words.

CPU seconds of one process on one core, so that a busy machine counts less.
"""

from __future__ import annotations

import json
import time
from typing import Any

from llmasos_edu.rounding import table
from llmasos_edu.tinyworld import World

STORIES = 20_000


def run() -> dict[str, Any]:
    """Measure; print a table; return what was measured."""
    result: dict[str, Any] = {"stories": STORIES}
    for language in ("en", "zh"):
        world = World(language)
        world.story(0)
        start = time.process_time()
        stories = [world.story(seed) for seed in range(STORIES)]
        telling = time.process_time() - start
        start = time.process_time()
        for story in stories[:2000]:
            world.log_prob(story.text)
        parsing = time.process_time() - start
        milliseconds = [1000 * s for story in stories[:20] for s in _next_words(world, story.words)]
        result[language] = {
            "seconds_for_all_stories": telling,
            "stories_per_second": STORIES / telling,
            "log_probs_per_second": 2000 / parsing,
            "next_word_ms_mean": sum(milliseconds) / len(milliseconds),
            "next_word_ms_worst": max(milliseconds),
        }
    rows = [[name, result["en"][name], result["zh"][name]] for name in result["en"]]
    print(table(rows, ["", "en", "zh"]))
    return result


def _next_words(world: World, words: tuple[str, ...]) -> list[float]:
    """Seconds of each exact next-word distribution along a story; the better of two."""
    seconds = []
    for i in range(len(words) + 1):
        prefix, best = "".join(words[:i]), float("inf")
        for _ in range(2):
            start = time.process_time()
            world.next_word(prefix)
            best = min(best, time.process_time() - start)
        seconds.append(best)
    return seconds


if __name__ == "__main__":
    print(json.dumps(run()))
