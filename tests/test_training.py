"""The loop: against one written out with torch alone, stopped, resumed, split, broken; what it refuses."""

import json
import math
import signal
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from llmasos_edu import checkpoint
from llmasos_edu.batches import IGNORE, Documents, Windows, consecutive_windows
from llmasos_edu.first_models import Bigram, document_nats, next_word
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.training import (
    Diverged,
    TrainConfig,
    Watch,
    evaluate,
    on_stories,
    on_word,
    running,
    train,
)

V, T = 13, 8


def model(seed=0, **changes):
    config = {"vocab_size": V, "context_length": T, "d_model": 16, "n_heads": 2, "n_layers": 2, "d_ff": 24}
    return GPT(GPTConfig(**config | changes), generator=torch.Generator().manual_seed(seed))


def documents(n=40, seed=0):
    """Ids with something to learn: each document counts on from where it begins; lengths differ."""
    random = np.random.default_rng(seed)
    return [
        [1 + (a + i) % (V - 1) for i in range(length)] for a, length in random.integers(2, T, (n, 2)).tolist()
    ]


def batches(batch_size=8, seed=0):
    return Documents(documents(), end_id=0, batch_size=batch_size, context_length=T, seed=seed)


def weights(m):
    return {name: p.detach().clone() for name, p in m.named_parameters()}


def test_it_is_the_loop_that_anybody_would_write():
    config = TrainConfig(steps=6, lr=0.02, warmup=2, weight_decay=0.3, clip=0.5, schedule="linear")
    ours, theirs = model().double(), model().double()
    history = train(ours, batches(), config)

    decayed = [p for p in theirs.parameters() if p.ndim > 1]
    rest = [p for p in theirs.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.3}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.02, betas=(0.9, 0.95))
    shares = [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    losses = []
    for step in range(7):
        inputs, targets = batches().batch(step)
        loss = F.cross_entropy(theirs(inputs).transpose(1, 2), targets)
        losses.append(loss.item())
        if step == 6:
            break
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        for group in optimizer.param_groups:
            group["lr"] = 0.02 * shares[step]
        optimizer.step()
    # float64: ours is a sum divided by a count, rounded in another order
    assert history.losses == pytest.approx(losses, rel=1e-12)
    for name, p in weights(ours).items():
        torch.testing.assert_close(p, weights(theirs)[name], rtol=0, atol=1e-9)
    assert history.steps == list(range(7))
    assert history.lrs == pytest.approx([0.02 * s for s in (*shares, 0.0)])
    assert history.stopped_by == "steps"
    counted = [int((batches().batch(step)[1] != IGNORE).sum()) for step in range(7)]
    assert history.tokens == np.cumsum([0, *counted[:6]]).tolist()


def test_gradients_that_were_there_before_do_not_count():
    clean, stained = model(), model()
    for p in stained.parameters():
        p.grad = torch.full_like(p, 100.0)
    config = TrainConfig(steps=2, lr=0.01)
    assert train(stained, batches(), config).gradients == train(clean, batches(), config).gradients


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_a_batch_in_parts_is_the_batch(dropout):
    """Documents differ in length, so a mean of the parts' means would be another number."""
    whole, split = model(dropout=dropout), model(dropout=dropout)
    config = TrainConfig(steps=5, lr=0.01)
    losses = train(whole, batches(), config).losses
    again = train(split, batches(), config.replace(accumulate=4)).losses
    if dropout:  # each part draws its own: other losses, but near
        assert again != losses
        assert again == pytest.approx(losses, rel=0.3)
    else:
        assert again == pytest.approx(losses, rel=1e-5)  # float32, added up in another order


def test_the_callers_random_numbers_stay_as_they_were():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    m = model(dropout=0.5).eval()
    train(m, batches(), TrainConfig(steps=2))
    assert torch.equal(torch.rand(3), expected)
    assert not m.training


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_resumed_is_bitwise_the_run_that_never_stopped(tmp_path, optimizer):
    config = TrainConfig(steps=12, optimizer=optimizer, lr=0.01, save_every=4, evaluate_every=5)
    straight = model(dropout=0.3)
    expected = train(straight, batches(), config)

    def stop_at_7(event):
        return event.step == 7

    train(model(dropout=0.3), batches(), config, run_dir=tmp_path, callbacks=[stop_at_7])
    broken = model(dropout=0.3)

    def lightning(event):
        if event.step == 11:
            raise MemoryError

    with pytest.raises(MemoryError):
        train(broken, batches(), config, run_dir=tmp_path, callbacks=[lightning])
    assert checkpoint.latest(tmp_path) == checkpoint.place(tmp_path, 8)
    resumed = model(seed=99, dropout=0.3)  # what it starts with does not matter
    history = train(resumed, batches(), config, run_dir=tmp_path)
    assert history.losses == expected.losses
    assert history.gradients == expected.gradients
    assert history.steps == expected.steps
    assert history.tokens == expected.tokens
    for name, p in weights(straight).items():
        assert torch.equal(p, weights(resumed)[name]), name
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["loss"] for line in lines] == expected.losses


