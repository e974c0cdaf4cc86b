#!/usr/bin/env bash
# Feeds the reader of videos with random containers, and the server's readers of requests with random bodies, for a minute
# each. Usage: tools/fuzz.sh [SECONDS]
# Needs clang with libFuzzer (Debian: clang). What crashes, hangs or takes too much memory is left in build/fuzz/found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v clang++ >/dev/null || { echo "fuzz: clang is missing; apt-get install clang" >&2; exit 1; }
tools/setup.sh test
# Without modules: everything is in the program, and what is fuzzed has its branches counted.
cmake -S . -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER=clang++ \
  -DCMAKE_CXX_FLAGS=-fsanitize=fuzzer-no-link -DZOO_SANITIZE=address,undefined -DZOO_MODULES=OFF \
  -DZOO_BUILD_FUZZERS=ON -DZOO_BUILD_TESTS=OFF -DZOO_BUILD_APPS=OFF >/dev/null
cmake --build build/fuzz --target fuzz_video fuzz_requests >/dev/null

# Small videos of many kinds to begin with.
seeds=build/fuzz/seeds
mkdir -p "$seeds" build/fuzz/found
make_seed() { ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=size=32x16:rate=10:duration=0.5 "${@:2}" "$seeds/$1"; }
make_seed a.mp4 -c:v libx264 -preset ultrafast -movflags +faststart
make_seed b.mp4 -c:v mpeg4 -movflags frag_keyframe+empty_moov
make_seed a.mkv -c:v libx264 -preset ultrafast
make_seed a.webm -c:v libvpx -deadline realtime
make_seed a.avi -c:v mjpeg -pix_fmt yuvj422p
make_seed b.avi -c:v rawvideo -pix_fmt bgr24
make_seed a.ts -c:v mpeg2video -r 25
make_seed a.mov -c:v qtrle -pix_fmt argb
make_seed a.flv -c:v flv
make_seed a.gif
make_seed a.mjpeg
make_seed a.h264 -c:v libx264 -preset ultrafast

# FFmpeg's own libraries are not instrumented: a crash inside them counts all the same.
build/fuzz/tests/fuzz/fuzz_video -max_total_time="${1:-60}" -max_len=20000 -timeout=20 -rss_limit_mb=2048 \
  -artifact_prefix=build/fuzz/found/ -print_final_stats=1 "$seeds"

# Requests that are right, to begin with: a byte that says what reads them, two for the length of the JSON.
seeds=build/fuzz/request_seeds
mkdir -p "$seeds"
printf '\7..{"id":"1","inputs":[{"name":"input","shape":[1,3,1,1],"datatype":"FP32","data":[[[[1]],[[-2.5]],[[3e1]]]]}]}' >"$seeds/nested"
printf '\7..{"inputs":[{"name":"images","shape":[1],"datatype":"BYTES","data":["eA=="]}],"parameters":{"a":true}}' >"$seeds/base64"
printf '\4\156\0{"inputs":[{"name":"images","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":5}}],"outputs":[]}\1\0\0\0x' >"$seeds/binary"
printf '\7..{"inputs":[{"name":"input","shape":[1,3,1,1],"datatype":"FP32","data":[1,2,3]}],"outputs":[{"name":"logits","parameters":{"classification":2}}]}' >"$seeds/classes"
printf '\0..--b\r\nContent-Disposition: form-data; name="image"\r\n\r\nx\r\n--b--' >"$seeds/form"
printf '\3..multipart/form-data; boundary="b"' >"$seeds/boundary"
{ printf '\2..'; printf 'text' | gzip; } >"$seeds/gzip"
build/fuzz/tests/fuzz/fuzz_requests -max_total_time="${1:-60}" -max_len=4000 -timeout=20 -rss_limit_mb=1024 \
  -artifact_prefix=build/fuzz/found/ -print_final_stats=1 "$seeds"
