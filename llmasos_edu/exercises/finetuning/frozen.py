"""Which parameters learn, by their names: all, the last block with what follows it, or the adapter's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property

__all__ = ["LEARNING", "learning"]


def learning(names: Sequence[str], part: str) -> list[str]:
    """The names of what learns: "all", the "last block" and what follows it, or the "adapter"."""
    if part == "all":
        return list(names)
    if part == "adapter":
        return [name for name in names if ".lora." in name]
    last = max(int(name.split(".")[1]) for name in names if name.startswith("blocks."))
    return [name for name in names if name.startswith((f"blocks.{last}.", "norm.", "head."))]


def _names(blocks: int, adapters: bool = False) -> list[str]:
    names = ["embedding.weight"]
    for i in range(blocks):
        at = f"blocks.{i}."
        names += [f"{at}attention_norm.weight", f"{at}attention.qkv.weight", f"{at}attention.qkv.bias"]
        names += [f"{at}attention.qkv.lora.default.q.{x}" for x in "AB" if adapters]
        names += [f"{at}feed_forward_norm.weight", f"{at}feed_forward.up.weight"]
    return [*names, "norm.weight", "head.weight"]


def _probes() -> list[Probe]:
    return [
        Probe("two blocks, all", (_names(2), "all")),
        Probe("two blocks with an adapter, the adapter", (_names(2, True), "adapter")),
        Probe("twelve blocks, the last one", (_names(12), "last block")),
    ]


def _nothing_else_moves(probe: Probe, got: list[str], expected: list[str]) -> str | None:
    extra = [name for name in got if name not in expected]
    if extra:
        return f"{len(extra)} {'name' if len(extra) == 1 else 'names'} too many, the first {extra[0]}"
    return None


def _all_of_it_moves(probe: Probe, got: list[str], expected: list[str]) -> str | None:
    still = [name for name in expected if name not in got]
    if still:
        return f"{len(still)} {'name is' if len(still) == 1 else 'names are'} missing, the first {still[0]}"
    return None


def _without(forgotten: Callable[[str], bool], *parts: str) -> Callable[[Sequence[str], str], list[str]]:
    """The right names less those, for these choices (for all where none is given)."""
    return lambda names, part: [
        name for name in learning(names, part) if not ((not parts or part in parts) and forgotten(name))
    ]


def _last_block(pick: Callable[[list[str]], str]) -> Callable[[Sequence[str], str], list[str]]:
    """The right names, with the last block's number, a text, picked from all of them otherwise."""

    def wrong(names: Sequence[str], part: str) -> list[str]:
        if part != "last block":
            return learning(names, part)
        number = pick([name.split(".")[1] for name in names if name.startswith("blocks.")])
        return [name for name in names if name.startswith((f"blocks.{number}.", "norm.", "head."))]

    return wrong


LEARNING = Exercise(
    key="finetuning.learning",
    task=(
        'Write learning(names, part): names of parameters, such as "blocks.3.attention.qkv.weight" and '
        '"blocks.3.attention.qkv.lora.default.q.A"; part "all", "last block" (with the norm and the head '
        'after it) or "adapter". Give the list of those that learn, in the order of names; all others are '
        "frozen."
    ),
    reference=learning,
    probes=_probes,
    properties=(
        Property("what should stand still does", _nothing_else_moves),
        Property("what should learn does", _all_of_it_moves),
    ),
    mistakes=(
        Mistake(
            "the base is not frozen",
            why="The adapter learns beside a base that moves too: all of full finetuning's memory, and more.",
            where='part "adapter": only names that hold ".lora.".',
            wrong=(
                lambda names, part: list(names) if part == "adapter" else learning(names, part),
                lambda names, part: list(names),
            ),
        ),
        Mistake(
            "the norms learn beside the adapter",
            why="The saved adapter no longer says all that was learned: on the base it gives another model.",
            where='part "adapter": only names that hold ".lora.".',
            wrong=lambda names, part: (
                [n for n in names if ".lora." in n or "norm" in n]
                if part == "adapter"
                else learning(names, part)
            ),
        ),
        Mistake(
            "one matrix of the adapter is frozen",
            why="A frozen B stays zero, and nothing is learned; a frozen A leaves half of the freedom.",
            where='".lora." in name, whichever letter follows.',
            wrong=(_without(lambda n: n.endswith(".A")), _without(lambda n: n.endswith(".B"))),
        ),
        Mistake(
            "the norms are frozen",
            why="They are few numbers, but every layer reads through them; full finetuning moves them too.",
            where='part "all" means every name.',
            wrong=(
                _without(lambda n: "norm" in n, "all"),
                _without(lambda n: "norm" in n),
                _without(lambda n: "_norm" in n),
            ),
        ),
        Mistake(
            "the biases are frozen",
            why="A name that does not end in weight is a parameter too.",
            where='Do you look for ".weight"?',
            wrong=(
                _without(lambda n: n.endswith("bias")),
                _without(lambda n: n.endswith("bias"), "all"),
                _without(lambda n: n.endswith("bias"), "last block"),
            ),
        ),
        Mistake(
            "what follows the last block is frozen",
            why="The block learns to say something new to a norm and a head that do not listen.",
            where='"norm." and "head." begin the names after the blocks.',
            wrong=(
                _without(lambda n: n.startswith(("norm.", "head.")), "last block"),
                _without(lambda n: n.startswith("norm."), "last block"),
                _without(lambda n: n.startswith("head."), "last block"),
            ),
        ),
        Mistake(
            "the last block by the alphabet",
            why='As texts "9" comes after "11"; as numbers it does not.',
            where="int(…) before max.",
            wrong=_last_block(max),
        ),
        Mistake(
            "the first block for the last",
            why="The blocks are counted from 0 and follow each other; the last has the highest number.",
            where="max, not min or the first that is found.",
            wrong=_last_block(lambda numbers: numbers[0]),
        ),
        Mistake(
            "the last block counted from one",
            why="Twelve blocks are numbered 0 to 11: there is no block 12 to learn.",
            where="The number of blocks, less one.",
            wrong=_last_block(lambda numbers: str(len(set(numbers)))),
        ),
        Mistake(
            "frozen and learning exchanged",
            why="What should stand still learns, and the other way round.",
            where="requires_grad is True for what learns; is a not too many or too few?",
            wrong=lambda names, part: [n for n in names if n not in learning(names, part)],
        ),
    ),
    hints=(
        "Three cases. For each: what is in the name of everything that learns, and of nothing else?",
        "An adapter's names hold .lora. in the middle; a block's number stands between the first two dots.",
        'last = max(int(name.split(".")[1]) for …); name.startswith((f"blocks.{last}.", "norm.", …)).',
    ),
)
