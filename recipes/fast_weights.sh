#!/usr/bin/env bash
# fast_weights: the weights of recipes/fast_weights-static.sh, fine-tuned on MNIST and pens. Not run yet.
source "$(dirname "$0")/common.sh"

python train.py fast_weights --data "$DATA" --dataset mnist-and-pens --shift 2 --batch 16 --lr 1.5e-3 --weight-decay 0.1 \
  --steps 4000 --lr-decay-frac 0.8 --init "$OUT/fast_weights-static.safetensors" --threads 1 \
  --run "$OUT/fast_weights" --out "$OUT/fast_weights.safetensors"
