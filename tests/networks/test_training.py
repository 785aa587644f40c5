"""The training loop: alone or together, interrupted or not, and what it refuses."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from cdmer.errors import CdmerError
from cdmer.networks import training
from cdmer.networks.dscnn import DSCNN, OSCNN_I, OSCNN_II
from cdmer.networks.fr import FR, BasicInception, DualInception, FR_concatenated, FR_fc
from cdmer.networks.losses import cross_entropy, linear_mmd
from cdmer.networks.madtn import MADTN
from cdmer.networks.mersiamc3d import MERSiamC3D
from cdmer.networks.network import Batch, ClassFactors, Dropout, Network, Recipe
from cdmer.networks.off_apexnet import OFFApexNet
from cdmer.networks.scaling import Scaling
from cdmer.networks.stacked import stack, unstack
from cdmer.networks.ststnet import STSTNet
from cdmer.networks.training import Machinery, Trial, train


class Small(Network):
    """Everything that the loop must handle, in little: scaling, dropout, normalisation, a target, augmentation."""

    title = "Small"
    recipe = Recipe("sgd", 0.05, epochs=6, quick_epochs=3, batch=8, momentum=0.9, nesterov=True, weight_decay=1e-4)
    adapts = True
    draws = 1

    def __init__(self, n_classes=3):
        super().__init__()
        self.shape = (1, 6, 6)
        self.scaling = Scaling(1, "standard")
        self.conv, self.norm, self.prelu = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.PReLU(4)
        self.dropout = Dropout(0.5)
        self.output = nn.Linear(64, n_classes)

    def prepare(self, X):
        self.scaling.prepare(X)

    def features(self, x):
        return self.dropout(self.prelu(self.norm(self.conv(self.scaling(x)))).flatten(-3))

    def forward(self, x):
        return self.output(self.features(x))

    def losses(self, batch):
        xs, xt, ws, wt = batch.domains()
        source, target = self.features(xs), self.features(xt)
        return {
            "classification": cross_entropy(self.output(source), batch.label, ws),
            "discrepancy": 0.1 * linear_mmd(source, target, ws, wt),
        }

    def augment(self, x, draws):
        return x * (1 + 0.1 * draws[..., None, None])


def data(n=23, shape=(1, 6, 6), seed=0):
    """Samples of three classes that a network can tell apart, and their classes."""
    rng = np.random.default_rng(seed)
    label = rng.permutation(np.arange(n) % 3)
    X = rng.normal(size=(n, *shape)).astype(np.float32)
    X += (
        (label[:, None] == np.arange(3))
        .astype(np.float32)
        .repeat(shape[-1] // 3 + 1, 1)[:, : shape[-1]]
        .reshape(n, *(1,) * (len(shape) - 1), shape[-1])
    )
    return torch.from_numpy(X), label


def folds(label, count=3, target=False):
    """Trials that differ in everything: training, test and target clips."""
    rows = np.arange(len(label))
    trials = []
    for fold in range(count):
        test = rows[: fold + 2]
        rest = rows[fold + 2 :]
        trials.append(Trial(f"fold {fold}", (5, fold), rest, label[rest], test, rows[: 4 + fold] if target else None))
    return trials


def run(kind, X, trials, epochs=2, recipe=None, **options):
    return train(lambda _: kind(), X, trials, recipe=recipe or kind.recipe, epochs=epochs, what=kind.title, **options)


ALL = [Small, STSTNet, OFFApexNet, DualInception, BasicInception, FR, FR_fc, FR_concatenated, DSCNN, OSCNN_I, OSCNN_II]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.title)
def test_trainings_together_end_as_each_ends_alone(kind, monkeypatch):
    # a layer of 1024 units is stacked as one of 32, and takes seconds
    if hasattr(kind, "width"):
        monkeypatch.setattr(kind, "width", 32)
    # in double precision: a ReLU or a maximum at a tie makes a whole step of the last bit
    X, label = data(10, kind().shape)
    X = X.double()
    trials = folds(label, 2, target=True)  # 8 and 7 samples: two steps of 5 and 3, 5 and 2
    options = {"recipe": kind.recipe.changed(batch=5, variants=1), "epochs": 2 if kind in (Small, STSTNet) else 1}

    def made():
        return kind().double()

    made.title, made.recipe = kind.title, kind.recipe
    alone = [run(made, X, [trial], **options)[0] for trial in trials]
    for engine in ("looped", "stacked"):
        together = run(made, X, trials, machinery=Machinery(engine=engine, group=2), keep_weights=True, **options)
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_allclose(other.logits, one.logits, atol=1e-6)
            assert other.losses.keys() == one.losses.keys()
            for name, values in one.losses.items():
                assert other.losses[name] == pytest.approx(values, rel=1e-6)
        # and the weights that were kept are those of the network that answered
        network = made()
        network.load_state_dict(together[1].weights)
        with torch.no_grad():
            logits = network.eval()(X[torch.from_numpy(trials[1].test)]).numpy()
        np.testing.assert_allclose(logits, together[1].logits[-1], atol=1e-6)


def test_madtn_together_ends_as_alone():
    """On a smaller image would be another network: its own layers, on the pooled mean, narrow."""

    class Narrow(MADTN):
        def __init__(self):
            super().__init__(channels=(4, 4, 4), fc4_input="gap")

    X, label = data(9, (3, 112, 112))
    trials = folds(label, 2, target=True)
    alone = [run(Narrow, X, [trial], epochs=1)[0] for trial in trials]
    together = run(Narrow, X, trials, epochs=1, machinery=Machinery(engine="stacked"))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other.logits, one.logits, atol=1e-5)


@pytest.mark.parametrize("engine", ["looped", "stacked"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_run_that_was_killed_goes_on_to_identical_predictions(engine, optimizer, tmp_path, monkeypatch):
    X, label = data()
    trials = folds(label, 3, target=True)
    recipe = Small.recipe.changed(optimizer=optimizer, rate=0.01)
    options = {"recipe": recipe, "epochs": 6, "machinery": Machinery(engine=engine, group=2)}
    whole = run(Small, X, trials, **options)
    monkeypatch.setattr(training, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(training, "SAVING_SHARE", np.inf)
    answer = training._Group._answer
    calls = []

    def killed(self, ensemble, epoch):
        calls.append(None)
        if len(calls) == 4:
            raise KeyboardInterrupt
        answer(self, ensemble, epoch)

    for _ in range(3):  # killed in the first group, then in the second
        calls.clear()
        monkeypatch.setattr(training._Group, "_answer", killed)
        with pytest.raises(KeyboardInterrupt):
            run(Small, X, trials, checkpoints=tmp_path, **options)
        monkeypatch.setattr(training._Group, "_answer", answer)
    assert list(tmp_path.rglob("trial-0.pt"))
    again = run(Small, X, trials, checkpoints=tmp_path, **options)
    for one, other in zip(whole, again, strict=True):
        np.testing.assert_array_equal(one.logits, other.logits)
        assert one.losses == other.losses
    training.clear_checkpoints(tmp_path)
    assert not tmp_path.exists()


def test_a_checkpoint_of_other_samples_or_settings_is_not_used(tmp_path):
    X, label = data()
    trials = folds(label, 1, target=True)
    first = run(Small, X, trials, checkpoints=tmp_path)
    for changed in (
        run(Small, X * 3 + 1, trials, checkpoints=tmp_path),
        run(Small, X, trials, checkpoints=tmp_path, recipe=Small.recipe.changed(rate=0.001)),
    ):
        assert np.abs(changed[0].logits - first[0].logits).max() > 1e-4


def test_the_same_seed_is_the_same_training_and_another_is_not():
    X, label = data()
    (trial,) = folds(label, 1, target=True)
    first, second = run(Small, X, [trial]), run(Small, X, [trial])
    np.testing.assert_array_equal(first[0].logits, second[0].logits)
    other = run(Small, X, [Trial(trial.name, (6, 0), trial.train, trial.label, trial.test, trial.target)])
    assert np.abs(first[0].logits - other[0].logits).max() > 1e-3


def test_threads_change_nothing():
    X, label = data()
    trials = folds(label, 3, target=True)
    one = run(Small, X, trials, machinery=Machinery(threads=1))
    two = run(Small, X, trials, machinery=Machinery(threads=2))
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first.logits, second.logits)


def test_a_training_learns_what_can_be_learnt_and_nothing_from_permuted_labels():
    X, label = data(90)
    rows = np.arange(90)
    trial = Trial("t", (0,), rows[30:], label[30:], rows[:30], rows[:30])
    (right,) = run(Small, X, [trial], epochs=25)
    shuffled = np.random.default_rng(1).permutation(label[30:])
    (wrong,) = run(Small, X, [Trial("t", (0,), rows[30:], shuffled, rows[:30], rows[:30])], epochs=25)
    assert (right.logits[-1].argmax(1) == label[:30]).mean() > 0.6
    assert (wrong.logits[-1].argmax(1) == label[:30]).mean() < 0.6
    assert right.losses["classification"][-1] < right.losses["classification"][0]


def test_an_epoch_has_each_variant_of_each_sample(monkeypatch):
    """Twice as many steps, and every sample met twice in them, with other random numbers."""
    X, label = data(12)
    trial = Trial("one", (1,), np.arange(12), label, np.arange(2), np.arange(4))
    met, drawn = [], []

    class Watched(Small):
        title = "Watched"

        def augment(self, x, draws):
            met.append(x.clone())
            drawn.append(draws.clone())
            return x

    run(Watched, X, [trial], epochs=1, recipe=Small.recipe.changed(batch=6, variants=2))
    sources = torch.cat(met[::2])  # the target's samples come after each of the source's
    assert len(sources) == 24
    for sample in X:
        same = [place for place in range(24) if torch.equal(sources[place], sample)]
        assert len(same) == 2
    assert len(torch.cat(drawn[::2]).unique()) == 24


def test_a_budget_says_how_large_steps_are_and_how_often_a_sample_comes():
    recipe = Recipe("sgd", 0.1, epochs=9, quick_epochs=2, batch=32, quick_batch=4, variants=36)
    assert recipe.of_budget("paper") == recipe
    assert (recipe.of_budget("quick").batch, recipe.of_budget("quick").variants) == (4, 1)
    assert Recipe("sgd", 0.1, epochs=9, quick_epochs=2, batch=16).of_budget("quick").batch == 16
    later = Recipe("sgd", 1.0, epochs=9, quick_epochs=2, decay_every=2, quick_decay_every=5)
    for budget, epoch in (("paper", 2), ("quick", 5)):
        assert later.of_budget(budget).rate_at(epoch - 1, 0) == 1.0
        assert later.of_budget(budget).rate_at(epoch, 0) == pytest.approx(0.1)


def test_alpha_is_the_ratio_of_the_classes_that_a_training_has():
    """MERSiamC3D's factor of its loss: 6 of the first class, 2 of the second, 3 of the third make 3; 7 stays 7."""
    label = torch.tensor([0] * 6 + [1] * 2 + [2] * 3)
    x = torch.zeros(11, 2, 10, 112, 112)
    losses = []
    for alpha in (None, 7.0):
        torch.manual_seed(0)
        network = MERSiamC3D(alpha=alpha, dropout=0.0, prior=False)
        network.see_classes(torch.bincount(label))
        with torch.no_grad():
            losses.append(float(network.losses(Batch(x, label, torch.ones(11)))["classification"]))
    # all logits are 0, so that each class has a third
    assert losses == pytest.approx([factor * (2 / 3) ** 2 * np.log(3) for factor in (3, 7)], rel=1e-5)


