#!/usr/bin/env bash
# independent: the logit of every pixel by itself, thresholded MNIST, half a minute of one core.
source "$(dirname "$0")/common.sh"

python train.py independent --data "$DATA" --dataset mnist-threshold --batch 500 --lr 5e-2 --weight-decay 0 --steps 2000 \
  --threads 1 --run "$OUT/independent" --out "$OUT/independent.safetensors"
