"""p(digit | known pixels) by Bayes' rule from one exact likelihood per class, with equal priors."""

import torch
from torch import Tensor

from pixelcnn.errors import InputError
from pixelcnn.masks import is_prefix
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.nn.cache import Activations
from pixelcnn.sampling.isolation import isolated


def prefix_log_likelihoods(model: AutoregressiveModel, x: Tensor) -> Tensor:
    """ln p(the first n pixels | digit) in raster order for n = 0..N, of pictures x, levels (B, H, W): (B, classes, N + 1).

    float64, exact. x may be the first rows of pictures only. One batch of B * classes pictures gives all n, because the
    probability of a pixel depends on earlier pixels only. Raises InputError for a model without classes.
    """
    if not model.classes:
        raise InputError(
            "no_class_posterior",
            "{model} was trained without digit labels and cannot tell digits apart. Choose a model with classes.",
            model=model.name,
        )
    return posterior_pass(model, x)[0]


def posterior_pass(model: AutoregressiveModel, x: Tensor) -> tuple[Tensor, Activations]:
    """`prefix_log_likelihoods` of pictures x, and the activations of the pass.

    Picture b with digit d has row b * classes + d of the activations, so a picture whose digit was sampled needs no second
    pass to be prefilled.
    """
    digits = torch.arange(model.classes, device=x.device).repeat(len(x))
    with isolated(model):
        params, activations = model.full_pass(x, digits)
        log_p = model.distribution.log_prob(params.double(), x.repeat_interleave(model.classes, 0)).flatten(1).cumsum(1)
        return torch.nn.functional.pad(log_p, (1, 0)).view(len(x), model.classes, -1), activations


def class_posterior_by_prefix(model: AutoregressiveModel, x: Tensor) -> Tensor:
    """p(digit | the first n pixels) for n = 0..H * W, of pictures x, levels (B, H, W): (B, H * W + 1, classes).

    Raises InputError for a model without classes.
    """
    return prefix_log_likelihoods(model, x).softmax(1).transpose(1, 2)


def mixture_nll(model: AutoregressiveModel, x: Tensor, known: Tensor) -> Tensor:
    """-ln p(unknown pixels | known pixels) under the mixture over all classes, of pictures x, levels (B, H, W): (B,).

    Exact. This is the distribution of completions whose digit is sampled first. known is bool (H, W), the same for all
    pictures. Raises InputError like `class_posterior`.
    """
    count = count_known_prefix(model, known)
    # ln p(known) and ln p(all), both plus ln classes.
    log_p = torch.logsumexp(prefix_log_likelihoods(model, x)[..., [count, -1]], 1)
    return log_p[:, 0] - log_p[:, 1]


def class_posterior(model: AutoregressiveModel, x: Tensor, known: Tensor) -> Tensor:
    """p(digit | known pixels) of pictures x, levels (B, H, W): (B, classes).

    known is bool (H, W), the same for all pictures; values at unknown pixels are ignored. Raises InputError for a model
    without classes, and if a known pixel comes after an unknown one: that would need a sum over the unknown pixels before
    it.
    """
    count = count_known_prefix(model, known)
    return class_posterior_by_prefix(model, torch.where(known, x, 0))[:, count]


def count_known_prefix(model: AutoregressiveModel, known: Tensor) -> int:
    """The number of known pixels, if all come before the unknown ones. Raises InputError otherwise."""
    if not is_prefix(known):
        raise InputError(
            "posterior_needs_prefix",
            "{model} can compute p(digit | known pixels) only if all known pixels come before all unknown ones, "
            "row by row. Make all pixels after the first unknown one unknown.",
            model=model.name,
        )
    return int(known.sum())
