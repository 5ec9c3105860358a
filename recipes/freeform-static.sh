#!/usr/bin/env bash
# freeform-static: 80 channels from scratch, 8.6 minutes of a GPU, then the digit biases alone on a CPU.
source "$(dirname "$0")/common.sh"

common=(--data "$DATA" --dataset binarized-mnist --config channels=80,blocks=12,heads=4,dropout_percent=15)

# 12 157 steps in 7.6 minutes, then 3 763 steps in one minute with the GPU to itself: 78.69 nats on the test split.
# --minutes counts all starts of a run together. The values of --minutes are not recorded; these give the recorded
# durations.
all=("${common[@]}" --batch 64 --hint-prob 0.15 --label-prob 0.1 --weight-decay 0.1 --steps 1000000
  --workers 2 --device cuda
  --run "$OUT/freeform-static-all" --out "$OUT/freeform-static-all.safetensors")
python train.py freeform "${all[@]}" --lr 2e-3 --lr-decay-frac 0.7 --minutes 7.6
python train.py freeform "${all[@]}" --lr 1.2e-3 --lr-decay-frac 1 --minutes 8.6

# The digit biases alone, 20 000 of 1.66 million parameters, so that the nats without a digit stay as they are: 110
# minutes of two shared cores. The last 600 steps used two processes.
digits=("${common[@]}" --batch 8 --only digit --label-prob 1 --hint-prob 0 --weight-decay 0 --class-loss-frac 0.5
  --ema-decay 0.99 --steps 1500 --checkpoint-every 300 --init "$OUT/freeform-static-all.safetensors"
  --run "$OUT/freeform-static" --out "$OUT/freeform-static.safetensors")
until_step 300 python train.py freeform "${digits[@]}" --lr 2e-3 --class-loss-weight 1
until_step 900 python train.py freeform "${digits[@]}" --lr 5e-3 --class-loss-weight 2
torchrun --nproc-per-node 2 -- train.py freeform "${digits[@]}" --lr 5e-3 --class-loss-weight 2 --lr-decay-frac 0.5
