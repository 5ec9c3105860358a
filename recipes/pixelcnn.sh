#!/usr/bin/env bash
# pixelcnn: 48 channels, thresholded MNIST shifted by up to two pixels, two hours of one core.
source "$(dirname "$0")/common.sh"

common=(--data "$DATA" --dataset mnist-threshold --shift 2 --batch 32 --lr 3e-3 --threads 1
  --run "$OUT/pixelcnn" --out "$OUT/pixelcnn.safetensors")

until_step 14000 python train.py pixelcnn "${common[@]}" --steps 18000 --lr-decay-frac 0.35
until_step 22000 python train.py pixelcnn "${common[@]}" --steps 26000 --lr-decay-frac 0.5
python train.py pixelcnn "${common[@]}" --steps 24800 --lr-decay-frac 0.364
