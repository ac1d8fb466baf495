"""TinyWorld in Chinese: 小世界的中文语法. The templates and the forms of each slot.

Teaches: 量词 (一只风筝), the 把 sentence (米娅把风筝留在了公园里), the place before the verb, 方位词 (公园里,
海滩上), and no spaces. The events and their probabilities are those of the English world; only the
wording makes choices of its own. Lesson 02 explains it.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from .grammar import Forms, Grammar
from .state import State
from .vocabulary import PRONOUNS

__all__ = ["Chinese"]

#: S 主语 · T 东西 · R 另一个人 · L 在……里 的处所 · D 目的地 · O 出发地 · A 一只红色的风筝 · J 一位面包师 ·
#: U 放起了、敲起了…… · F, G 两样东西的下落
LINES = {
    "had": ("S 有 A 。",),
    "job": ("S 是 J 。",),
    "with": ("S 在 L ， 带着 A 。",),
    "went": ("1 | S 去了 D 。", "1 placed | S 从 O 去了 D 。"),
    "walked": ("S 走到了 D 。",),
    "ran": ("S 跑到了 D 。",),
    "hurried": ("S 赶到了 D 。",),
    "wandered": ("S 逛到了 D 。",),
    "waited": ("S 在 L 等了一会儿 。",),
    "sang": ("S 在 L 唱起了歌 。",),
    "slept": ("S 在 L 睡了一觉 。",),
    "rested": ("S 在 L 休息了一会儿 。",),
    "sat": ("S 在 L 坐了一会儿 。",),
    "whistled": ("S 在 L 吹起了口哨 。",),
    "danced": ("S 在 L 跳起了舞 。",),
    "took": ("S 把 T 带到了 D 。",),
    "carried": ("S 把 T 拿到了 D 。",),
    "used": ("S 在 L U T 。",),
    "left": ("S 把 T 留在了 L 。",),
    "put": ("S 把 T 放在了 L 。",),
    "hid": ("S 把 T 藏在了 L 。",),
    "dropped": ("S 把 T 掉在了 L 。",),
    "lost": ("S 在 L 弄丢了 T 。",),
    "found": ("S 在 L 找到了 T 。",),
    "picked_up": ("S 在 L 捡起了 T 。",),
    "saw": ("S 在 L 看见了 T 。",),
    "looked": ("S 寻找 T 。",),
    "wanted": ("S 想要 T 。",),
    "met": ("S 在 L 遇见了 R 。",),
    "gave": ("S 把 T 送给了 R 。",),
    "showed": ("2 | S 给 R 看了 T 。", "1 | S 把 T 拿给 R 看 。"),
    "borrowed": ("S 向 R 借了 T 。",),
    "asked": ("S 问 R T 在 哪里 。",),
    "said_place": ("S 说 它 在 L 。",),
    "not_know": ("S 不 知道 。",),
    "helped": ("S 帮助了 R 。",),
    "thanked": ("S 感谢了 R 。",),
    "smiled": ("S 笑了 。",),
    "laughed": ("S 大笑起来 。",),
    "cheered": ("S 欢呼起来 。",),
    "sighed": ("S 叹了口气 。",),
    "cried": ("S 哭了 。",),
    "frowned": ("S 皱起了眉头 。",),
    "ending": ("最后 ， F ， G 。",),
}


class Chinese(Grammar):
    """The grammar of Chinese stories."""

    language = "zh"
    lines = LINES

    def word(self, word: str) -> str:
        """Words stand side by side."""
        return word

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The longest word of the lexicon first; then what is not Chinese, or one character."""
        words = sorted(self.lexicon(), key=lambda w: (-len(w), w))
        return re.compile(
            "|".join([r"<\|\w+\|>", *map(re.escape, words), r"[A-Za-z]+", r"\s+", "."]), re.DOTALL
        )

    def split(self, text: str) -> list[str]:
        """Chinese words, the longest first."""
        return self.pattern.findall(text)

    def name(self, entry: str) -> str:
        """The Chinese name of a person, place, thing, colour or job."""
        return self.world.entries[entry].zh

    def S(self, event: tuple[Any, ...], state: State) -> Forms:
        """主语: 名字; 清楚时用代词; 说过职业时用职业."""
        who = event[0]
        pronoun, job = self.clear(who, state), state.job.get(who)
        key = ("S", who, pronoun, job)
        if key not in self.memo:
            she = PRONOUNS[self.world.pronoun(who)][1]
            self.memo[key] = self.forms(
                (6, self.name(who)),
                (3 if pronoun else 0, she),
                (1 if job else 0, self.name(job) if job else ""),
            )
        return self.memo[key]

    def T(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """东西: 带颜色, 或者刚说过的 "它"."""
        if len(event) < 4:
            return None
        thing, it = event[2], self.just_named(event[2], state)
        key = ("T", thing, state.colour[thing], it)
        if key not in self.memo:
            shade, name = self.name(state.colour[thing]), self.name(thing)
            self.memo[key] = self.forms((3, f"{shade}的 {name}"), (1 if it else 0, "它"))
        return self.memo[key]

    def A(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """新的东西: 一只红色的风筝."""
        if len(event) < 6:
            return None
        key = ("A", event[2], event[5])
        if key not in self.memo:
            thing = self.world.thing(event[2])
            self.memo[key] = self.forms((1, f"一 {thing.measure} {self.name(event[5])}的 {thing.zh}"))
        return self.memo[key]

    def J(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """职业: 一位面包师."""
        return self.fixed("J", event, 5, lambda job: f"一 位 {self.name(job)}")

    def R(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """另一个人的名字."""
        return self.fixed("D", event, 3, self.name)

    def L(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """处所: 公园里."""
        return self.fixed("L", event, 4, self.where)

    def D(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """目的地: 公园."""
        return self.fixed("D", event, 4, self.name)

    def O(self, event: tuple[Any, ...], state: State) -> Forms | None:  # noqa: E743
        """出发地."""
        return self.fixed("D", (state.at[event[0]],), 0, self.name)

    def U(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """怎么用: 放起了, 敲起了."""
        return self.fixed("U", event, 2, lambda thing: self.world.thing(thing).use_zh)

    def F(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """第一样东西的下落."""
        return None if len(event) < 3 else self.forms((1, " ".join(self.fate(event[2], state))))

    def G(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """第二样东西的下落; 一样时说 "也"."""
        if len(event) < 4:
            return None
        first, second = self.fate(event[2], state), self.fate(event[3], state)
        (_, fate), (name, same) = first, second
        return self.forms((1, f"{name} 也 {same}" if fate == same else f"{name} {same}"))

    def fate(self, thing: str, state: State) -> tuple[str, str]:
        """一样东西, 和它最后在哪里或在谁那里."""
        name, lies = f"{self.name(state.colour[thing])}的 {self.name(thing)}", state.lies[thing]
        if lies is None:
            return name, f"在 {self.name(state.holder[thing] or state.owner[thing])} 那里"
        lost = thing in state.lost
        return name, "还 没 找到" if lost else f"在 {self.where(lies)}"

    def where(self, place: str) -> str:
        """公园里, 海滩上, 湖边."""
        entry = self.world.place(place)
        return f"{entry.zh} {entry.side}".strip()

    def story_words(self) -> set[str]:
        """Every word of the stories."""
        names = {entry.zh for entry in self.world.entries.values()}
        things = {w for t in self.world.things for w in (t.measure, t.use_zh)}
        names |= {f"{colour.zh}的" for colour in self.world.colours}
        sides = {p.side for p in self.world.places if p.side}
        pronouns = {forms[1] for forms in PRONOUNS.values()}
        other = set(self.words("的 它 一 位 在 那里 还 没 找到 也"))
        return self.literals() | names | things | sides | pronouns | other
