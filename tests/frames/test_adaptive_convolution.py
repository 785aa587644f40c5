"""Local convolution against a direct loop, the networks against the papers' figures and the patch-wise computation."""

import json
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch

from cdmer.databases.cohort.atlas import paint_atlas
from cdmer.databases.cohort.cameras import camera_of
from cdmer.databases.cohort.identities import draw_identity
from cdmer.databases.cohort.plan import plan_database
from cdmer.databases.cohort.render import Scene
from cdmer.errors import CdmerError
from cdmer.frames import AdaptiveConvolution
from cdmer.frames.adaptive_convolution.compensation import half_way
from cdmer.frames.adaptive_convolution.interpolator import SHIPPED, SHIPPED_TAPS, SHIPPED_WIDTH
from cdmer.frames.adaptive_convolution.local_convolution import full_convolution, separable_convolution
from cdmer.frames.adaptive_convolution.networks import FullNetwork, SeparableNetwork
from cdmer.frames.adaptive_convolution.triplets import face_box
from cdmer.frames.adaptive_convolution.weights import from_published, load_weights, save_weights

PRECISIONS = [("numba", torch.float32, 1e-4), ("torch", torch.float32, 1e-4), ("torch", torch.float64, 1e-12)]
devices = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU"))]


def rng():
    return np.random.default_rng(5)


def tensors(*shapes, dtype=torch.float64, **options):
    generator = rng()
    return [torch.tensor(generator.standard_normal(shape), dtype=dtype, **options) for shape in shapes]


def by_loops(frame, kernel_of):
    """The definition, one pixel at a time: `kernel_of(n, y, x)` is (taps, taps)."""
    taps, height, width = kernel_of.taps, kernel_of.height, kernel_of.width
    out = np.zeros((*frame.shape[:2], height, width))
    for n, c, y, x in np.ndindex(out.shape):
        out[n, c, y, x] = (kernel_of(n, y, x) * frame[n, c, y : y + taps, x : x + taps]).sum()
    return out


class SeparableKernels:
    def __init__(self, vertical, horizontal):
        self.vertical, self.horizontal = vertical, horizontal
        self.taps, self.height, self.width = vertical.shape[1:]

    def __call__(self, n, y, x):
        return np.outer(self.vertical[n, :, y, x], self.horizontal[n, :, y, x])


class FullKernels:
    def __init__(self, kernels, taps):
        self.kernels, self.taps = kernels, taps
        self.height, self.width = kernels.shape[2:]

    def __call__(self, n, y, x):
        return self.kernels[n, :, y, x].reshape(self.taps, self.taps)


# -- local convolution ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "dtype", "close"), PRECISIONS)
@pytest.mark.parametrize("taps", [1, 2, 5])
def test_separable_convolution_is_its_definition(path, dtype, close, taps):
    shapes = (2, 3, 4 + taps - 1, 7 + taps - 1), (2, taps, 4, 7), (2, taps, 4, 7)
    frame, vertical, horizontal = tensors(*shapes, dtype=dtype)
    expected = by_loops(frame.numpy(), SeparableKernels(vertical.numpy(), horizontal.numpy()))
    np.testing.assert_allclose(separable_convolution(frame, vertical, horizontal, path), expected, atol=close)


@pytest.mark.parametrize(("path", "dtype", "close"), PRECISIONS)
@pytest.mark.parametrize("taps", [1, 2, 5])
def test_full_convolution_is_its_definition(path, dtype, close, taps):
    frame, kernels = tensors((2, 3, 4 + taps - 1, 7 + taps - 1), (2, taps * taps, 4, 7), dtype=dtype)
    expected = by_loops(frame.numpy(), FullKernels(kernels.numpy(), taps))
    np.testing.assert_allclose(full_convolution(frame, kernels, path), expected, atol=close)


