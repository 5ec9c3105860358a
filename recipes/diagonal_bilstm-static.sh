#!/usr/bin/env bash
# diagonal_bilstm-static: 16 channels for 37 000 steps, widened to 24 for 6 000 steps, widened to 48 for ten minutes
# of a GPU, and 8.5 minutes of another with Muon and dropout. 78.93 nats.
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

# 24 channels, 79.54 nats. The learning rate of the third command is not recorded; it is taken to be that of the second.
wide=(--data "$DATA" --dataset binarized-mnist --batch 16 --config channels=24 --weight-decay 0.01
  --init "$OUT/diagonal_bilstm-static-16.safetensors" --checkpoint-every 500 --threads 1
  --run "$OUT/diagonal_bilstm-static-24" --out "$OUT/diagonal_bilstm-static-24.safetensors")
until_step 500 python train.py diagonal_bilstm "${wide[@]}" --lr 2e-3 --steps 14000 --lr-decay-frac 0.8
until_step 1000 python train.py diagonal_bilstm "${wide[@]}" --lr 1.5e-3 --steps 8500 --lr-decay-frac 0.92
python train.py diagonal_bilstm "${wide[@]}" --lr 1.5e-3 --steps 6000 --lr-decay-frac 0.8689

# 48 channels, 79.36 nats; 1 356 steps in the recorded run.
python train.py diagonal_bilstm --data "$DATA" --dataset binarized-mnist --config channels=48 --batch 128 --lr 2e-3 \
  --weight-decay 0.05 --lr-decay-frac 0.8 --steps 1000000 --minutes 10 --workers 2 --device cuda \
  --init "$OUT/diagonal_bilstm-static-24.safetensors" \
  --run "$OUT/diagonal_bilstm-static-48" --out "$OUT/diagonal_bilstm-static-48.safetensors"

# 78.93 nats, 1 615 steps in 8.5 minutes of a GPU that three other trainings shared.
python train.py diagonal_bilstm --data "$DATA" --dataset binarized-mnist --config channels=48,dropout_percent=10 --batch 256 \
  --optimizer muon --lr 2e-3 --weight-decay 0.2 --lr-decay-frac 1 --steps 1615 --checkpoint-every 250 --workers 2 \
  --device cuda --init "$OUT/diagonal_bilstm-static-48.safetensors" \
  --run "$OUT/diagonal_bilstm-static" --out "$OUT/diagonal_bilstm-static.safetensors"
