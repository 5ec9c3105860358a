#!/usr/bin/env bash
# pixelcnn-static: from scratch, 7x7 kernels and batch normalization, 12 000 steps of 32 on one CPU thread, 80.26 nats.
source "$(dirname "$0")/common.sh"

python train.py pixelcnn --data "$DATA" --dataset binarized-mnist --config channels=32,blocks=7,kernel=7,batch_norm=1 \
  --batch 32 --optimizer muon --lr 2e-3 --weight-decay 0.1 --lr-decay-frac 0.7 --steps 12000 --threads 1 \
  --run "$OUT/pixelcnn-static" --out "$OUT/pixelcnn-static.safetensors"
