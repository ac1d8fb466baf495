"""What a task costs without a model: a dictionary, the lead sentence, the commonest answer, an n-gram.

Teaches: a number says something only beside that of the simplest way to get it. Each baseline is a function
from an item to an answer; those that learn, learn from the same training items as a model. Leaves out: models
that are trained. Lessons 11 to 13 explain it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from llmasos_edu.probability import NGram
from llmasos_edu.tinyworld import END, World
from llmasos_edu.tinyworld.tasks import Item

from .sentences import sentences_of

__all__ = [
    "dictionary", "lead_sentence", "longest_sentence", "majority_answer", "ngram_answer", "word_by_word",
]  # fmt: skip

Baseline = Callable[[Item], str]
MARK = "<|assistant|>"
#: An n-gram's answer has at most so many words.
LONGEST = 20


def dictionary(training: Iterable[Item]) -> dict[str, str]:
    """For each word the word of the other language that stands beside it most faithfully.

    Args:
        training: Items of translation, all of one language.

    Returns:
        word → word, as the worlds split their texts: in aligned sentences that hold either, the pair with the
        highest Dice coefficient 2 n(both) / (n(word) + n(other)).

    Raises:
        ValueError: If there is no item, or one of another task.

    Source: Dice 1945; for word alignment, Melamed 2000.
    """
    items = _of_task(training, "translation")
    given, wanted = _worlds(items[0])
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    both: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        pair = sentences_of(given, item.story), sentences_of(wanted, item.reference)
        for left, right in zip(*pair, strict=False):
            ours.update(set(left))
            theirs.update(set(right))
            for word in set(left):
                both[word].update(set(right))

    def dice(word: str, other: str) -> tuple[float, str]:
        return 2 * both[word][other] / (ours[word] + theirs[other]), other

    return {word: max(both[word], key=lambda other: dice(word, other)) for word in sorted(both)}


def word_by_word(training: Iterable[Item]) -> Baseline:
    """Translation word by word, in the order of the words that are given.

    Args:
        training: Items of translation, all of one language.

    Returns:
        From an item to its words looked up in the `dictionary`; an unknown word stays.

    Raises:
        ValueError: As `dictionary`.
    """
    items = _of_task(training, "translation")
    known = dictionary(items)
    world, _ = _worlds(items[0])

    def translate(item: Item) -> str:
        words = [word for sentence in sentences_of(world, item.story) for word in sentence]
        return "".join(known.get(word, word) for word in words).strip()

    return translate


def lead_sentence(item: Item) -> str:
    """The story's first sentence, as a summary."""
    return _sentences(item)[0]


def longest_sentence(item: Item) -> str:
    """The story's longest sentence in words, the first of equals, as a summary; the ending aside.

    The ending is nearly always the longest, and never the key event.
    """
    world, _ = _worlds(item)
    return max(_sentences(item)[:-1], key=lambda sentence: len(world.words(sentence)))


def majority_answer(training: Iterable[Item]) -> Baseline:
    """Question answering without reading: the commonest answer to this kind of question.

    Args:
        training: Items of question answering, all of one language.

    Returns:
        From an item to the answer; the first in the alphabet of equally common ones.

    Raises:
        ValueError: If there is no item, or one of another task.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for item in _of_task(training, "question_answering"):
        counts[item.kind][item.reference] += 1
    best = {kind: min(c, key=lambda text: (-c[text], text)) for kind, c in counts.items()}
    return lambda item: best[item.kind]


def ngram_answer(training: Iterable[Item], n: int = 6) -> Baseline:
    """Question answering by an n-gram: it sees the last n − 1 words, so the question and not the story.

    Args:
        training: Items of question answering, all of one language.
        n: Length of the sequences counted.

    Returns:
        From an item to the likeliest continuation, word by word.

    Raises:
        ValueError: If there is no item, one of another task, or n is below 1.
    """
    items = _of_task(training, "question_answering")
    world, _ = _worlds(items[0])

    def words(item: Item) -> list[str]:
        return [*world.words(item.turns[0].text), MARK]

    docs = [[*words(item), *world.words(item.reference), END] for item in items]
    vocab = sorted({END, MARK, *world.lexicon, *(word for doc in docs for word in doc)})
    model = NGram(n, vocab).fit(docs)

    def answer(item: Item) -> str:
        text = words(item)
        start = len(text)
        while len(text) < start + LONGEST:
            word = vocab[int(model.probabilities(text).argmax())]
            if word == END:
                break
            text.append(word)
        return "".join(text[start:]).strip()

    return answer


def _of_task(training: Iterable[Item], task: str) -> list[Item]:
    items = list(training)
    others = {(item.task, item.language) for item in items} - {(task, items[0].language)} if items else set()
    if not items or others:
        raise ValueError(f"training must be items of {task} in one language; got {sorted(others) or 'none'}")
    return items


def _worlds(item: Item) -> tuple[World, World]:
    """The world in the item's language, and in the other one."""
    world = World(item.language)
    english, chinese = world.both()
    return (english, chinese) if item.language == "en" else (chinese, english)


def _sentences(item: Item) -> list[str]:
    world, _ = _worlds(item)
    return ["".join(words).strip() for words in sentences_of(world, item.story)]
