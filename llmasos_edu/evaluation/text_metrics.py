"""String metrics: exact match and F1, BLEU and chrF, ROUGE.

Teaches: how papers score text against a reference, and what each score counts: whole answers, words of an
answer, runs of words, runs of letters, words in order. None of them knows what is true (`truth` does).
Leaves out: several references for one text, and learned metrics. BLEU and chrF are sacrebleu's and ROUGE is
rouge-score's, so that numbers can be compared with papers; both come with llmasos-edu[eval]. Lessons 11 to 13
build short versions by hand.
"""

from __future__ import annotations

import importlib
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64

__all__ = ["bleu", "chrf", "exact_match", "f1", "normalized", "rouge", "rouge_l"]

LANGUAGES = ("en", "zh")
ROUGE_KIND = re.compile(r"rouge([1-9]|L)")


def exact_match(
    predictions: Sequence[str], references: Sequence[str], language: str = "en"
) -> Float64[np.ndarray, " n"]:
    """Whether each prediction equals its reference, letter case, punctuation and articles aside.

    Args:
        predictions: One text an item.
        references: As many; none is empty.
        language: ``"en"`` or ``"zh"``; see `normalized`.

    Returns:
        1.0 or 0.0 for each item.

    Raises:
        ValueError: If there are none, their numbers differ, a reference is empty, or the language is unknown.
        TypeError: If one text is given for a list of texts.

    Source: Rajpurkar et al. 2016, SQuAD, evaluation script.

    Differs from source: One reference an item, where SQuAD takes the best of several.

    Example:
        >>> exact_match(["In the park", "It is red."], ["in park.", "It is blue."])
        array([1., 0.])
    """
    return _each(predictions, references, language, lambda p, r: float(p == r))


def f1(
    predictions: Sequence[str], references: Sequence[str], language: str = "en"
) -> Float64[np.ndarray, " n"]:
    """How many words each prediction shares with its reference: the harmonic mean of precision and recall.

    Args:
        predictions: One text an item.
        references: As many; none is empty.
        language: ``"en"`` counts words, ``"zh"`` characters.

    Returns:
        For each item a number between 0 and 1.

    Raises:
        ValueError: As `exact_match`.
        TypeError: As `exact_match`.

    Source: Rajpurkar et al. 2016, SQuAD, evaluation script; for 中文, characters as in Cui et al. 2019,
        CMRC 2018.

    Differs from source: One reference an item. CMRC takes the longest common run of characters; here, as in
        SQuAD, order does not count.

    Example:
        >>> f1(["It is in the red park."], ["It is in the park."]).round(3)  # 4 of 5 words, 4 of 4
        array([0.889])
    """
    return _each(predictions, references, language, _overlap)


def normalized(text: str, language: str = "en") -> list[str]:
    """What exact match and F1 compare: words without case, punctuation and articles; in 中文 characters.

    Args:
        text: Any text.
        language: ``"en"`` or ``"zh"``; in ``"zh"`` a run of Latin letters or digits is one unit.

    Returns:
        The words or characters.

    Example:
        >>> normalized("The kite's red!"), normalized("它是红色的。", "zh")
        (['kites', 'red'], ['它', '是', '红', '色', '的'])
    """
    if language == "zh":
        kept = "".join(" " if unicodedata.category(c)[0] in "PZ" else c for c in text.lower())
        return re.findall(r"[a-z0-9]+|\S", kept)
    bare = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def bleu(predictions: Sequence[str], references: Sequence[str], language: str = "en") -> float:
    """BLEU of a whole set: runs of one to four words that the references have too, and a brevity penalty.

    Args:
        predictions: Raw texts, not tokenised.
        references: As many; none is empty.
        language: ``"en"`` splits words as in WMT (13a), ``"zh"`` takes each 中文 character.

    Returns:
        Points from 0 to 100. It is no mean over sentences: the counts of all are added first.

    Raises:
        ValueError: As `exact_match`.
        TypeError: As `exact_match`.
        ModuleNotFoundError: If sacrebleu is missing; says how to install it.

    Source: Papineni et al. 2002; sacrebleu, Post 2018.
    """
    _checked(predictions, references, language)
    tokenize = "zh" if language == "zh" else "13a"
    texts = list(predictions), [list(references)]
    return _needed("sacrebleu").corpus_bleu(*texts, tokenize=tokenize, force=True).score


