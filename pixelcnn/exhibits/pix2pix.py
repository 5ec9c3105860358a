"""pix2pix: one pass from the known part to a whole picture, trained to be close to the original and to pass for real.

    [1] P. Isola, J.-Y. Zhu, T. Zhou, A. A. Efros, "Image-to-Image Translation with Conditional Adversarial Networks", 2016,
        arXiv:1611.07004.

    known part, mask: 28 x 28 -> 14 x 14 -> 7 x 7 -> 1 x 1      U-Net with a skip connection at every resolution;
    picture:          28 x 28 <- 14 x 14 <- 7 x 7 <-+           the only noise is dropout, also when it is used
    picture, known part, mask -> 14 x 14 -> 7 x 7 logits        PatchGAN: each logit judges a patch, not the whole

Two generators have the same training pictures in the same order: one with the adversary and L1, one with L1 alone. Where
both a stroke and paper are possible, the least L1 error has their median, and between them gray; the adversary sees that no
digit is gray, so that its generator has to choose. What it chooses follows from the top almost alone: one answer a top.

Deviations: pictures of 28 x 28 need three resolutions, not eight, and only the first layer on the way up has dropout. The
weight of L1 is 10, not 100, because only unknown pixels count and most of them are paper. The known rows, 8 to 20 from the
top, are drawn again for every training picture.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixelcnn.errors import Message
from pixelcnn.exhibits import base
from pixelcnn.exhibits.base import Draft, Exhibit
from pixelcnn.exhibits.dcgan import adam, update
from pixelcnn.sampling.result import noise_for


@dataclass(frozen=True)
class Config(base.Config):
    RANGES = base.Config.RANGES | {
        "bottleneck": range(1, 4097),
        "l1_weight": range(1001),
        "first_cut": range(1, 256),
        "last_cut": range(1, 256),
    }

    channels: int = 32  # at full and half resolution; twice as many at a quarter
    bottleneck: int = 128
    l1_weight: int = 10
    first_cut: int = 8  # the fewest and the most known rows in training
    last_cut: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("first_cut", range(1, self.height))
        self.check("last_cut", range(self.first_cut, self.height))


def conv(fan_in: int, fan_out: int, kernel: int | tuple[int, int], stride: int = 1, padding: int = 0) -> nn.Sequential:
    """Convolution, batch normalization, leaky ReLU."""
    layers = nn.Conv2d(fan_in, fan_out, kernel, stride, padding, bias=False), nn.BatchNorm2d(fan_out), nn.LeakyReLU(0.2)
    return nn.Sequential(*layers)


def up(fan_in: int, fan_out: int, kernel: int | tuple[int, int], stride: int = 1, padding: int = 0) -> nn.Sequential:
    """Transposed convolution, batch normalization, ReLU."""
    layer = nn.ConvTranspose2d(fan_in, fan_out, kernel, stride, padding, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(fan_out), nn.ReLU())


class UNet(nn.Module):
    """Known part and mask to a picture. Dropout takes its random numbers from outside, so that a seed decides them."""

    def __init__(self, config: Config):
        super().__init__()
        channels, coarse = config.channels, (config.height // 4, config.width // 4)
        self.encode_fine = nn.Sequential(nn.Conv2d(2, channels, 3, 1, 1), nn.LeakyReLU(0.2))
        self.encode_half = conv(channels, channels, 4, 2, 1)
        self.encode_quarter = conv(channels, 2 * channels, 4, 2, 1)
        self.encode_whole = nn.Sequential(nn.Conv2d(2 * channels, config.bottleneck, coarse), nn.LeakyReLU(0.2))
        self.decode_quarter = up(config.bottleneck, 2 * channels, coarse)
        self.decode_half = up(4 * channels, channels, 4, 2, 1)
        self.decode_fine = up(2 * channels, channels, 4, 2, 1)
        self.out = nn.Conv2d(2 * channels, 1, 3, 1, 1)
        self.noise_size = 2 * channels * coarse[0] * coarse[1]

    def forward(self, ink: Tensor, known: Tensor, noise: Tensor) -> Tensor:
        """Pictures (B, 1, H, W) in 0..1, those given where known.

        ink: (B, 1, H, W) in 0..1. known: the same shape, 1 where known, else 0. noise: uniform numbers (B, noise_size).
        """
        fine = self.encode_fine(torch.cat([ink * known, known], 1))
        half = self.encode_half(fine)
        quarter = self.encode_quarter(half)
        h = self.decode_quarter(self.encode_whole(quarter))
        h = h * 2 * (noise.view_as(h) < 0.5)  # dropout of [1]
        h = self.decode_half(torch.cat([h, quarter], 1))
        h = self.decode_fine(torch.cat([h, half], 1))
        drawn = torch.sigmoid(self.out(torch.cat([h, fine], 1)).float())
        return torch.lerp(drawn, ink, known)


class Pix2Pix(Exhibit):
    config: Config
    name = "pix2pix"

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.generator = UNet(config)
        self.l1_generator = UNet(config)
        channels = config.channels
        self.discriminator = nn.Sequential(
            nn.Conv2d(3, channels, 4, 2, 1),
            nn.LeakyReLU(0.2),
            conv(channels, 2 * channels, 4, 2, 1),
            nn.Conv2d(2 * channels, 1, 3, 1, 1),
        )

    def judge(self, picture: Tensor, ink: Tensor, known: Tensor) -> Tensor:
        """Logits (B, 1, H / 4, W / 4) that patches of a picture are real, given the known part."""
        return self.discriminator(torch.cat([picture, ink * known, known], 1)).float()

    def improve(self, ink: Tensor, known: Tensor, samples: int, seed: int) -> Iterator[Draft]:
        """First what L1 alone gives, then what the adversary makes of it."""
        noise = noise_for(seed, samples, self.generator.noise_size).to(ink.dtype)
        given, mask = ink.expand(samples, -1, -1, -1), known.expand(samples, -1, -1, -1)
        digit: dict[str, str | int | float] = {"digit": "?"}
        average = Message("pix2pix_l1", "L1 only: gray where strokes and paper are possible; read as {digit}.", digit)
        yield Draft(1, 2, self.l1_generator(given, mask, noise), [average] * samples)
        choice = Message("pix2pix_adversary", "With the adversary: one answer for this top; read as {digit}.", digit)
        yield Draft(2, 2, self.generator(given, mask, noise), [choice] * samples)


class Training:
    """The training of [1], and of a second generator with the same pictures, masks and noise, but L1 alone."""

    def __init__(self, exhibit: Pix2Pix):
        self.exhibit = exhibit
        parts = {
            "generator": exhibit.generator,
            "discriminator": exhibit.discriminator,
            "l1_generator": exhibit.l1_generator,
        }
        self.optimizers = {name: adam(part) for name, part in parts.items()}

    def step(self, ink: Tensor) -> dict[str, Tensor]:
        """One step on pictures (B, 1, H, W) in 0..1; the losses. Random numbers come from torch's generator."""
        exhibit = self.exhibit
        known = random_tops(ink, exhibit.config)
        noise = torch.rand(len(ink), exhibit.generator.noise_size)
        drawn = exhibit.generator(ink, known, noise)
        real, fake = exhibit.judge(ink, ink, known), exhibit.judge(drawn.detach(), ink, known)
        discriminator_loss = (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2  # halved, as in [1]
        update(self.optimizers["discriminator"], discriminator_loss)
        adversarial, l1 = F.softplus(-exhibit.judge(drawn, ink, known)).mean(), unknown_error(drawn, ink, known)
        update(self.optimizers["generator"], adversarial + exhibit.config.l1_weight * l1)
        average = unknown_error(exhibit.l1_generator(ink, known, noise), ink, known)
        update(self.optimizers["l1_generator"], average)
        losses = {"discriminator": discriminator_loss, "adversarial": adversarial, "l1": l1, "l1_only": average}
        return {name: loss.detach() for name, loss in losses.items()}


def unknown_error(drawn: Tensor, ink: Tensor, known: Tensor) -> Tensor:
    """Mean absolute difference over the unknown pixels. Known pixels are equal already."""
    return (drawn - ink).abs().sum() / (1 - known).sum()


def random_tops(ink: Tensor, config: Config) -> Tensor:
    """Masks (B, 1, H, W), 1 in a random number of rows from the top."""
    cut = torch.randint(config.first_cut, config.last_cut + 1, (len(ink), 1, 1, 1))
    rows = torch.arange(config.height).view(1, 1, -1, 1)
    return (rows < cut).to(ink.dtype).expand_as(ink)
