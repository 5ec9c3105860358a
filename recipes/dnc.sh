#!/usr/bin/env bash
# dnc: the weights of recipes/dnc-static.sh, fine-tuned on MNIST and pens. Not run yet.
source "$(dirname "$0")/common.sh"

python train.py dnc --data "$DATA" --dataset mnist-and-pens --shift 2 --batch 16 --lr 1.5e-3 --weight-decay 0.1 \
  --steps 4000 --lr-decay-frac 0.8 --init "$OUT/dnc-static.safetensors" --threads 1 \
  --run "$OUT/dnc" --out "$OUT/dnc.safetensors"
