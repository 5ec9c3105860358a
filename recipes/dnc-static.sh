#!/usr/bin/env bash
# dnc-static: binarized MNIST, and its control, the same network whose memory gives zeros. Not run yet.
source "$(dirname "$0")/common.sh"

common=(--data "$DATA" --dataset binarized-mnist --batch 16 --lr 3e-3 --lr-decay-frac 0.6 --weight-decay 0.1 --steps 15000
  --checkpoint-every 1500 --threads 1)

python train.py dnc "${common[@]}" --config memory=0 --run "$OUT/dnc-control" --out "$OUT/dnc-control.safetensors"
python train.py dnc "${common[@]}" --run "$OUT/dnc-static" --out "$OUT/dnc-static.safetensors"