def chrf(predictions: Sequence[str], references: Sequence[str], language: str = "en") -> float:
    """chrF of a whole set: runs of one to six letters shared with the references, recall counted double.

    Args:
        predictions: Raw texts.
        references: As many; none is empty.
        language: ``"en"`` or ``"zh"``; letters are letters in both.

    Returns:
        Points from 0 to 100.

    Raises:
        ValueError: As `exact_match`.
        TypeError: As `exact_match`.
        ModuleNotFoundError: If sacrebleu is missing; says how to install it.

    Source: Popović 2015 (chrF2, as sacrebleu's default).
    """
    _checked(predictions, references, language)
    return _needed("sacrebleu").corpus_chrf(list(predictions), [list(references)]).score


def rouge(
    predictions: Sequence[str], references: Sequence[str], kind: str = "rougeL", language: str = "en"
) -> Float64[np.ndarray, " n"]:
    """ROUGE of each item: shared runs of words, or the longest common subsequence of words.

    Args:
        predictions: One text an item.
        references: As many; none is empty.
        kind: ``"rouge1"`` to ``"rouge9"`` (runs of so many words) or ``"rougeL"``.
        language: ``"en"`` or ``"zh"`` (characters; rouge-score's own splitting drops all that is not ASCII).

    Returns:
        The F-measure for each item, between 0 and 1.

    Raises:
        ValueError: As `exact_match`, or if the kind is unknown.
        TypeError: As `exact_match`.
        ModuleNotFoundError: If rouge-score is missing; says how to install it.

    Source: Lin 2004; rouge-score, without stemming.
    """
    _checked(predictions, references, language)
    if not ROUGE_KIND.fullmatch(kind):
        raise ValueError(f"kind must be rouge1 to rouge9 or rougeL; got {kind!r}")
    splitting = _Characters() if language == "zh" else None
    scorer = _needed("rouge_score.rouge_scorer").RougeScorer([kind], tokenizer=splitting)
    pairs = zip(references, predictions, strict=True)
    return np.array([scorer.score(target, said)[kind].fmeasure for target, said in pairs], dtype=np.float64)


def rouge_l(
    predictions: Sequence[str], references: Sequence[str], language: str = "en"
) -> Float64[np.ndarray, " n"]:
    """ROUGE-L of each item: see `rouge`."""
    return rouge(predictions, references, "rougeL", language)


class _Characters:
    """Splits 中文 for rouge-score: characters, without punctuation."""

    def tokenize(self, text: str) -> list[str]:
        return normalized(text, "zh")


def _needed(module: str) -> Any:
    """A library of the extra [eval]."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        name = module.split(".")[0].replace("_", "-")
        raise ModuleNotFoundError(
            f'{name} is missing, which this metric needs; install it with: pip install "llmasos-edu[eval]"',
            name=error.name,
        ) from error


def _checked(predictions: Sequence[str], references: Sequence[str], language: str) -> None:
    for name, texts in (("predictions", predictions), ("references", references)):
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise TypeError(f"{name} must be a list of texts, one an item; got {str(texts)[:40]!r}")
    if len(predictions) != len(references):
        raise ValueError(
            f"predictions and references must be as many; got {len(predictions)} and {len(references)}"
        )
    if not references:
        raise ValueError("a metric needs at least one prediction and its reference; got none")
    empty = [n for n, text in enumerate(references) if not text.strip()]
    if empty:
        raise ValueError(f"no reference may be empty, nothing can equal it; these are: {empty[:10]}")
    if language not in LANGUAGES:
        raise ValueError(f'language must be "en" or "zh"; got {language!r}')


def _each(
    predictions: Sequence[str], references: Sequence[str], language: str,
    score: Callable[[list[str], list[str]], float],
) -> Any:  # fmt: skip
    _checked(predictions, references, language)
    pairs = zip(predictions, references, strict=True)
    scores = [score(normalized(said, language), normalized(right, language)) for said, right in pairs]
    return np.array(scores, dtype=np.float64)


def _overlap(said: list[str], right: list[str]) -> float:
    if not said or not right:
        return float(said == right)
    shared = (Counter(said) & Counter(right)).total()
    return 2 * shared / (len(said) + len(right))
