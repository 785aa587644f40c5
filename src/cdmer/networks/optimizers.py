"""SGD and Adam on stacked parameters, where not every training takes part in every step."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cdmer.networks.network import Recipe


def optimizer_of(recipe: Recipe, groups: Sequence[tuple[nn.Parameter, float]]) -> torch.optim.Optimizer:
    """Torch's optimiser of one network's parameters, each with the factor of its learning rate."""
    by_factor: dict[float, list[nn.Parameter]] = {}
    for parameter, factor in groups:
        by_factor.setdefault(factor, []).append(parameter)
    options = [{"params": parameters, "factor": factor} for factor, parameters in by_factor.items()]
    if recipe.optimizer == "adam":
        return torch.optim.Adam(
            options,
            lr=recipe.rate,
            betas=recipe.betas,
            eps=recipe.epsilon,
            weight_decay=recipe.weight_decay,
            fused=True,
        )
    return torch.optim.SGD(
        options, lr=recipe.rate, momentum=recipe.momentum, nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay, fused=True,
    )  # fmt: skip


class StackedOptimizer:
    """SGD (Nesterov) or Adam as torch has them, each training with its own count of steps.

    Parameters
    ----------
    recipe
        Which one, with which constants.
    groups
        Stacked parameters (trainings, ...) and the factors of their learning rates.
    """

    def __init__(self, recipe: Recipe, groups: Sequence[tuple[nn.Parameter, float]]) -> None:
        self.recipe = recipe
        self.groups = list(groups)
        trainings = len(self.groups[0][0])
        self.counts = torch.zeros(trainings, dtype=torch.float64, device=self.groups[0][0].device)
        names = ("first", "second") if recipe.optimizer == "adam" else ("velocity",) if recipe.momentum else ()
        self.state = {name: [torch.zeros_like(parameter) for parameter, _ in self.groups] for name in names}

    @torch.no_grad()
    def step(self, rates: Tensor, active: Tensor) -> None:
        """Take a step with rates (trainings,), in the trainings where `active` (trainings,) is true."""
        self.counts += active
        everyone = bool(active.all())
        for place, (parameter, factor) in enumerate(self.groups):
            if parameter.grad is None:
                continue
            state = {name: tensors[place] for name, tensors in self.state.items()}
            if everyone:
                self._update(parameter, parameter.grad, state, rates * factor, self.counts)
                continue
            part = {name: tensor[active] for name, tensor in state.items()}
            values = parameter[active]
            self._update(values, parameter.grad[active], part, (rates * factor)[active], self.counts[active])
            parameter[active] = values
            for name, tensor in part.items():
                state[name][active] = tensor

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter, _ in self.groups:
            parameter.grad = None

    def state_dict(self) -> dict[str, object]:
        """What a checkpoint needs."""
        return {"counts": self.counts, **self.state}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from `state_dict`."""
        self.counts.copy_(state["counts"])  # type: ignore[arg-type]
        for name, tensors in self.state.items():
            for tensor, kept in zip(tensors, state[name], strict=True):  # type: ignore[call-overload]
                tensor.copy_(kept)

    def _update(self, value: Tensor, gradient: Tensor, state: dict[str, Tensor], rates: Tensor, counts: Tensor) -> None:
        recipe = self.recipe
        each = (len(value), *(1,) * (value.dim() - 1))
        if recipe.weight_decay:
            gradient = gradient + recipe.weight_decay * value
        if recipe.optimizer == "adam":
            one, two = recipe.betas
            state["first"].lerp_(gradient, 1 - one)
            state["second"].mul_(two).addcmul_(gradient, gradient, value=1 - two)
            size = (rates.double() / (1 - one**counts)).to(value.dtype).view(each)
            root = (1 - two**counts).sqrt().to(value.dtype).view(each)
            value.sub_(size * state["first"] / (state["second"].sqrt() / root + recipe.epsilon))
            return
        if recipe.momentum:
            state["velocity"].mul_(recipe.momentum).add_(gradient)
            moved = state["velocity"]
            gradient = gradient + recipe.momentum * moved if recipe.nesterov else moved
        value.sub_(rates.to(value.dtype).view(each) * gradient)
