#!/usr/bin/env bash
# freeform: from scratch on MNIST and pens, 11 691 steps of 128 in 8.4 minutes of a GPU that three other trainings shared,
# 56.59 nats on mnist-threshold.
source "$(dirname "$0")/common.sh"

python train.py freeform --data "$DATA" --dataset mnist-and-pens --shift 2 \
  --config channels=64,blocks=6,attend_every=3,class_blocks=4,class_channels=48,batch_norm=1,dropout_percent=5 \
  --batch 128 --hint-prob 0.25 --label-prob 0.5 --class-loss-weight 1 --class-loss-frac 0.0625 --optimizer muon --lr 3e-3 \
  --weight-decay 0.2 --lr-decay-frac 0.8 --steps 11691 --checkpoint-every 1500 --workers 3 --device cuda --compile \
  --run "$OUT/freeform" --out "$OUT/freeform.safetensors"
