"""The stored run of lesson 03's plane is what its command makes, and shows what the lesson says."""

import json

import numpy as np

from llmasos_edu.files import data_dir
from llmasos_edu.first_models import snapshots
from llmasos_edu.widgets.embedding_plane import EmbeddingPlane

STORED = json.loads((data_dir() / "runs" / "embeddings.json").read_text(encoding="utf-8"))


def test_the_command_makes_the_stored_form():
    made = snapshots.run(stories=20, steps=(0, 3))
    assert made.keys() == STORED.keys()
    assert (made["words"], made["groups"]) == (STORED["words"], STORED["groups"])
    assert np.shape(made["snapshots"]) == (2, len(made["words"]), 16)
    # before training nothing depends on the stories or on the machine's arithmetic
    assert made["snapshots"][0] == STORED["snapshots"][0]
    assert made["snapshots"][1] != made["snapshots"][0]


def test_the_stored_groups_part_between_noise_and_the_end():
    plane = EmbeddingPlane(np.array(STORED["snapshots"]), STORED["words"], STORED["groups"], STORED["steps"])
    assert STORED["steps"] == list(snapshots.STEPS)
    assert plane.together(0) < 0.5
    assert plane.together(len(STORED["steps"]) - 1) == 1