def test_stacked_factors_are_each_trainings_own():
    layers = nn.ModuleList([ClassFactors([2.0, 3.0])]), nn.ModuleList([ClassFactors([5.0, 7.0])])
    both = stack(layers)
    assert both[0]().tolist() == [[2.0, 3.0], [5.0, 7.0]]
    assert unstack(both, 1)["0.value"].tolist() == [5.0, 7.0]


def test_alphas_of_the_classes_weigh_their_clips():
    """All logits are 0: -alpha_y (2/3)^2 log(1/3), of labels 0, 0, 2."""
    x, label = torch.zeros(3, 2, 10, 112, 112), torch.tensor([0, 0, 2])
    torch.manual_seed(0)
    network = MERSiamC3D(alpha=[1.0, 9.0, 4.0], dropout=0.0, prior=False)
    network.see_classes(torch.bincount(label))
    with torch.no_grad():
        loss = float(network.losses(Batch(x, label, torch.ones(3)))["classification"])
    assert loss == pytest.approx((1 + 1 + 4) / 3 * (2 / 3) ** 2 * np.log(3), rel=1e-5)
    with pytest.raises(CdmerError, match="alpha has 2 numbers, there are 3 classes"):
        MERSiamC3D(alpha=[1.0, 2.0])


class Spoilt(Small):
    """Its loss is always finite, its answers are not."""

    def forward(self, x):
        return super().forward(x) / 0.0

    def losses(self, batch):
        return {"c": super().forward(batch.source).square().mean() + 0 * self.output.weight.sum()}


