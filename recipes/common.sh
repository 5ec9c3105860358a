# Shared by the recipes, which source it: checks DATA, sets OUT, changes to the repository and defines until_step.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${DATA:?Set DATA to the folder with the data sets.}"
OUT=${OUT:-runs/recipes}

# until_step N COMMAND: run a training command and stop it once the checkpoint of step N is written.
# The command must have --run FOLDER, and --checkpoint-every must divide N.
until_step() {
  local step=$1 run="" previous="" argument
  shift
  for argument in "$@"; do
    if [[ $previous == --run ]]; then run=$argument; fi
    previous=$argument
  done
  "$@" &
  local process=$!
  # The line of a step in metrics.jsonl is written just before the checkpoint of that step.
  until grep -qs "\"step\": $step\b" "$run/metrics.jsonl" && [[ "$run/checkpoint.safetensors" -nt "$run/metrics.jsonl" ]]; do
    if ! kill -0 "$process" 2>/dev/null; then
      wait "$process" || exit
      return
    fi
    sleep 0.2
  done
  kill "$process"
  wait "$process" || true
}
