#!/usr/bin/env bash
# fast_weights-static: binarized MNIST, and its control, the same network whose memory gives zeros. Not run yet.
source "$(dirname "$0")/common.sh"

common=(--data "$DATA" --dataset binarized-mnist --batch 16 --lr 3e-3 --lr-decay-frac 0.6 --weight-decay 0.1 --steps 24000
  --checkpoint-every 2000 --threads 1)

python train.py fast_weights "${common[@]}" --config memory=0 --run "$OUT/fast_weights-control" --out "$OUT/fast_weights-control.safetensors"
python train.py fast_weights "${common[@]}" --run "$OUT/fast_weights-static" --out "$OUT/fast_weights-static.safetensors"
