#!/usr/bin/env bash
# row_lstm-static: from scratch, batch normalization and dropout, 2 760 steps of 256 in 8.4 minutes of a GPU that three
# other trainings shared, 80.52 nats.
source "$(dirname "$0")/common.sh"

python train.py row_lstm --data "$DATA" --dataset binarized-mnist \
  --config channels=64,batch_norm=1,dropout_percent=15 --batch 256 --optimizer muon --lr 4e-3 --weight-decay 0.2 \
  --lr-decay-frac 0.8 --steps 2760 --checkpoint-every 400 --workers 2 --device cuda \
  --run "$OUT/row_lstm-static" --out "$OUT/row_lstm-static.safetensors"