def test_answers_that_are_no_numbers_are_no_answers(tmp_path):
    """The weights that a last step spoils, or features that are not numbers, are seen by no loss."""
    X, label = data()
    with pytest.raises(CdmerError, match=r"Small, .*: an answer is not finite in epoch 1") as caught:
        run(Spoilt, X, folds(label, 2, target=True), checkpoints=tmp_path)
    assert "no numbers" in caught.value.remedy
    assert not list(tmp_path.rglob("*.pt"))
    trial = folds(label, 2, target=True)[0]
    X[trial.test[0]] = np.nan
    seen = replace(trial, target=trial.train)  # no loss sees the test clips
    with pytest.raises(CdmerError, match="an answer is not finite"):
        run(Small, X, [seen])


def test_weights_that_are_no_numbers_are_not_handed_on():
    class Steep(Small):
        """Its loss is 0, the slope of its loss infinite."""

        def losses(self, batch):
            weight = self.output.weight
            return {"c": super().losses(batch)["classification"] + (weight - weight.detach()).abs().sqrt().sum()}

    X, label = data()
    recipe = Small.recipe.changed(batch=64)
    with pytest.raises(CdmerError, match="a weight is not finite in epoch 1"):
        run(Steep, X, folds(label, 2, target=True), epochs=1, recipe=recipe, answers=False)


