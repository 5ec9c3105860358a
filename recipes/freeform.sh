#!/usr/bin/env bash
# freeform: 64 channels from scratch on MNIST and pens, ten minutes of a GPU, 58.41 nats on mnist-threshold; 6 001
# steps in the recorded run.
source "$(dirname "$0")/common.sh"

python train.py freeform --data "$DATA" --dataset mnist-and-pens --shift 2 --config channels=64 --batch 64 --hint-prob 0.5 \
  --label-prob 0.5 --class-loss-weight 1 --class-loss-frac 0.0625 --lr 2.5e-3 --weight-decay 0.1 --lr-decay-frac 0.7 \
  --steps 1000000 --minutes 10 --workers 2 --device cuda --run "$OUT/freeform" --out "$OUT/freeform.safetensors"
