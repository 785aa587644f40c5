"""Losses that several networks share.

The sample axis is the last of labels and weights and the last but one of features; what comes before it (the axis of
trainings, where many are trained at once) stays. Weights are 1 for a sample and 0 for one that fills a short batch up.
"""

import torch
from torch import Tensor


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Mean over samples (..., N) -> (...); 0 where all weights are 0."""
    return (values * weight).sum(-1) / weight.sum(-1).clamp_min(1e-12)


def cross_entropy(logits: Tensor, label: Tensor, weight: Tensor) -> Tensor:
    """Mean of -log softmax(logits)[label]: logits (..., N, K), labels (..., N) -> (...)."""
    chosen = logits.log_softmax(-1).gather(-1, label[..., None])[..., 0]
    return weighted_mean(-chosen, weight)


def binary_cross_entropy(logit: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean of the binary cross-entropy of sigmoid(logit) (..., N) against truth (..., N), 0 or 1 -> (...)."""
    loss = torch.nn.functional.softplus(logit) - truth * logit
    return weighted_mean(loss, weight)


def linear_mmd(source: Tensor, target: Tensor, source_weight: Tensor, target_weight: Tensor) -> Tensor:
    """Distance of the means, not squared (DSCNN, Eq. 2): (..., N, D), (..., M, D) -> (...)."""
    source, target = _in_full(source), _in_full(target)
    difference = _mean(source, source_weight) - _mean(target, target_weight)
    # the gradient of a norm at 0 is undefined: a little under the root keeps it 0
    return (difference.square().sum(-1) + 1e-12).sqrt()


def gaussian_mmd2(
    source: Tensor, target: Tensor, source_weight: Tensor, target_weight: Tensor, widths: tuple[float, ...]
) -> Tensor:
    """Unbiased squared maximum mean discrepancy, mean over Gaussian kernels (MADTN, its Eq. of MMD²).

    ``k(a, b) = exp(-|a - b|² / (2 width²))``. It may be negative. With fewer than two samples of a domain there is no
    such estimate, and it is 0. Always in float32 at least: it is a difference of nearly equal numbers.
    (..., N, D), (..., M, D) -> (...).
    """
    source, target = _in_full(source), _in_full(target)
    with torch.autocast(source.device.type, enabled=False):
        return _gaussian_mmd2(source, target, source_weight, target_weight, widths)


def _gaussian_mmd2(
    source: Tensor, target: Tensor, source_weight: Tensor, target_weight: Tensor, widths: tuple[float, ...]
) -> Tensor:
    # distances do not change, and large numbers that the domains share no longer eat the digits of the small difference
    middle = _mean(source, source_weight)[..., None, :].detach()
    source, target = source - middle, target - middle
    between = _kernel(source, target, widths)
    cross = _pair_mean(between, source_weight, target_weight)
    found = _own_mean(source, source_weight, widths) + _own_mean(target, target_weight, widths) - 2 * cross
    enough = (source_weight.sum(-1) > 1) & (target_weight.sum(-1) > 1)
    return torch.where(enough, found, torch.zeros_like(found))


def focal_loss(
    logits: Tensor, label: Tensor, weight: Tensor, gamma: float, alpha: Tensor, printed: bool = False
) -> Tensor:
    """Focal loss (MERSiamC3D, Eq. 11): mean of ``-alpha_y (1 - p_y)^gamma log p_y``; alpha (..., K).

    `printed`: as Eq. 11 stands, without the factor y_i, so that each wrong class i adds ``-alpha_i log p_i``.
    """
    logs = logits.log_softmax(-1)
    weighed = alpha[..., None, :] * logs
    chosen = weighed.gather(-1, label[..., None])[..., 0]
    focus = (1 - logs.gather(-1, label[..., None])[..., 0].exp()) ** gamma
    loss = -focus * chosen
    if printed:
        loss = loss - (weighed.sum(-1) - chosen)
    return weighted_mean(loss, weight)


def _in_full(features: Tensor) -> Tensor:
    """At least float32, where a layer under autocast gave fewer bits."""
    return features.float() if features.dtype in (torch.bfloat16, torch.float16) else features


def _mean(features: Tensor, weight: Tensor) -> Tensor:
    return (features * weight[..., None]).sum(-2) / weight.sum(-1, keepdim=True).clamp_min(1e-12)


def _kernel(first: Tensor, second: Tensor, widths: tuple[float, ...]) -> Tensor:
    squared = first.square().sum(-1)[..., :, None] + second.square().sum(-1)[..., None, :]
    distance = (squared - 2 * first @ second.transpose(-1, -2)).clamp_min(0)
    return torch.stack([(-distance / (2 * width**2)).exp() for width in widths]).mean(0)


def _pair_mean(kernel: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    pairs = rows[..., :, None] * columns[..., None, :]
    return (kernel * pairs).sum((-1, -2)) / pairs.sum((-1, -2)).clamp_min(1e-12)


def _own_mean(features: Tensor, weight: Tensor, widths: tuple[float, ...]) -> Tensor:
    pairs = weight[..., :, None] * weight[..., None, :]
    pairs = pairs * (1 - torch.eye(weight.shape[-1], device=weight.device, dtype=weight.dtype))
    return (_kernel(features, features, widths) * pairs).sum((-1, -2)) / pairs.sum((-1, -2)).clamp_min(1e-12)