def test_going_on_with_a_finished_run_changes_nothing(tmp_path):
    config = TrainConfig(steps=3, lr=0.01)
    first = train(model(), batches(), config, run_dir=tmp_path)
    again = model()
    assert train(again, batches(), config, run_dir=tmp_path).losses == first.losses
    longer = train(again, batches(), config.replace(steps=5), run_dir=tmp_path)
    assert longer.steps == [0, 1, 2, 3, 4, 5]


def test_keeps_as_many_checkpoints_as_asked(tmp_path):
    train(model(), batches(), TrainConfig(steps=9, save_every=3, keep=2), run_dir=tmp_path)
    assert sorted(p.name for p in tmp_path.glob("step-*")) == ["step-00000006", "step-00000009"]


def test_a_torn_last_line_is_dropped(tmp_path):
    config = TrainConfig(steps=4, save_every=2)
    expected = train(model(), batches(), config, run_dir=tmp_path)
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"step": 5, "lo')
    assert train(model(), batches(), config, run_dir=tmp_path).losses == expected.losses


def test_a_callback_stops_it_and_every_callback_is_told(tmp_path):
    seen = []
    callbacks = [lambda event: event.step == 2, seen.append]
    history = train(model(), batches(), TrainConfig(steps=9), run_dir=tmp_path, callbacks=callbacks)
    assert [event.step for event in seen] == [0, 1, 2]
    assert history.stopped_by == "callback"
    assert checkpoint.latest(tmp_path) == checkpoint.place(tmp_path, 2)


def test_an_event_tells_of_the_weights_as_they_are():
    m = model()

    def look(event):
        inputs, targets = batches().batch(event.step)
        now = F.cross_entropy(event.model(inputs).transpose(1, 2), targets)
        assert event.loss == pytest.approx(now.item(), rel=1e-5)
        assert event.model is m

    train(m, batches(), TrainConfig(steps=3, lr=0.1), callbacks=[look])


@pytest.fixture
def ctrl_c():
    """Ctrl-C as a terminal has it; a program started in the background by a shell ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_saves_and_returns(tmp_path, ctrl_c):
    def press(event):
        if event.step == 3:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    history = train(model(), batches(), TrainConfig(steps=9), run_dir=tmp_path, callbacks=[press])
    assert history.stopped_by == "interrupt"
    assert history.steps[-1] == 3
    assert checkpoint.latest(tmp_path) == checkpoint.place(tmp_path, 3)
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_twice_stops_at_once(ctrl_c):
    def press(event):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(model(), batches(), TrainConfig(steps=9), callbacks=[press])


def test_the_bar_in_a_notebook_is_hidden_on_request(monkeypatch):
    """tqdm's own bar for notebooks shows itself whatever TQDM_DISABLE says."""
    asked = []
    real = running.tqdm

    def bar(**settings):
        asked.append(settings["disable"])
        return real(**settings | {"disable": True})

    monkeypatch.setattr(running, "tqdm", bar)
    for value in ("1", "0", ""):
        monkeypatch.setenv("TQDM_DISABLE", value)
        train(model(), batches(), TrainConfig(steps=1))
    assert asked == [True, False, False]


def test_it_runs_outside_the_main_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(train(model(), batches(), TrainConfig(steps=1))))
    thread.start()
    thread.join()
    assert found[0].steps == [0, 1]


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_loss_that_is_no_number_stops_the_run(tmp_path, what):
    m = model()

    def poison(event):
        if event.step == 5:
            value = math.nan if what == "loss" else 3e38  # too long to be squared, but a number
            with torch.no_grad():
                m.norm.weight[0] = value

    config = TrainConfig(steps=9, lr=1e-3, save_every=2)
    with pytest.raises(Diverged, match=r"at step 6 the loss is .*step-00000004") as caught:
        train(m, batches(), config, run_dir=tmp_path, callbacks=[poison])
    assert caught.value.step == 6
    assert caught.value.history.steps == [0, 1, 2, 3, 4, 5]
    good = checkpoint.load(checkpoint.latest(tmp_path))
    assert good.step == 4
    assert all(t.isfinite().all() for t in good.tensors.values())
    assert train(model(), batches(), config, run_dir=tmp_path).steps[-1] == 9  # and goes on from there


def test_without_clipping_long_gradients_stay_long():
    cut, free = model(), model()
    config = TrainConfig(steps=1, lr=0.1, clip=1e-9, optimizer="adamw")
    assert train(cut, batches(), config).gradients == pytest.approx(
        train(free, batches(), config.replace(clip=None)).gradients, rel=0.5
    )
    start = weights(model())
    moved = [sum(float((p - start[n]).abs().sum()) for n, p in weights(m).items()) for m in (cut, free)]
    assert moved[0] < 0.5 * moved[1]  # with gradients near eps, AdamW's steps shrink


