"""MTCNN against what facenet-pytorch finds with the real torchvision, and the stand-in for torchvision."""

import importlib
import json
import sys

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from cdmer.errors import CdmerError
from cdmer.faces import detect_faces, mtcnn
from cdmer.faces.torchvision_stand_in import batched_nms, to_tensor, torchvision_at_hand


def test_agrees_with_facenet_pytorch_on_every_photograph(real, photograph):
    """Boxes and points within a pixel, probabilities within 1e-3; the reference ran with torchvision itself."""
    images = json.loads((real / "detection/mtcnn_expected.json").read_text())["images"]
    assert len(images) >= 5
    for name, expected in images.items():
        image = photograph(name) if "/" in name else getattr(skimage.data, name.split(".")[-1].strip("()"))()
        faces, points = mtcnn.detect_with_points(image)
        np.testing.assert_allclose(faces[:, :4], expected["boxes"], atol=1)
        np.testing.assert_allclose(faces[:, 4], expected["probs"], atol=1e-3)
        np.testing.assert_allclose(points, expected["landmarks5"], atol=1)


def test_best_first(photograph):
    image = photograph("detection/multiface.jpg")
    faces = detect_faces(image, "mtcnn")
    assert (np.diff(faces[:, 4]) <= 0).all()
    found = mtcnn.detect_with_points(image)[0]
    np.testing.assert_array_equal(np.sort(faces, axis=0), np.sort(found, axis=0))


def test_the_points_lie_where_dlib_sees_eyes_nose_and_mouth(portrait):
    from cdmer.faces import find_landmarks

    faces, points = mtcnn.detect_with_points(portrait)
    dlib_points = find_landmarks(portrait, detect_faces(portrait)[0])
    expected = [dlib_points[36:42].mean(0), dlib_points[42:48].mean(0), *dlib_points[[30, 48, 54]]]
    assert np.linalg.norm(points[0] - expected, axis=1).max() < 0.1 * (faces[0, 2] - faces[0, 0])


@pytest.mark.parametrize("shape", [(200, 200, 3), (200, 300), (19, 300, 3), (12, 12), (20, 20)])
def test_nothing_where_there_is_nothing(shape):
    assert detect_faces(np.zeros(shape, np.uint8), "mtcnn").shape == (0, 5)


def test_an_upsampled_search_finds_a_face_too_small_otherwise(portrait):
    tiny = cv2.resize(portrait, (56, 56), interpolation=cv2.INTER_AREA)  # a face of 9 pixels
    assert len(detect_faces(tiny, "mtcnn")) == 0
    (face,) = detect_faces(tiny, "mtcnn", upsample=1)
    np.testing.assert_allclose(face[:4] * 512 / 56, detect_faces(portrait, "mtcnn")[0, :4], atol=2.5 * 512 / 56)


def test_without_facenet_pytorch_the_user_is_told_what_to_install(monkeypatch, portrait):
    monkeypatch.setitem(sys.modules, "facenet_pytorch", None)
    mtcnn._network.cache_clear()
    with pytest.raises(CdmerError, match=r"facenet-pytorch.*\n.*pip install --no-deps"):
        detect_faces(portrait, "mtcnn")
    mtcnn._network.cache_clear()


# -- the stand-in for torchvision


def _nms_by_definition(boxes, scores, groups, threshold):
    """The greedy rule, one pair at a time."""
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        for j in kept:
            wide = min(boxes[i][2], boxes[j][2]) - max(boxes[i][0], boxes[j][0])
            high = min(boxes[i][3], boxes[j][3]) - max(boxes[i][1], boxes[j][1])
            common = max(wide, 0) * max(high, 0)
            areas = sum((boxes[k][2] - boxes[k][0]) * (boxes[k][3] - boxes[k][1]) for k in (i, j))
            if groups[i] == groups[j] and common / (areas - common) > threshold:
                break
        else:
            kept.append(i)
    return kept


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_suppression_follows_its_definition(threshold):
    rng = np.random.default_rng(3)
    corners = rng.uniform(0, 60, (150, 2))
    boxes = np.hstack([corners, corners + rng.uniform(5, 40, (150, 2))]).astype(np.float32)
    scores, groups = rng.permutation(150).astype(np.float32), rng.integers(0, 3, 150)
    kept = batched_nms(*(torch.from_numpy(a) for a in (boxes, scores, groups)), threshold)
    assert kept.tolist() == _nms_by_definition(boxes.tolist(), scores.tolist(), groups.tolist(), threshold)
    assert 3 < len(kept) < 150


def test_suppression_by_hand():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 10, 10], [3, 3, 3, 3], [3, 3, 3, 3]])
    scores = torch.tensor([0.5, 0.9, 0.4, 0.3, 0.2])
    one = torch.zeros(5, dtype=torch.int64)
    assert batched_nms(boxes, scores, one, 0.5).tolist() == [1, 0, 3, 4]  # 1/2 is not above 1/2; the third equals one
    assert batched_nms(boxes, scores, torch.tensor([0, 0, 1, 0, 0]), 0.5).tolist() == [1, 0, 2, 3, 4]
    assert batched_nms(boxes[:0], scores[:0], one[:0], 0.5).tolist() == []


def test_to_tensor_is_channels_first_in_0_to_1():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    tensor = to_tensor(image)
    assert tensor.shape == (3, 2, 4)
    assert tensor.dtype == torch.float32
    assert tensor[2, 1, 3] == np.float32(23) / np.float32(255)


def test_nobody_else_meets_the_stand_in():
    before = {name for name in sys.modules if name.split(".")[0] == "torchvision"}
    with torchvision_at_hand():
        boxes = importlib.import_module("torchvision.ops.boxes")
        assert boxes.batched_nms(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0), 0.5).shape == (0,)
        assert importlib.import_module("torchvision.transforms").functional.to_tensor
    if importlib.util.find_spec("torchvision") is None:
        assert {name for name in sys.modules if name.split(".")[0] == "torchvision"} == before


def test_a_real_torchvision_is_preferred(tmp_path, monkeypatch):
    for folder in ("transforms", "ops"):
        (tmp_path / "torchvision" / folder).mkdir(parents=True)
        (tmp_path / "torchvision" / folder / "__init__.py").touch()
    (tmp_path / "torchvision/__init__.py").touch()
    (tmp_path / "torchvision/ops/boxes.py").write_text("def batched_nms():\n    return 'real'\n")
    (tmp_path / "torchvision/transforms/functional.py").write_text("def to_tensor():\n    return 'real'\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    with torchvision_at_hand():
        assert importlib.import_module("torchvision.ops.boxes").batched_nms() == "real"
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
