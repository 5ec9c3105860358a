#!/usr/bin/env bash
# dcgan: gray MNIST and pens shifted by up to two pixels, 15 000 steps, one core in about 20 minutes.
source "$(dirname "$0")/common.sh"

python -m pixelcnn.exhibits.train dcgan --data "$DATA" --dataset mnist-and-pens --shift 2 --batch 64 --steps 15000 \
  --run "$OUT/dcgan" --out "$OUT/dcgan.safetensors"
