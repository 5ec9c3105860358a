#!/usr/bin/env bash
# pix2pix: gray MNIST and pens shifted by up to two pixels, 15 000 steps, about 30 minutes of one core. The file
# holds two generators, with the adversary and L1, and with L1 only, from the same pictures in the same order.
source "$(dirname "$0")/common.sh"

python -m pixelcnn.exhibits.train pix2pix --data "$DATA" --dataset mnist-and-pens --shift 2 --config channels=16 --batch 64 --steps 15000 \
  --run "$OUT/pix2pix" --out "$OUT/pix2pix.safetensors"
