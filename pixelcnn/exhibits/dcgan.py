"""DCGAN: a generator draws whole digits from random vectors; to complete a picture is to search for the right vector.

    [1] A. Radford, L. Metz, S. Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative
        Adversarial Networks", 2015, arXiv:1511.06434.
    [2] R. A. Yeh, C. Chen, T. Y. Lim, A. G. Schwing, M. Hasegawa-Johnson, M. N. Do, "Semantic Image Inpainting with Deep
        Generative Models", 2016, arXiv:1607.07539.

    z (64) -> linear, 7 x 7 -> 4x4 transposed conv, 14 x 14 -> 4x4 transposed conv, 28 x 28 -> sigmoid: a picture G(z)
    picture -> 4x4 conv, 14 x 14 -> 4x4 conv, 7 x 7 -> linear: the logit D that the picture is real

Completion ([2], section 3): from a random z, gradient steps on sum |known * (G(z) - drawing)| + lambda softplus(-D(G(z))),
the contextual error and the prior; z stays in (-1, 1). At the end, the known pixels are pasted over G(z). Every sample is
one start, and different starts find different digits.

Deviations: the width was chosen for two CPU cores. As in the public code of [2], all known pixels have equal weights, and
pictures are not blended at the cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixelcnn.errors import Message
from pixelcnn.exhibits import base
from pixelcnn.exhibits.base import Draft, Exhibit
from pixelcnn.nn.layers import normal_parameter
from pixelcnn.sampling.result import noise_for


@dataclass(frozen=True)
class Config(base.Config):
    RANGES = base.Config.RANGES | {
        "latent": range(1, 4097),
        "search_steps": range(1, 10_001),
        "frame_every": range(1, 10_001),
        "prior_percent": range(1001),
    }

    latent: int = 64
    channels: int = 48  # at half the resolution; twice as many at a quarter
    search_steps: int = 250
    frame_every: int = 10  # steps of the search
    prior_percent: int = 10  # 100 lambda


SEARCH_LR = 0.1  # of the first step; falls linearly to zero
BETAS = 0.9, 0.999


def generator(config: Config) -> nn.Sequential:
    """Latent vectors (B, latent) to pictures (B, 1, H, W) in 0..1."""
    channels, size = config.channels, (config.height // 4, config.width // 4)
    return nn.Sequential(
        nn.Linear(config.latent, 2 * channels * size[0] * size[1], bias=False),
        nn.Unflatten(1, (2 * channels, *size)),
        nn.BatchNorm2d(2 * channels),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * channels, channels, 4, 2, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.ConvTranspose2d(channels, 1, 4, 2, 1),
        nn.Sigmoid(),
    )


def discriminator(config: Config) -> nn.Sequential:
    """Pictures (B, 1, H, W) in 0..1 to logits (B, 1)."""
    channels = config.channels
    return nn.Sequential(
        nn.Conv2d(1, channels, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * channels),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(2 * channels * (config.height // 4) * (config.width // 4), 1),
    )


class DCGAN(Exhibit):
    config: Config
    name = "dcgan"

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.generator = generator(config)
        self.discriminator = discriminator(config)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                module.weight = normal_parameter(*module.weight.shape, std=0.02)  # [1], section 4

    def judge(self, pictures: Tensor) -> Tensor:
        """Logits (B,) that pictures (B, 1, H, W) are real."""
        return self.discriminator(pictures)[:, 0].float()

    def improve(self, ink: Tensor, known: Tensor, samples: int, seed: int) -> Iterator[Draft]:
        config = self.config
        z = (2 * noise_for(seed, samples, config.latent) - 1).to(ink.dtype).requires_grad_()
        mean, square = torch.zeros_like(z), torch.zeros_like(z)
        for step in range(1, config.search_steps + 1):
            with torch.enable_grad():
                pictures = self.generator(z)
                contextual = (known * (pictures - ink)).abs().sum((1, 2, 3))
                prior = F.softplus(-self.judge(pictures))
                # The samples have nothing in common, so the gradient of the sum is that of each.
                (gradient,) = torch.autograd.grad((contextual + config.prior_percent / 100 * prior).sum(), z)
            if (step - 1) % config.frame_every == 0 or step == config.search_steps:
                captions = [caption(error) for error in contextual.tolist()]
                yield Draft(step, config.search_steps, pictures.detach(), captions)
            # Adam, written out because torch.optim imports torch's compiler, which takes seconds.
            mean.lerp_(gradient, 1 - BETAS[0])
            square.lerp_(gradient.square(), 1 - BETAS[1])
            rate = SEARCH_LR * (1 - step / (config.search_steps + 1)) / (1 - BETAS[0] ** step)
            z.sub_(rate * mean / (square / (1 - BETAS[1] ** step)).sqrt().clamp(min=1e-8)).clamp_(-1, 1)


def caption(error: float) -> Message:
    """error: the sum over the known pixels of the difference to the drawing, 1 for a pixel of full ink."""
    return Message(
        "dcgan_caption",
        "The known pixels differ by {error}; the picture is read as {digit}.",
        {"error": round(error, 1), "digit": "?"},
    )


class Training:
    """The adversarial training of [1]: one step for the discriminator, one for the generator."""

    def __init__(self, exhibit: DCGAN):
        self.exhibit = exhibit
        self.optimizers = {
            "generator": adam(exhibit.generator),
            "discriminator": adam(exhibit.discriminator),
        }

    def step(self, ink: Tensor) -> dict[str, Tensor]:
        """One step on pictures (B, 1, H, W) in 0..1; the losses. Random numbers come from torch's generator."""
        z = 2 * torch.rand(len(ink), self.exhibit.config.latent) - 1
        drawn = self.exhibit.generator(z)
        real, fake = self.exhibit.judge(ink), self.exhibit.judge(drawn.detach())
        discriminator_loss = F.softplus(-real).mean() + F.softplus(fake).mean()
        update(self.optimizers["discriminator"], discriminator_loss)
        generator_loss = F.softplus(-self.exhibit.judge(drawn)).mean()
        update(self.optimizers["generator"], generator_loss)
        return {"discriminator": discriminator_loss.detach(), "generator": generator_loss.detach()}


def adam(part: nn.Module) -> torch.optim.Adam:
    """The optimizer of [1]."""
    return torch.optim.Adam(part.parameters(), lr=2e-4, betas=(0.5, 0.999))


def update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step of an optimizer; gradients of other parameters are dropped before they are used."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