def test_gradients_are_those_of_finite_differences():
    """In float64, which the plain path alone takes; the next test holds the fast one against it."""
    arguments = tensors((2, 2, 5, 6), (2, 3, 3, 4), (2, 3, 3, 4), requires_grad=True)
    assert torch.autograd.gradcheck(separable_convolution, arguments)
    arguments = tensors((2, 2, 5, 6), (2, 9, 3, 4), requires_grad=True)
    assert torch.autograd.gradcheck(full_convolution, arguments)


@pytest.mark.parametrize("device", devices)
@pytest.mark.parametrize(
    ("convolution", "shapes"),
    [
        (separable_convolution, [(2, 3, 80, 90), (2, 51, 30, 40), (2, 51, 30, 40)]),
        (full_convolution, [(2, 3, 36, 46), (2, 49, 30, 40)]),
    ],
)
def test_the_fast_path_and_the_plain_one_agree_with_their_gradients(device, convolution, shapes):
    results = []
    for path, place in (("numba", "cpu"), ("torch", device)):
        arguments = [t.to(place).requires_grad_() for t in tensors(*shapes, dtype=torch.float32)]
        out = convolution(*arguments, path)
        out.square().mean().backward()
        results.append([out.detach().cpu(), *(a.grad.cpu() for a in arguments)])
    for fast, plain in zip(*results, strict=True):
        assert float((fast - plain).abs().max()) <= 1e-5 * float(plain.abs().max())


def test_the_fast_path_takes_float32_alone():
    with pytest.raises(ValueError, match="float64"):
        separable_convolution(*tensors((1, 1, 5, 5), (1, 2, 4, 4), (1, 2, 4, 4)), "numba")


def test_a_gradient_of_strides_and_a_frame_that_needs_none_are_served():
    frame, vertical, horizontal = tensors((1, 1, 5, 5), (1, 2, 4, 4), (1, 2, 4, 4))
    vertical.requires_grad_()
    separable_convolution(frame, vertical, horizontal).sum().backward()  # an expanded gradient has strides of 0
    expected = torch.autograd.functional.jacobian(
        lambda v: separable_convolution(frame, v, horizontal, "torch").sum(), vertical.detach()
    )
    np.testing.assert_allclose(vertical.grad, expected, atol=1e-12)
    assert frame.grad is None


