"""Which device to compute on, and a numeric test that it can be trusted.

Apple's MPS has been silently wrong in several libraries, so it is used only when it is asked for and
passes the test.
"""

from __future__ import annotations

import torch

__all__ = ["pick_device", "self_test"]

MAX_ERROR = 1e-3  # float32 attention over 64 positions stays under 1e-5; TF32 under 1e-3


def pick_device(request: str | None = None) -> torch.device:
    """CUDA where there is one, else the CPU; any other device only by name.

    Args:
        request: ``None`` to choose, or a torch device name such as ``"cpu"``, ``"cuda:1"``, ``"mps"``.

    Returns:
        The device.

    Raises:
        ValueError: If the requested device is not there or fails `self_test`.
    """
    if request is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(request)
        error = self_test(device)
    except (RuntimeError, AssertionError) as e:
        there = ", ".join(["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))])
        reason = str(e).splitlines()[0].rstrip(".")
        raise ValueError(f"device {request!r} cannot be used here: {reason}. Take one of: {there}") from e
    if not error <= MAX_ERROR:
        raise ValueError(f"device {request!r} computes wrongly: error {error:.1e}, allowed {MAX_ERROR:.0e}")
    return device


def self_test(device: torch.device) -> float:
    """Compute attention and its gradient on `device` in float32 and on the CPU in float64.

    Args:
        device: The device to test.

    Returns:
        The largest difference of outputs and gradients, relative to the largest value.
    """
    generator = torch.Generator().manual_seed(0)
    exact = torch.randn(3, 4, 64, 32, dtype=torch.float64, generator=generator)  # q, k, v: (H, T, D) each

    def output_and_gradient(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = x.clone().requires_grad_()
        out = torch.softmax(x[0] @ x[1].mT / 32**0.5, dim=-1) @ x[2]
        (gradient,) = torch.autograd.grad(out.square().sum(), x)
        return out.detach().cpu().double(), gradient.cpu().double()

    pairs = zip(output_and_gradient(exact), output_and_gradient(exact.float().to(device)), strict=True)
    return max(((a - b).abs().max() / a.abs().max()).item() for a, b in pairs)
