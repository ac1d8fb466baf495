"""The people, places, things, colours and jobs of TinyWorld, each word in English and 中文.

Teaches: what the world is made of, as plain tables. Leaves out: what can happen (`rules`) and how it is
told (`english`, `chinese`). Lesson 02 explains it.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "COLOURS",
    "JOBS",
    "PEOPLE",
    "PLACES",
    "PRONOUNS",
    "THINGS",
    "Colour",
    "Job",
    "Person",
    "Place",
    "Thing",
]

#: pronoun → (English, 中文), as a sentence's subject
PRONOUNS = {"she": ("She", "她"), "he": ("He", "他"), "they": ("They", "TA")}


@dataclass(frozen=True)
class Person:
    """Somebody: English name, 中文 name, and the pronoun ``"she"``, ``"he"`` or ``"they"``."""

    name: str
    zh: str
    pronoun: str


@dataclass(frozen=True)
class Place:
    """Somewhere: ``in the park`` is 公园里, so each place brings its preposition and its 方位词."""

    name: str
    zh: str
    preposition: str = "in"
    side: str = "里"


@dataclass(frozen=True)
class Thing:
    """Something one can carry: its 量词, and what one does with it (``flew`` a kite, 放起了 风筝)."""

    name: str
    zh: str
    measure: str = "个"
    use: str = "used"
    use_zh: str = "用了"


@dataclass(frozen=True)
class Colour:
    """A colour of a thing."""

    name: str
    zh: str


@dataclass(frozen=True)
class Job:
    """What a person does for a living."""

    name: str
    zh: str


PEOPLE = (
    Person("Mia", "米娅", "she"),
    Person("Tom", "汤姆", "he"),
    Person("Anna", "安娜", "she"),
    Person("Lily", "莉莉", "she"),
    Person("Leo", "利奥", "he"),
    Person("Rosa", "罗莎", "she"),
    Person("Max", "马克斯", "he"),
    Person("Mei", "小梅", "she"),
    Person("Ming", "小明", "he"),
    Person("Omar", "奥马尔", "he"),
)

PLACES = (
    Place("park", "公园"),
    Place("kitchen", "厨房"),
    Place("garden", "花园"),
    Place("forest", "森林"),
    Place("beach", "海滩", "at", "上"),
    Place("school", "学校", "at"),
    Place("station", "车站", "at"),
    Place("lake", "湖边", "at", ""),
    Place("farm", "农场", "on"),
    Place("hill", "山坡", "on", "上"),
)

THINGS = (
    Thing("kite", "风筝", "只", "flew", "放起了"),
    Thing("drum", "鼓", "面", "beat", "敲起了"),
    Thing("book", "书", "本", "read", "读起了"),
    Thing("ball", "球", "个", "kicked", "踢起了"),
    Thing("hat", "帽子", "顶", "wore", "戴上了"),
    Thing("lamp", "灯", "盏", "lit", "点亮了"),
    Thing("umbrella", "伞", "把", "opened", "撑开了"),
    Thing("bell", "铃铛", "个", "rang", "摇响了"),
    Thing("guitar", "吉他", "把", "played", "弹起了"),
    Thing("map", "地图", "张", "studied", "看起了"),
)

COLOURS = (
    Colour("red", "红色"),
    Colour("blue", "蓝色"),
    Colour("green", "绿色"),
    Colour("yellow", "黄色"),
    Colour("white", "白色"),
    Colour("orange", "橙色"),
)

JOBS = (
    Job("baker", "面包师"),
    Job("doctor", "医生"),
    Job("teacher", "老师"),
    Job("farmer", "农民"),
    Job("singer", "歌手"),
    Job("nurse", "护士"),
    Job("cook", "厨师"),
    Job("pilot", "飞行员"),
    Job("artist", "画家"),
    Job("engineer", "工程师"),
)
