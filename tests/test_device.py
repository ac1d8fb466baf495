import pytest
import torch

from llmasos_edu import device


def test_cpu_passes_its_self_test():
    assert device.self_test(torch.device("cpu")) < 1e-5


def test_pick():
    assert device.pick_device("cpu") == torch.device("cpu")
    assert device.pick_device().type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="'quantum' cannot be used here"):
        device.pick_device("quantum")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA card here")
def test_cuda_asked_for_where_there_is_none():
    with pytest.raises(ValueError, match=r"device 'cuda' cannot be used here: .*\. Take one of: cpu$"):
        device.pick_device("cuda")


def test_a_device_that_computes_wrongly_is_refused(monkeypatch):
    monkeypatch.setattr(device, "self_test", lambda d: float("nan"))
    with pytest.raises(ValueError, match="computes wrongly"):
        device.pick_device("cpu")
