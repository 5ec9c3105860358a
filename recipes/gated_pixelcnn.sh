#!/usr/bin/env bash
# gated_pixelcnn: 40 channels on binarized-mnist, a good two hours of one core, then fine-tuned on MNIST and pens.
source "$(dirname "$0")/common.sh"

# 40 channels: 85.69 nats on the test split at step 8 000, 84.09 at step 14 000.
narrow=(--data "$DATA" --dataset binarized-mnist --batch 16 --checkpoint-every 500
  --run "$OUT/gated_pixelcnn-static-40" --out "$OUT/gated_pixelcnn-static-40.safetensors")
until_step 3500 python train.py gated_pixelcnn "${narrow[@]}" --threads 1 --lr 3e-3 --label-prob 0.5 --steps 16000 \
  --lr-decay-frac 0.5
until_step 4000 python train.py gated_pixelcnn "${narrow[@]}" --threads 1 --lr 3e-3 --label-prob 0.5 --steps 9000 \
  --lr-decay-frac 0.55
python train.py gated_pixelcnn "${narrow[@]}" --threads 1 --lr 3e-3 --label-prob 0.5 --steps 8000 --lr-decay-frac 0.5
until_step 10000 python train.py gated_pixelcnn "${narrow[@]}" --threads 1 --lr 2e-3 --weight-decay 0.3 --label-prob 0.5 \
  --steps 15000 --lr-decay-frac 0.3
python train.py gated_pixelcnn "${narrow[@]}" --threads 1 --lr 2e-3 --weight-decay 0.3 --label-prob 0.5 --steps 14000 \
  --lr-decay-frac 0.27

# Fine-tuning, 61.52 nats on mnist-threshold.
python train.py gated_pixelcnn --data "$DATA" --dataset mnist-and-pens --shift 2 --batch 16 --lr 1.5e-3 --weight-decay 0.3 \
  --label-prob 0.5 --steps 750 --lr-decay-frac 0.8 --init "$OUT/gated_pixelcnn-static-40.safetensors" \
  --checkpoint-every 250 --threads 1 --run "$OUT/gated_pixelcnn" --out "$OUT/gated_pixelcnn.safetensors"