def test_bfloat16_is_near_float32():
    m = model()
    config = TrainConfig(steps=4, lr=0.01)
    exact = train(model(), batches(), config).losses
    # bfloat16 keeps 8 bits: 0.4 % a product, and the loss averages them
    assert train(m, batches(), config.replace(dtype="bfloat16")).losses == pytest.approx(exact, rel=0.01)
    assert all(p.dtype == torch.float32 for p in m.parameters())


def test_a_compiled_run_saves_under_the_models_own_names(monkeypatch, tmp_path):
    """A stand-in for torch.compile, which wraps a module in the same way: compiling takes a minute."""

    class Compiled(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self._orig_mod, self.calls = inner, 0

        def forward(self, *given):
            self.calls += 1
            return self._orig_mod(*given)

    made = []
    monkeypatch.setattr(torch, "compile", lambda inner: made.append(Compiled(inner)) or made[-1])
    m, config = model(), TrainConfig(steps=3, lr=0.01, compile=True, accumulate=2)
    train(m, batches(), config, run_dir=tmp_path)
    assert [compiled.calls for compiled in made] == [8, 8]  # model and loss, two parts of four batches
    assert set(checkpoint.load(checkpoint.latest(tmp_path)).tensors) == set(m.state_dict())


def test_tests_on_fixed_windows():
    stream = np.arange(100) % V
    windows = list(consecutive_windows(stream, T, 5))
    m = model(dropout=0.5)
    history = train(m, Windows(stream, batch_size=4, context_length=T, seed=0),
                    TrainConfig(steps=5, evaluate_every=2), validation=windows)  # fmt: skip
    assert history.validation["step"] == [0, 2, 4, 5]
    assert len(history.validation["seconds"]) == len(history.validation["loss"]) == 4
    m.eval()
    logits = torch.cat([m(inputs) for inputs, _ in windows]).transpose(1, 2)
    expected = F.cross_entropy(logits, torch.cat([targets for _, targets in windows]))
    assert history.validation["loss"][-1] == pytest.approx(expected.item(), rel=1e-5)
    assert evaluate(m.train(), windows) == pytest.approx(expected.item(), rel=1e-5)
    assert m.training


def test_stories_and_the_blank():
    m, stories = model(dropout=0.5), documents(70)
    m.eval()
    expected = float(document_nats(m, stories, end_id=0).mean())
    found = on_stories(stories, end_id=0, floor=3.5)(m.train())
    assert found["nats"] == pytest.approx(expected, rel=1e-5)
    assert found["above"] == pytest.approx(expected - 3.5, rel=1e-5)
    p = on_word([1, 2, 3], {"four": 4, "nine": 9}, end_id=0)(m)
    exact = next_word(m.eval(), [1, 2, 3], end_id=0)
    assert p == pytest.approx({"four": float(exact[4]), "nine": float(exact[9])})


def test_a_watch_looks_every_few_steps():
    watch = Watch(on_word([3, 4, 5], {"six": 6}, end_id=0), every=10)
    train(model(), batches(), TrainConfig(steps=60, lr=0.03), callbacks=[watch])
    assert watch.steps == [0, 10, 20, 30, 40, 50, 60]
    assert watch.values["six"][0] < 0.2 < 0.3 < watch.values["six"][-1]
    assert 0 < watch.first_above("six", 0.3) <= 60
    assert watch.first_above("six", 1.1) == math.inf


def test_time_spent_looking_does_not_count(monkeypatch):
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr("llmasos_edu.training.running.time.perf_counter", lambda: now.seconds)

    def slow(m):
        now.seconds += 1000
        return {"found": 1.0}

    def also_slow(event):
        now.seconds += 1000

    class Steady(Documents):
        def batch(self, *arguments):
            now.seconds += 2
            return super().batch(*arguments)

    source = Steady(documents(), end_id=0, batch_size=4, context_length=T, seed=0)
    history = train(model(), source, TrainConfig(steps=3, evaluate_every=1), validation=slow,
                    callbacks=[also_slow])  # fmt: skip
    assert history.seconds == [2, 4, 6, 8]


def test_what_it_refuses(tmp_path):
    config = TrainConfig(steps=2)
    with pytest.raises(TypeError, match="batches"):
        train(model(), [], config)
    with pytest.raises(ValueError, match="needs a model whose"):
        train(Bigram(V), batches(), config, run_dir=tmp_path)
    assert train(Bigram(V), batches(), config).steps == [0, 1, 2]
    train(model(), batches(), config, run_dir=tmp_path)
    with pytest.raises(ValueError, match="holds a run"):
        train(model(), batches(), config, run_dir=tmp_path, resume=False)
    with pytest.raises(ValueError, match=r'(?s)"n_layers": 2.*this one has.*"n_layers": 1'):
        train(model(n_layers=1), batches(), config, run_dir=tmp_path)
    with pytest.raises(ValueError, match="began with optimizer='adamw'"):
        train(model(), batches(), config.replace(optimizer="muon"), run_dir=tmp_path)
    with pytest.raises(ValueError, match="at least one target that counts"):
        evaluate(model(), [])
