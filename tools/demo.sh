#!/usr/bin/env bash
# Sets up, builds, and shows the main job with the demo networks: naming the emoji in a few pictures and in a clip, finding
# and outlining several in one picture.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/setup.sh build
echo "building (the first time some ten minutes on two cores) ..." >&2
tools/build.sh release -DZOO_BUILD_TESTS=OFF -DZOO_BUILD_BENCHMARKS=OFF

zoo=build/release/apps/backbone-zoo
model=configs/demo/emoji.yaml
out=out/demo

echo
echo "\$ backbone-zoo predict $model --source 'configs/demo/samples/*.jpg' --save $out"
$zoo predict $model --source 'configs/demo/samples/*.jpg' --save $out
echo
echo "\$ backbone-zoo predict $model --source configs/demo/samples/clip.mp4 --save $out"
$zoo predict $model --source configs/demo/samples/clip.mp4 --save $out

scenes=configs/demo/samples/scenes
echo
echo "\$ backbone-zoo predict configs/demo/emoji_detection.yaml --source '$scenes/*.jpg' --score-thresh 0.5 --save $out/boxes"
$zoo predict configs/demo/emoji_detection.yaml --source "$scenes/*.jpg" --score-thresh 0.5 --save $out/boxes
echo
echo "\$ backbone-zoo predict configs/demo/emoji_segmentation.yaml --source '$scenes/*.jpg' --save $out/masks"
$zoo predict configs/demo/emoji_segmentation.yaml --source "$scenes/*.jpg" --save $out/masks

cat <<END

Annotated pictures and the clip are in $out/. Next:
  $zoo predict $model 0 --show              # your webcam: hold up a phone that shows an emoji
  $zoo predict $model photo.jpg             # your own picture
  $zoo predict timm/mobilenetv3_small_100 photo.jpg --checkpoint model.safetensors
                                            # ImageNet classes with weights you have (timm's model.safetensors)
  $zoo pull timm/mobilenetv3_small_100      # or the published ones, then: predict ... --pretrained
  $zoo summary netspresso/mobilenetv3-large-classification
                                            # another network: only another YAML
END