def test_only_the_weights_that_are_asked_for_are_kept():
    X, label = data()
    done = run(Small, X, folds(label, 3, target=True), epochs=1, keep_weights=range(1), kept_part="output.")
    assert [sorted(one.weights) for one in done] == [["output.bias", "output.weight"], [], []]


def test_a_network_that_cannot_be_stacked_says_so():
    X, label = data()

    class Single(Small):
        stackable = False

    with pytest.raises(CdmerError, match="layers that cannot be stacked"):
        run(Single, X, folds(label, 2, target=True), machinery=Machinery(engine="stacked"))


def test_a_group_that_is_asked_for_limits_the_one_that_an_interrupted_run_had(tmp_path):
    X, label = data()
    trials = folds(label, 3, target=True)
    sizes = []

    class Counting(Small):
        pass

    original = training._Group.__init__

    def spy(self, make, X, trials, *rest):
        sizes.append(len(trials))
        original(self, make, X, trials, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training._Group, "__init__", spy)
        whole = run(Counting, X, trials, checkpoints=tmp_path, machinery=Machinery(group=3))
        for file in tmp_path.rglob("trial-*.pt"):
            file.unlink()
        again = run(Counting, X, trials, checkpoints=tmp_path, machinery=Machinery(group=1))
    assert sizes == [3, 1, 1, 1]
    for one, other in zip(whole, again, strict=True):
        np.testing.assert_array_equal(one.logits, other.logits)


@pytest.mark.parametrize(
    "words",
    [
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 400 bytes",
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    ],
)
def test_want_of_memory_is_known_in_every_librarys_words(words):
    assert training._is_out_of_memory(RuntimeError(words))
    assert not training._is_out_of_memory(RuntimeError("shapes cannot be multiplied"))


def test_siblings_stand_in_for_a_row_in_training_alone():
    """Rows 12 and 13 are siblings of each row and hold the only samples that are not zero."""
    X = torch.zeros(14, 1, 6, 6)
    X[12:] = torch.rand(2, 1, 6, 6)
    seen = []

    class Watching(Small):
        def losses(self, batch):
            seen.append(batch.source.detach().clone())
            return super().losses(batch)

    label = np.arange(12) % 3
    trial = Trial("t", (0,), np.arange(12), label, np.arange(3), np.arange(3))
    siblings = np.full((14, 3), -1)
    siblings[:, :2] = (12, 13)
    run(Watching, X, [trial], siblings=siblings)
    assert all(bool((sample != 0).any()) for batch in seen for sample in batch)
    ratios = {round(float((sample / X[12]).mean()), 1) for batch in seen for sample in batch}
    assert len(ratios) > 1  # both siblings were drawn


