#!/usr/bin/env bash
set -u
usage='A job of `predict` under GNU parallel: one task a shard, on the cores of this machine or, with --sshlogin, of several.

  backbone-zoo manifest /data/archive -o list.tsv
  tools/parallel/predict.sh 64 MODEL list.tsv parts/ [OPTIONS of predict]
  backbone-zoo merge parts/ -o all.jsonl

Run again after whatever ended it, it goes on: every task looks at its part, leaves it as it is where it is finished and of this job,
and goes on where it stopped. TERM and Ctrl-C stop the tasks in order. It ends with 0 once every shard is done, with 2 where running
it again does not help, with 1 where it may.

PARALLEL has options of your own, e.g. PARALLEL='"'--jobs 8 --sshlogin node1,node2 --workdir .'"'. BACKBONE_ZOO is the program
(default: backbone-zoo).'

say() { echo "predict.sh: $1" >&2; }
refuse() { say "$1"; exit 2; }

case ${1-} in -h | --help) echo "$usage"; exit 0 ;; esac
if [ $# -lt 4 ]; then
  echo "$usage" >&2
  exit 2
fi
shards=$1 model=$2 manifest=$3 parts=$4
shift 4
[[ $shards =~ ^[1-9][0-9]{0,6}$ ]] || refuse "$shards: expected the number of shards"
command -v parallel > /dev/null || refuse "GNU parallel is not here: install it (Debian: parallel)"

mkdir -p "$parts" || exit 1
# parallel and its tasks have the lock, too, as long as they run, whatever has become of this script.
exec 9> "$parts/parallel.lock" || exit 1
if ! flock --nonblock 9; then
  say "$parts: another predict.sh is at work on it, or tasks that one has left: wait for them, or end them"
  exit 1
fi

# Which tasks are done is asked of their parts, not of the log of an earlier run.
log=$parts/parallel.log
rm -f "$log"
parallel --quote --joblog "$log" --termseq TERM,10000,KILL \
  "${BACKBONE_ZOO:-backbone-zoo}" predict "$model" --manifest "$manifest" --shard "{}/$shards" --out "$parts" --resume \
  --threads 1 "$@" < <(seq 0 $((shards - 1))) &
pid=$!

stopped=0 next_stop=0
# parallel sends TERM to its tasks; it takes none itself before it has begun, and a second one would end the tasks at once.
stop() {
  [ "$SECONDS" -ge "$next_stop" ] || return
  next_stop=$((SECONDS + 20))
  kill -TERM $pid 2> /dev/null
}
trap 'stopped=143' TERM
trap 'stopped=130' INT

# Numbers of the shards whose task ended with one of these codes.
ended_with() {
  awk -F'\t' -v codes=" $* " 'NR > 1 && $8 == 0 && index(codes, " " $7 " ") { print $1 - 1 }' "$log" 2> /dev/null
}

while kill -0 $pid 2> /dev/null; do
  if [ "$stopped" -ne 0 ] || [ -n "$(ended_with 2)" ]; then stop; fi
  sleep 0.5
done
wait $pid
failed=$?

if [ -n "$(ended_with 2)" ]; then
  refuse "a task ended with 2: mend what its message above names; running this again does not help before"
fi
if [ "$stopped" -ne 0 ]; then
  say "stopped; run it again to go on"
  exit "$stopped"
fi
good=0
for shard in $(ended_with 0 3); do  # with 3 a task is done, and has failed-*.jsonl
  printf -v receipt '%s/part-%05d-of-%05d.receipt.json' "$parts" "$shard" "$shards"
  [ -e "$receipt" ] && good=$((good + 1))
done
if [ "$good" -lt "$shards" ]; then
  say "$((shards - good)) of $shards shards are not done: mend what messages above name, and run it again to go on"
  exit 1
fi
[ "$failed" -le 101 ] || exit "$failed"
