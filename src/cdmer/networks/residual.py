"""ResNet-18's trunk (He et al. 2016), under torchvision's names."""

from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two convolutions 3 x 3 and a shortcut."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        changes = stride != 1 or before != after
        self.downsample = (
            nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)) if changes else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) -> (N, after, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (out + shortcut).relu()  # type: ignore[no-any-return]


class ResNet18(nn.Module):
    """The layers before the average: (N, 3, 224, 224) -> (N, 512, 7, 7), or fewer of them.

    Parameters
    ----------
    stages
        How many of the four stages.
    max_pool
        Whether the first max pool is there.
    """

    def __init__(self, stages: int = 4, max_pool: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if max_pool else nn.Identity()
        self.stages = stages
        before = 64
        for stage, width in enumerate((64, 128, 256, 512)[:stages], start=1):
            blocks = nn.Sequential(BasicBlock(before, width, 1 if stage == 1 else 2), BasicBlock(width, width))
            setattr(self, f"layer{stage}", blocks)
            before = width

    def forward(self, x: Tensor) -> Tensor:
        """The last stage's map."""
        x = self.maxpool(self.bn1(self.conv1(x)).relu())
        for stage in range(1, self.stages + 1):
            x = self.get_submodule(f"layer{stage}")(x)
        return x