@pytest.mark.parametrize(
    ("frame", "vertical", "horizontal", "message"),
    [
        ((1, 3, 6, 6), (1, 3, 5, 4), (1, 3, 5, 4), "padded frame"),
        ((2, 3, 6, 6), (1, 3, 4, 4), (1, 3, 4, 4), "padded frame"),
        ((1, 3, 6, 6), (1, 3, 4, 4), (1, 2, 4, 4), "differ"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(frame, vertical, horizontal, message):
    with pytest.raises(ValueError, match=message):
        separable_convolution(*tensors(frame, vertical, horizontal))
    with pytest.raises(ValueError, match="square"):
        full_convolution(*tensors((1, 1, 6, 6), (1, 8, 4, 4)))


# -- networks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "count"), [("separable", 21_675_452), ("full", 15_927_394)])
def test_the_papers_networks_have_the_papers_parameters(kind, count):
    assert AdaptiveConvolution(kind=kind, width=1).n_parameters == count


def test_without_weights_the_separable_network_averages():
    torch.manual_seed(0)
    first, second = rng().integers(0, 256, (2, 40, 50, 3)).astype(np.uint8)
    middle = AdaptiveConvolution(width=0.1).between(first, second)
    assert middle.dtype == np.float32
    np.testing.assert_allclose(middle, (first.astype(float) + second) / 2, atol=1e-3)


def test_compensated_and_without_weights_it_warps_half_way(texture):
    torch.manual_seed(0)
    first, second = texture.astype(np.float32), np.roll(texture, 3, axis=1).astype(np.float32)
    middle = AdaptiveConvolution(width=0.1, compensated=True).between(first, second)
    np.testing.assert_allclose(middle, sum(half_way(first, second)) / 2, atol=1e-3)


def test_normalised_kernels_keep_the_light():
    """Whatever the kernels: a constant added to both frames is added to the middle one."""
    torch.manual_seed(3)
    interpolator = AdaptiveConvolution(width=0.1, taps=7, normalized=True)
    for head in interpolator.network.heads.values():
        torch.nn.init.normal_(head[-1].weight, std=0.02)
    flat = np.full((32, 32), 90.0)
    np.testing.assert_allclose(interpolator.between(flat, flat), flat, atol=1e-2)
    interpolator.network.normalized = False
    assert np.abs(interpolator.between(flat, flat) - flat).max() > 1


@pytest.mark.parametrize("width", [0.25, 0.3, 1.0])
def test_the_first_filters_start_as_derivatives(width):
    torch.manual_seed(3)
    first_layer = SeparableNetwork(width, 5).encoders[0][0]
    count = first_layer.out_channels
    filters = first_layer.weight.detach()
    half = (count + 1) // 2
    torch.testing.assert_close(filters[half:], -filters[: count - half])  # each has its negative
    apart = half // 2
    torch.testing.assert_close(filters[:apart, :3], -filters[:apart, 3:])  # equal frames: no answer
    torch.testing.assert_close(filters[apart:half].sum((1, 2, 3)), torch.zeros(half - apart), atol=1e-5, rtol=0)


def test_without_weights_the_full_network_nearly_averages():
    first, second = rng().integers(0, 256, (2, 30, 30)).astype(np.uint8)
    middle = AdaptiveConvolution("full", width=0.02).between(first, second)
    share = 2 * np.exp(12) / (2 * np.exp(12) + 3360)  # of the two central taps
    np.testing.assert_allclose(middle, (first.astype(float) + second) / 2, atol=255 * (1 - share))


def test_the_full_network_on_a_frame_is_the_network_on_every_patch():
    torch.manual_seed(1)
    network = FullNetwork(0.05).eval()
    torch.nn.init.normal_(network.layers[-1].weight, std=0.5)
    first, second = torch.rand(2, 1, 3, 84, 82)
    with torch.inference_mode():
        dense = network.kernels(first, second)
        assert dense.shape == (1, 2 * 41 * 41, 6, 4)
        for y, x in np.ndindex(6, 4):
            patch = np.s_[..., y : y + 79, x : x + 79]
            alone = network.patch_kernels(first[patch], second[patch])[..., 0, 0]
            torch.testing.assert_close(dense[..., y, x], alone, atol=1e-6, rtol=1e-4)
    assert float(dense.min()) >= 0
    np.testing.assert_allclose(dense.sum(1), 1, atol=1e-5)


def test_tiles_do_not_show():
    torch.manual_seed(2)
    interpolator = AdaptiveConvolution("full", width=0.02)
    torch.nn.init.normal_(interpolator.network.layers[-1].weight, std=0.5)
    first, second = rng().integers(0, 256, (2, 70, 66, 3)).astype(np.uint8)
    whole = [torch.from_numpy(f.transpose(2, 0, 1)[None] / np.float32(255)) for f in (first, second)]
    with torch.inference_mode():
        expected = 255 * interpolator.network(*whole)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(interpolator.between(first, second), expected, atol=1e-2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "linear"}, "kind"),
        ({"width": 0}, "width"),
        ({"taps": 4}, "taps"),
        ({"kind": "full", "taps": 41}, "taps"),
    ],
)
def test_networks_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        AdaptiveConvolution(**options)


def test_frames_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match="both"):
        AdaptiveConvolution(width=0.05).between(np.zeros((8, 8), np.uint8), np.zeros((8, 9), np.uint8))
    with pytest.raises(ValueError, match="both"):
        AdaptiveConvolution(width=0.05).between(np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 4), np.uint8))


# -- weights --------------------------------------------------------------------------------------------------------


