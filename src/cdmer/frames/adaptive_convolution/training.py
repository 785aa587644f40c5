"""Training of the interpolation network: a job that is the same, bit for bit, however often it is interrupted."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from cdmer import __version__
from cdmer.databases.cohort.plan import COHORT_DATABASES
from cdmer.databases.video import count_video, read_video
from cdmer.errors import CdmerError
from cdmer.files import whole_file, write_text
from cdmer.frames.adaptive_convolution.networks import SeparableNetwork, parameters, title
from cdmer.frames.adaptive_convolution.scenes import ScenePool
from cdmer.frames.adaptive_convolution.triplets import (
    PHOTOGRAPHS,
    Footage,
    cohort_footage,
    photographs,
)
from cdmer.frames.adaptive_convolution.weights import save_weights
from cdmer.progress import progress
from cdmer.store.shard import read_shard

log = logging.getLogger(__name__)

_SAVE_EVERY = 100  # steps
_SAY_EVERY = 100
_GRADIENT_WEIGHT = 0.5  # of the differences of neighbouring pixels, in the loss
_WARM_UP = 100  # steps
_DECAY = 0.3  # of the steps, at the end
_LARGEST_NORM = 1.0  # of the gradient
_VIDEO_FRAMES = 300  # of a video, from its start


def train_interpolator(
    shards: Sequence[str | Path],
    output: str | Path,
    *,
    checkpoint: str | Path,
    videos: Sequence[str | Path] = (),
    cohort: str | None = None,
    width: float = 0.25,
    taps: int = 11,
    compensated: bool = True,
    largest_step: int = 4,
    steps: int = 8000,
    batch: int = 8,
    side: int = 64,
    rate: float = 5e-4,
    seed: int = 0,
    threads: int = 1,
) -> None:
    """Train a separable network on triplets of frames; write its weights and, beside them, its log.

    Its kernels are normalised. The loss is the mean absolute error of the middle frame and, weighted by half, of its
    differences between neighbouring pixels; the optimiser is Adam, its rate rising for 100 steps and falling to nothing
    over the last three tenths. Every step draws from a stream of its own, so that a run that goes on from its
    checkpoint ends in the same bits as one that was never interrupted; until the rate falls, it may go on to another
    number of steps. The checkpoint is removed when the job has ended well.

    Parameters
    ----------
    shards
        Shards of the faces stage: clips uint8 (frames, height, width[, 3]) of source databases; may be none.
    output
        The weights to write, in the safetensors format; the log goes beside them with the suffix ``.log``.
    checkpoint
        Where to keep the state between interruptions.
    videos
        Videos whose licence allows it: the first 300 frames of each.
    cohort
        Size of the synthetic cohort (`cdmer.databases.cohort`) to train on too; its seed is `seed`.
    width, taps
        Of `SeparableNetwork`.
    compensated
        Whether the network sees frames that flow has brought half-way (`compensation`), or the frames themselves.
    largest_step
        Frames between the middle frame and its neighbours, at most, in shards and videos. In the cohort, whose frame
        rates are known, it is 75 ms.
    steps, batch, side, rate
        Steps of the optimiser, triplets a step, pixels on a side of a triplet (a multiple of 32), greatest rate.
    seed, threads
        Same seed, same number of threads of one machine: same weights.

    Raises
    ------
    CdmerError
        A source that cannot be read or is smaller than a triplet, or a checkpoint of other settings.
    """
    if side % SeparableNetwork.multiple:
        raise CdmerError(f"triplets of {side} pixels cannot be halved five times", "choose a multiple of 32")
    if not (shards or videos or cohort):
        raise CdmerError("nothing to train the interpolator on", "give shards, videos or the size of a cohort")
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    settings = {
        "shards": [Path(path).name for path in shards], "videos": [Path(path).name for path in videos],
        "cohort": cohort, "photographs": list(PHOTOGRAPHS), "width": width, "taps": taps,
        "compensated": compensated, "largest_step": largest_step, "batch": batch, "side": side, "rate": rate,
        "seed": seed,
    }  # fmt: skip
    footage = _read_footage(shards, videos, cohort, largest_step, side, seed)
    pool = ScenePool(
        footage, [photographs(), [clip.frames[0] for clip in footage]], side, compensated=compensated, seed=seed
    )

    torch.manual_seed(seed)
    network = SeparableNetwork(width, taps, normalized=True).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), lr=rate, fused=True)
    digest = hashlib.sha256(json.dumps(_about(network, settings, footage), sort_keys=True).encode()).hexdigest()
    run = _Run(network, optimizer, Path(checkpoint), digest, steps)
    run.resume()
    run.train(pool, batch, rate, "half-way warping" if compensated else "frame averaging")

    about = _about(network, {**settings, "steps": steps}, footage)
    tensors = {name: tensor.detach().contiguous().numpy() for name, tensor in network.state_dict().items()}
    head = f"{parameters(network)} parameters; {json.dumps(about, sort_keys=True)}"
    write_text(Path(output).with_suffix(".log"), "\n".join([head, *run.lines]) + "\n")
    save_weights(output, tensors, about)
    run.checkpoint.unlink(missing_ok=True)


@dataclass
class _Run:
    """A training that may be interrupted, as its checkpoint keeps it."""

    network: SeparableNetwork
    optimizer: torch.optim.Optimizer
    checkpoint: Path
    digest: str  # of settings and footage
    steps: int
    done: int = 0  # steps
    lines: list[str] = field(default_factory=list)  # of the log

    def train(self, pool: ScenePool, batch: int, rate: float, peer: str) -> None:
        """Take the steps that are left; `peer` is what the log calls the mean of the network's frames."""
        losses: list[tuple[float, float]] = []
        left = self.steps - self.done
        for step in progress(range(self.done, self.steps), "train interpolator", total=left, unit="step"):
            for group in self.optimizer.param_groups:
                group["lr"] = rate * _schedule(step, self.steps)
            losses.append(_train_step(self.network, self.optimizer, pool.batch(step, batch)))
            self.done = step + 1
            if self.done % _SAY_EVERY == 0 or self.done == self.steps:
                ours, average = np.mean(losses, 0)
                self.lines.append(f"step {self.done}: mean absolute error {ours:.4f}, of {peer} {average:.4f}")
                log.info("%s", self.lines[-1])
                losses.clear()
            if self.done % _SAVE_EVERY == 0 and self.done < self.steps:
                self.save()

    def resume(self) -> None:
        """Go on from the checkpoint, where there is one.

        Raises
        ------
        CdmerError
            It is of other settings, or of so late a step of another number of steps that the rates have parted.
        """
        if not self.checkpoint.is_file():
            return
        state = torch.load(self.checkpoint, weights_only=True)
        if state["digest"] != self.digest:
            raise CdmerError(
                f"{self.checkpoint} is the checkpoint of other settings", "remove it, or name another checkpoint"
            )
        if self.steps != state["steps"] and state["step"] > (1 - _DECAY) * min(self.steps, state["steps"]):
            raise CdmerError(
                f"{self.checkpoint} is of step {state['step']}, where {state['steps']} and {self.steps} steps have "
                "parted",
                f"ask for {state['steps']} steps, or remove it",
            )
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done, self.lines = int(state["step"]), list(state["lines"])
        log.info("going on from step %d of %s", self.done, self.checkpoint)

    def save(self) -> None:
        """Write the checkpoint."""
        state = {
            "digest": self.digest, "step": self.done, "steps": self.steps, "lines": self.lines,
            "network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip
        with whole_file(self.checkpoint) as partial:
            torch.save(state, partial)


def interpolation_loss(estimate: Tensor, truth: Tensor) -> Tensor:
    """L1 of the pixels and, weighted by half, of the differences to the neighbours on the right and below."""
    error = estimate - truth
    across, down = error[..., 1:] - error[..., :-1], error[..., 1:, :] - error[..., :-1, :]
    return error.abs().mean() + _GRADIENT_WEIGHT * (across.abs().mean() + down.abs().mean())


def _train_step(network: SeparableNetwork, optimizer: torch.optim.Optimizer, triplets: Tensor) -> tuple[float, float]:
    """Take one step; the mean absolute errors of the network and of the mean of its frames, in grey levels."""
    first, middle, second = triplets.unbind(1)
    optimizer.zero_grad()
    estimate = network(first, second)
    loss = interpolation_loss(estimate, middle)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_NORM)
    optimizer.step()
    ours = (estimate.detach() - middle).abs().mean()
    average = ((first + second) / 2 - middle).abs().mean()
    return 255 * float(ours), 255 * float(average)


