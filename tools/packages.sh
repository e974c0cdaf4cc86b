# Packages of the project, of these names in Debian 12 and 13, read by tools/setup.sh.

# To build and run the program.
build_packages=(
  g++ cmake ninja-build ccache pkg-config
  libdnnl-dev ocl-icd-opencl-dev # oneDNN; its CMake package asks for OpenCL
  libopencv-dev
  libjpeg62-turbo-dev libpng-dev libtiff-dev libwebp-dev # pictures: OpenCV's own reader loads 140 libraries at each start
  libavformat-dev libavcodec-dev libavutil-dev libswscale-dev # videos and streams
  libmicrohttpd-dev prometheus-cpp-dev # HTTP: the live view, serving models; figures for Prometheus
  libmosquitto-dev # MQTT: live --publish
  libhiredis-dev # Redis streams: the worker
  libpango1.0-dev fonts-dejavu-core # labels of any script in pictures
  zlib1g-dev # EXIF in the text chunks of a PNG
  libyaml-cpp-dev
  libonnx-dev libprotobuf-dev # export --onnx
  libzip-dev # PyTorch checkpoints
  libcurl4-openssl-dev libssl-dev ca-certificates # downloading published checkpoints and checking their hashes
  libcli11-dev libspdlog-dev libfmt-dev nlohmann-json3-dev
)

# To build and run the tests and benchmarks.
test_packages=(
  ffmpeg # makes the videos that tests read, and says what is in them
  curl # what the pages ask a server
  libgtest-dev libgmock-dev libbenchmark-dev
  fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji # labels in pictures
  chromium chromium-driver # the page of the live view, as a browser shows it
  mosquitto mosquitto-clients # a broker, and who reads what is published
  redis-server # queues of the worker
  xvfb x11-utils # a display for --show
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good # live test source
  slurmctld slurmd slurm-client munge parallel # jobs of many tasks
  python3-gi gir1.2-gst-rtsp-server-1.0 # a camera for tests
)