def test_weights_are_a_safetensors_file(tmp_path):
    """Read by the format's own words: length, JSON, bytes."""
    path = tmp_path / "w.safetensors"
    matrix, counter = np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7)
    save_weights(path, {"a": matrix, "b": counter}, {"seed": "1"})
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    assert header.pop("__metadata__") == {"about": '{"seed": "1"}'}
    assert {name: (entry["dtype"], entry["shape"]) for name, entry in header.items()} == {
        "a": ("F32", [2, 3]), "b": ("I64", []),
    }  # fmt: skip
    start, stop = header["a"]["data_offsets"]
    assert content[8 + length :][start:stop] == matrix.tobytes()
    back, about = load_weights(path)
    assert about == {"seed": "1"}
    np.testing.assert_array_equal(back["a"], matrix)
    assert int(back["b"]) == 7


@pytest.mark.parametrize("damage", [lambda b: b[:-4], lambda b: b[:5], lambda b: b"\xff" * 40, lambda b: b""])
def test_damaged_weights_are_named(tmp_path, damage):
    path = tmp_path / "w.safetensors"
    save_weights(path, {"a": np.ones((3, 3), np.float32)}, {})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CdmerError, match=r"w\.safetensors"):
        load_weights(path)


def test_absent_weights_and_those_of_another_network_are_named(tmp_path):
    with pytest.raises(CdmerError, match=r"absent\.safetensors"):
        AdaptiveConvolution(width=0.05).load(tmp_path / "absent.safetensors")
    with pytest.raises(CdmerError, match="another network"):
        AdaptiveConvolution(width=0.05, normalized=True).load(SHIPPED)
    with pytest.raises(CdmerError, match="normalised"):
        AdaptiveConvolution(width=SHIPPED_WIDTH, taps=SHIPPED_TAPS, compensated=True).load(SHIPPED)
    with pytest.raises(CdmerError, match="brought half-way"):
        AdaptiveConvolution(width=SHIPPED_WIDTH, taps=SHIPPED_TAPS, normalized=True).load(SHIPPED)


class Published(torch.nn.Module):
    """The network of the published checkpoint, after the ICCV paper and the checkpoint's names; BGR frames."""

    def __init__(self):
        super().__init__()

        def conv(a, b):
            return torch.nn.Conv2d(a, b, 3, 1, 1)

        def basic(a, b):
            relu = torch.nn.ReLU
            return torch.nn.Sequential(conv(a, b), relu(), conv(b, b), relu(), conv(b, b), relu())

        def twice():
            return torch.nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)

        for number, (a, b) in enumerate([(6, 32), (32, 64), (64, 128), (128, 256), (256, 512)], 1):
            self.add_module(f"moduleConv{number}", basic(a, b))
        for number, (a, b) in {5: (512, 512), 4: (512, 256), 3: (256, 128), 2: (128, 64)}.items():
            self.add_module(f"moduleDeconv{number}", basic(a, b))
            self.add_module(f"moduleUpsample{number}", torch.nn.Sequential(twice(), conv(b, b), torch.nn.ReLU()))
        for name in ("Vertical1", "Vertical2", "Horizontal1", "Horizontal2"):
            relu = torch.nn.ReLU
            parts = (conv(64, 64), relu(), conv(64, 64), relu(), conv(64, 51), relu(), twice(), conv(51, 51))
            self.add_module(f"module{name}", torch.nn.Sequential(*parts))

    def forward(self, first, second):
        skips, x = {}, torch.cat([first, second], 1)
        for number in range(1, 6):
            skips[number] = getattr(self, f"moduleConv{number}")(x)
            x = torch.nn.functional.avg_pool2d(skips[number], 2, 2)
        for number in (5, 4, 3, 2):
            x = getattr(self, f"moduleUpsample{number}")(getattr(self, f"moduleDeconv{number}")(x)) + skips[number]
        out = torch.zeros_like(first)
        for which, frame in (("1", first), ("2", second)):
            patches = torch.nn.functional.unfold(torch.nn.functional.pad(frame, [25] * 4, mode="replicate"), 51)
            patches = patches.view(1, 3, 51, 51, *frame.shape[2:])
            vertical, horizontal = (
                getattr(self, f"moduleVertical{which}")(x),
                getattr(self, f"moduleHorizontal{which}")(x),
            )
            out += torch.einsum("ncjiyx,njyx,niyx->ncyx", patches, vertical, horizontal)
        return out


