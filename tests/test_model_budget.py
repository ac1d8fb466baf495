"""The budget against published counts and a model built of torch's own layers; words; bad input."""

import pytest
from torch import nn

from llmasos_edu import costs
from llmasos_edu.gpt import GPTConfig
from llmasos_edu.widgets.model_budget import PARTS, ModelBudget, budget, short

VOCABULARIES = {"TinyWorld": 607, "GPT-2": 50257}


@pytest.mark.parametrize(
    ("d_model", "n_layers", "published"),
    [(768, 12, 124_439_808), (1024, 24, 354_823_168), (1280, 36, 774_030_080), (1600, 48, 1_557_611_200)],
)
def test_parameters_are_those_of_the_published_gpt_2(d_model, n_layers, published):
    found = budget(d_model, n_layers, 50257, 1024)
    assert sum(found[part] for part in PARTS) == published


def test_each_part_is_what_torch_layers_hold():
    d, layers, v, t = 48, 3, 100, 20
    count = lambda module: sum(p.numel() for p in module.parameters())  # noqa: E731
    found = budget(d, layers, v, t)
    assert found["token embedding"] == count(nn.Embedding(v, d))
    assert found["positions"] == count(nn.Embedding(t, d))
    assert found["attention"] == layers * count(nn.MultiheadAttention(d, 4))
    assert found["feed-forward"] == layers * count(nn.Sequential(nn.Linear(d, 4 * d), nn.Linear(4 * d, d)))
    assert found["norms"] == (2 * layers + 1) * count(nn.LayerNorm(d))


def test_operations_are_counted_one_by_one():
    d, layers, v, t = 8, 2, 11, 5
    product = lambda rows, columns: 2 * rows * columns  # noqa: E731  # one vector times a matrix
    a_layer = 4 * product(d, d) + product(d, 4 * d) + product(4 * d, d)
    assert budget(d, layers, v, t)["matrices"] == layers * a_layer + product(d, v)
    # q·k for t keys of d numbers in all heads together, and t values of d numbers mixed
    assert budget(d, layers, v, t)["looking back"] == layers * 2 * product(t, d)


def test_it_counts_as_costs_does():
    config = GPTConfig(607, context_length=256, d_model=128, n_heads=4, n_layers=3, d_ff=512)
    found, flops = budget(128, 3, 607, 256), costs.flops_per_token(config, 256)
    assert sum(found[part] for part in PARTS) == costs.parameters(config)
    assert (found["matrices"], found["looking back"]) == flops
    assert 4 * found["cache"] == costs.cache_bytes(config, 256)


def test_what_it_says():
    widget = ModelBudget(VOCABULARIES, vocabulary="GPT-2")
    lines = widget.text().splitlines()
    assert lines[0] == widget.summary
    assert lines[0] == "Width 768, 12 layers, GPT-2 vocabulary (50,257), 1,024 places: 124 M parameters."
    assert lines[1] == "token embedding: 38.6 M, 31 %"
    assert "1 layer," in ModelBudget(VOCABULARIES, n_layers=1).text()
    assert widget.static_html() == widget.static_html()
    assert ModelBudget({"<b>": 9})._repr_mimebundle_()[0]["text/html"].count("<b>") == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ModelBudget({}), "at least one"),
        (lambda: ModelBudget(VOCABULARIES, vocabulary="Qwen"), "must be one of .*got 'Qwen'"),
        (lambda: ModelBudget(VOCABULARIES, d_model=100), "d_model must be one of 64, .*got 100"),
        (lambda: ModelBudget(VOCABULARIES, n_layers=0), "n_layers must be one of 1, .*got 0"),
    ],
)
def test_bad_input_is_told(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("count", [0, 7, 512, 999, 999_499, 999_999, 1_234_567, 124_439_808, 3 * 10**12])
def test_counts_are_short(count):
    text = short(count)
    value, _, unit = text.partition(" ")
    size = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[unit]
    assert float(value.replace(",", "")) * size == pytest.approx(count, rel=0.005)  # three digits
    assert len(value) <= 4
    assert float(value.replace(",", "")) < 1000