def _schedule(step: int, steps: int) -> float:
    """Share of the rate: it rises at the start, and falls to nothing as a straight line at the end."""
    return min(1.0, (step + 1) / _WARM_UP, (steps - step) / (_DECAY * steps))


def _read_footage(
    shards: Sequence[str | Path],
    videos: Sequence[str | Path],
    cohort: str | None,
    largest_step: int,
    side: int,
    seed: int,
) -> list[Footage]:
    footage = []
    for path in shards:
        footage += [Footage(clip.frames, largest_step) for clip in read_shard(path) if len(clip.frames) >= 3]
    for path in videos:
        count, _ = count_video(path)
        footage.append(Footage(read_video(path, 1, min(count, _VIDEO_FRAMES)), largest_step))
    if cohort:
        for database in COHORT_DATABASES:
            footage += cohort_footage(database, cohort, seed)
    if not footage:
        raise CdmerError("no clip of the shards has three frames", "give shards with longer clips, or a cohort")
    smallest = min(min(clip.frames.shape[1:3]) for clip in footage)
    if smallest < side:
        raise CdmerError(f"a clip's frames are {smallest} pixels on a side", f"choose a side of at most {smallest}")
    return footage


def _about(network: SeparableNetwork, settings: dict[str, Any], footage: Sequence[Footage]) -> dict[str, str]:
    """What the weights say of themselves."""
    return {
        "network": title(network, settings["compensated"]),
        "origin": "trained by cdmer train-interpolator; not the weights of the networks' authors",
        "settings": json.dumps(settings, sort_keys=True),
        "clips": str(len(footage)),
        "frames": str(sum(len(clip.frames) for clip in footage)),
        "cdmer": __version__,
        "torch": str(torch.__version__),
    }