def test_a_class_that_is_missing_from_a_fold_is_named():
    X, label = data()
    trials = folds(label, 2, target=True)
    rest = trials[1].train[trials[1].label != 2]
    lacking = Trial("s07", (0,), rest, label[rest], trials[1].test, trials[1].target)
    with pytest.raises(CdmerError, match=r"Small, s07: no clip of class 2") as caught:
        run(Small, X, [trials[0], lacking])
    assert caught.value.remedy


@pytest.mark.parametrize("target", [None, np.array([], np.int64)])
def test_a_network_that_adapts_needs_a_target(target):
    X, label = data()
    rows = np.arange(20)
    with pytest.raises(CdmerError, match="adapts to a target"):
        run(Small, X, [Trial("t", (0,), rows, label[:20], rows[:2], target)])


def test_a_diverging_loss_stops_with_its_epoch_and_the_last_good_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(training, "SAVING_SHARE", np.inf)
    X, label = data()

    class Diverging(Small):
        steps = 0

        def losses(self, batch):
            terms = super().losses(batch)
            Diverging.steps += 1
            return {name: term * float("nan") if Diverging.steps > 9 else term for name, term in terms.items()}

    with pytest.raises(CdmerError, match=r"fold 0: the loss is not finite in epoch 4 \(the last good .*, epoch 3\)"):
        run(Diverging, X, folds(label, 1, target=True), epochs=6, checkpoints=tmp_path)
    assert list(tmp_path.rglob("group-*.pt"))


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_out_of_memory_halves_the_group_and_says_so(error, caplog, monkeypatch, tmp_path):
    X, label = data()
    trials = folds(label, 4, target=True)
    whole = run(Small, X, trials, machinery=Machinery(group=1))
    run_group = training._Group.run

    def short_of_memory(self):
        if len(self.trials) > 1:
            raise error
        return run_group(self)

    monkeypatch.setattr(training._Group, "run", short_of_memory)
    with caplog.at_level(logging.WARNING):
        found = run(Small, X, trials, machinery=Machinery(group=4), checkpoints=tmp_path)
    assert [record.message for record in caplog.records] == [
        f"Small: out of memory; {count} trainings at a time from here" for count in (2, 1)
    ]
    for one, other in zip(whole, found, strict=True):
        np.testing.assert_array_equal(one.logits, other.logits)


def test_too_little_memory_for_a_single_training_is_an_error(monkeypatch):
    X, label = data()

    def none_left(self):
        raise MemoryError

    monkeypatch.setattr(training._Group, "run", none_left)
    with pytest.raises(CdmerError, match="does not suffice for one training"):
        run(Small, X, folds(label, 2, target=True))


def test_another_runtime_error_is_not_taken_for_memory():
    X, label = data()
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        run(Small, X[..., :5], folds(label, 2, target=True))


def test_a_gpu_that_is_not_there_is_said_to_be_missing(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    X, label = data()
    with pytest.raises(CdmerError, match="torch finds no GPU"):
        run(Small, X, folds(label, 1, target=True), machinery=Machinery(device="cuda"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_gpu_ends_near_where_a_cpu_ends():
    X, label = data()
    trials = folds(label, 3, target=True)
    cpu, gpu = (run(Small, X, trials, machinery=Machinery(device=device)) for device in ("cpu", "cuda"))
    for one, other in zip(cpu, gpu, strict=True):
        np.testing.assert_allclose(other.logits, one.logits, atol=1e-3)


def test_rates_fall_as_the_recipe_says():
    recipe = Recipe("sgd", 0.004, 100, 8, decay_every=10, decay_by=0.1, least_rate=1e-5)
    assert [recipe.rate_at(epoch, 0) for epoch in (0, 9, 10, 25, 60)] == pytest.approx([4e-3, 4e-3, 4e-4, 4e-5, 1e-5])
    keras = Recipe("sgd", 0.01, 100, 8, step_decay=1e-5)
    assert keras.rate_at(3, 1000) == pytest.approx(0.01 / 1.01)
