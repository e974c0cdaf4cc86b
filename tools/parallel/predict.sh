#!/usr/bin/env bash
# A job of `predict` under GNU parallel: one task a shard, on the cores of this machine or, with --sshlogin, of several.
#
#   backbone-zoo manifest /data/archive -o list.tsv
#   tools/parallel/predict.sh 64 MODEL list.tsv parts/ [OPTIONS of predict]
#   backbone-zoo merge parts/ -o all.jsonl
#
# Run again after whatever ended it, it goes on: finished shards are left as they are, the others go on where they stopped.
# PARALLEL has options of your own, e.g. PARALLEL='--jobs 8 --sshlogin node1,node2 --workdir .'.
set -u
shards=$1 model=$2 manifest=$3 parts=$4
shift 4

mkdir -p "$parts"
seq 0 $((shards - 1)) | parallel --joblog "$parts/parallel.log" --resume-failed --termseq TERM,10000,KILL \
  "${BACKBONE_ZOO:-backbone-zoo}" predict "$model" --manifest "$manifest" --shard "{}/$shards" --out "$parts" --resume \
  --threads 1 "$@"
failed=$?

# parallel counts the tasks that did not end with 0; with 3 a task is done, and has failed-*.jsonl.
bad=$(awk -F'\t' 'NR > 1 { code[$9] = $8 != 0 ? 128 + $8 : $7 } END { for (task in code) if (code[task] != 0 && code[task] != 3) ++bad; print bad + 0 }' "$parts/parallel.log")
if [ "$bad" -gt 0 ]; then
  echo "predict.sh: $bad of $shards shards are not done; run it again to go on" >&2
  exit 1
fi
[ "$failed" -le 101 ] || exit "$failed"
