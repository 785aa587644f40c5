"""Coarse-to-fine flow."""

import cv2
import numpy as np
from numpy.typing import NDArray
from cdmer.motion.variational import differentiate, empty_quarters, linearise, relax

Floats = NDArray[np.float32]
_KERNEL = np.array([[1, -8, 0, 8, -1]], np.float32) / 12

def coarse_to_fine(first, second, *, alpha=0.05, ratio=0.75, min_width=20, warps=7, inner=1, sweeps=30, omega=1.8, guard=1e-3, share=0.4):
    pyramids = [pyramid(i.astype(np.float32) / np.float32(255), ratio, min_width) for i in (first, second)]
    flow = np.zeros((2, *pyramids[0][-1].shape), np.float32)
    for a, b in zip(*map(reversed, pyramids)):
        if flow.shape[1:] != a.shape:
            flow = enlarge(flow, a.shape)
        one = np.stack(channels(a))
        two = cv2.merge([*channels(b), b])
        quarters = empty_quarters(*a.shape)
        inside = np.empty(a.shape, np.float32)
        der = np.empty((3, 3, *a.shape), np.float32)
        for _ in range(warps):
            differentiate(one, two, flow, share, inside, der)
            by = flow.copy()
            for _ in range(inner):
                linearise(der, inside, by, flow, alpha, guard, omega, quarters)
                relax(quarters, sweeps, omega, flow)
    return flow.transpose(1, 2, 0)

def channels(img):
    dx = cv2.filter2D(img, -1, _KERNEL, borderType=cv2.BORDER_REPLICATE)
    dy = cv2.filter2D(img, -1, _KERNEL.T, borderType=cv2.BORDER_REPLICATE)
    return img, dx, dy

def enlarge(flow, shape):
    sx, sy = shape[1] / flow.shape[2], shape[0] / flow.shape[1]
    return np.stack([cv2.resize(f, shape[::-1], interpolation=cv2.INTER_CUBIC) * np.float32(s) for f, s in zip(flow, (sx, sy))])

def pyramid(img, ratio, width):
    out = [img]
    h, w = img.shape
    s = 1.0
    while min(out[-1].shape) * ratio >= width:
        s *= ratio
        prev = out[-1]
        hh, ww = max(1, round(h * s)), max(1, round(w * s))
        blur = cv2.GaussianBlur(prev, (0, 0), 1 / ratio - 1, borderType=cv2.BORDER_REPLICATE)
        out.append(cv2.resize(blur, (ww, hh), interpolation=cv2.INTER_CUBIC))
    return out
flow = coarse_to_fine
