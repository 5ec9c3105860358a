#!/usr/bin/env bash
# dcgan: gray MNIST and pens shifted by up to two pixels, 8 000 steps, 10 minutes of one core.
source "$(dirname "$0")/common.sh"

python -m pixelcnn.exhibits.train dcgan --data "$DATA" --dataset mnist-and-pens --shift 2 --batch 64 --steps 8000 \
  --run "$OUT/dcgan" --out "$OUT/dcgan.safetensors"