@pytest.mark.slow
def test_a_checkpoint_with_the_published_names_gives_the_published_computation(tmp_path):
    torch.manual_seed(4)
    published = Published()
    torch.save(published.state_dict(), tmp_path / "network-l1.pytorch")
    first, second = rng().integers(0, 256, (2, 32, 64, 3)).astype(np.uint8)
    bgr = [torch.from_numpy(f[..., ::-1].transpose(2, 0, 1)[None] / np.float32(255)) for f in (first, second)]
    with torch.inference_mode():
        expected = 255 * published(*bgr)[0].flip(0).permute(1, 2, 0).numpy()
    ours = AdaptiveConvolution(width=1).load_published(tmp_path / "network-l1.pytorch").between(first, second)
    np.testing.assert_allclose(ours, expected, atol=1e-3 * np.abs(expected).max())


def test_a_checkpoint_of_something_else_is_named(tmp_path):
    with pytest.raises(CdmerError, match="classifier"):
        from_published({"classifier.weight": np.zeros(3, np.float32)})
    path = tmp_path / "network-l1.pytorch"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(CdmerError, match=r"network-l1\.pytorch"):
        AdaptiveConvolution(width=0.05).load_published(path)


# -- what ships -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    torch.set_num_threads(1)
    return AdaptiveConvolution.shipped()


def waves(x, size=96):
    """Waves that lie `x` pixels to the right."""
    rows, columns = np.mgrid[:size, :size].astype(np.float64)
    return (120 + 50 * np.sin((columns - x) / 3.1) * np.sin(rows / 4.3)).astype(np.float32)


def test_what_ships_is_small_and_says_what_it_is():
    assert SHIPPED.stat().st_size <= 8_000_000
    _, about = load_weights(SHIPPED)
    assert "not the weights of the networks' authors" in about["origin"]
    assert "half-way warping" in SHIPPED.with_suffix(".log").read_text(encoding="utf-8")


def test_the_shipped_network_is_nearer_to_an_unseen_face_than_averaging(shipped):
    """Two frames as a camera records them, half an expression apart on either side, against the frame without noise."""
    plan, camera = plan_database("smic_hs", "tiny", 4711), camera_of("smic_hs")
    person = plan.subjects[0]
    scene = Scene(plan, person.clips[0], camera, paint_atlas(draw_identity(person.seed), camera))
    half = (scene.clip.apex - scene.clip.onset) // 2
    box = face_box(scene.landmarks, camera.width, camera.height)
    recorded = [frame[box] for frame in scene.frames()]
    truth = scene.seen(half)[box]
    ours = np.square(shipped.between(recorded[0], recorded[2 * half]) - truth).mean()
    average = np.square((recorded[0].astype(float) + recorded[2 * half]) / 2 - truth).mean()
    assert 10 * np.log10(average / ours) > 1  # dB


def test_still_frames_stay_and_grey_is_the_grey_of_colour(shipped):
    still = waves(0.0)
    grey = shipped.between(still, still)
    assert np.abs(grey - still).mean() < 1.0
    color = shipped.between(np.dstack([still] * 3), np.dstack([still] * 3))
    np.testing.assert_allclose(color, np.dstack([grey] * 3), atol=1e-3)


def test_frames_of_any_side_and_type(shipped):
    first, second = np.rint(waves(-1)[:61, :83]).astype(np.uint8), np.rint(waves(1)[:61, :83]).astype(np.uint8)
    middle = shipped.between(first, second)
    assert middle.shape == (61, 83)
    assert middle.dtype == np.float32
    np.testing.assert_array_equal(middle, shipped.between(first.astype(np.float64), second.astype(np.float32)))


def test_the_frames_package_loads_no_torch():
    """Jobs that only resample clips must not wait for it."""
    code = "import sys, cdmer.frames, cdmer.frames.job; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_networks_start_from_the_seed():
    states = []
    for _ in range(2):
        torch.manual_seed(9)
        states.append(SeparableNetwork(0.05, 5).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
