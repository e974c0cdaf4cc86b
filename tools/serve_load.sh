#!/usr/bin/env bash
# What serving costs beside predict, in turns: pictures per second, times at half load, the 65th client beside 64 idle ones,
# overload with its counts, from exec to ready. Needs wrk, hey and curl (Debian packages); asks 127.0.0.1 only.
# Usage: tools/serve_load.sh [SECONDS of overload], by default 20
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for tool in wrk hey curl; do
  command -v "$tool" >/dev/null || { echo "serve_load: $tool is missing: apt-get install $tool" >&2; exit 1; }
done
program=build/release/apps/backbone-zoo
picture=configs/demo/samples/butterfly.jpg
overload_s=${1:-20}
port=18477
address=http://127.0.0.1:$port
server=
folder=$(mktemp -d)
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT

# Prints how long it took from exec to the first 200.
start() {
  local begin
  begin=$(date +%s%N)
  "$program" serve emoji=demo/emoji --listen "127.0.0.1:$port" "$@" 2>"$folder/server.txt" &
  server=$!
  until curl --silent --fail --output /dev/null "$address/v2/health/ready"; do
    kill -0 "$server" 2>/dev/null || { cat "$folder/server.txt" >&2; exit 1; }
  done
  echo "ready after $((($(date +%s%N) - begin) / 1000000)) ms"
}
stop() {
  kill "$server"
  wait "$server" || true
  server=
}
post() { hey -m POST -D "$picture" -T image/jpeg "$@" "$address/predict/emoji"; }
memory() { awk '/VmRSS/ {print "resident: " $2 " KB"}' "/proc/$server/status"; }

for i in $(seq 1000 2999); do cp "$picture" "$folder/$i.jpg"; done
cat >"$folder/post.lua" <<END
wrk.method = "POST"
wrk.body = io.open("$picture", "rb"):read("*a")
END

start
for _ in 1 2 3; do
  echo "predict: $("$program" predict configs/demo/emoji.yaml --source "$folder/*.jpg" --json /dev/null 2>&1 | grep -o '[0-9.]* pictures/s')"
  rate=$(wrk -t1 -c4 -d5s -s "$folder/post.lua" "$address/predict/emoji" | awk '/Requests\/sec/ {print $2}')
  echo "serve:   $rate pictures/s"
done
echo "half load:"
post -z 10s -c 6 -q "$(awk -v rate="$rate" 'BEGIN {print int(rate / 2 / 6)}')" | grep -E '50% in|99% in|responses'
echo "alone:"
post -n 400 -c 1 | grep -E '50% in|99% in'
echo "beside 64 idle connections:"
idle=()
for _ in $(seq 64); do
  exec {fd}<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n' >&"$fd"
  idle+=("$fd")
done
post -n 400 -c 1 | grep -E '50% in|99% in'
for fd in "${idle[@]}"; do exec {fd}>&-; done
stop

start --queue 16
memory
echo "overload, twofold, ${overload_s} s:"
# hey forgets what comes after its first million of responses: several of it, each of which stays below.
clients=()
for part in 1 2 3 4; do
  post -z "${overload_s}s" -c 8 -q "$(awk -v rate="$rate" 'BEGIN {print int(rate * 2 / 32)}')" >"$folder/overload$part.txt" &
  clients+=($!)
done
wait "${clients[@]}"
grep --no-filename responses "$folder"/overload?.txt | awk '{count[$1] += $2} END {for (code in count) print "  " code, count[code], "responses"}'
grep --no-filename -A3 'Error distribution' "$folder"/overload?.txt || true
curl --silent "$address/metrics" | grep -E '^nv_inference_request_(success|failure)'
memory
stop
