#!/usr/bin/env bash
# diagonal_bilstm: 16 channels on binarized-mnist, three and a half hours of one core, then fine-tuned on MNIST and
# pens.
source "$(dirname "$0")/common.sh"

# 16 channels: 86.38 nats on the test split at step 2 300, 81.94 at step 8 500, 79.62 at step 37 000.
narrow=(--data "$DATA" --dataset binarized-mnist --batch 16 --threads 1
  --run "$OUT/diagonal_bilstm-static-16" --out "$OUT/diagonal_bilstm-static-16.safetensors")
until_step 1200 python train.py diagonal_bilstm "${narrow[@]}" --lr 3e-3 --steps 2800 --lr-decay-frac 0.5 \
  --checkpoint-every 400
python train.py diagonal_bilstm "${narrow[@]}" --lr 3e-3 --steps 2300 --lr-decay-frac 0.5 \
  --checkpoint-every 400
until_step 4000 python train.py diagonal_bilstm "${narrow[@]}" --lr 2e-3 --steps 9800 --lr-decay-frac 0.75
python train.py diagonal_bilstm "${narrow[@]}" --lr 1.6e-3 --steps 8500 --lr-decay-frac 0.53
until_step 32500 python train.py diagonal_bilstm "${narrow[@]}" --lr 2e-3 --steps 40000 --lr-decay-frac 0.55 \
  --checkpoint-every 500
python train.py diagonal_bilstm "${narrow[@]}" --lr 2e-3 --steps 37000 --lr-decay-frac 0.3566 --checkpoint-every 500

# Fine-tuning, 58.43 nats on mnist-threshold.
python train.py diagonal_bilstm --data "$DATA" --dataset mnist-and-pens --shift 2 --batch 16 --lr 1.5e-3 --steps 1200 \
  --lr-decay-frac 0.8 --init "$OUT/diagonal_bilstm-static-16.safetensors" --checkpoint-every 300 --threads 1 \
  --run "$OUT/diagonal_bilstm" --out "$OUT/diagonal_bilstm.safetensors"
