// Our side of tools/bench_peers: keeps one network ready and runs it on command, one JSON line per reply (the protocol
// is that of tools/peers/side.mjs). `peer_server weights MODEL OUT.safetensors` writes made-up weights as a checkpoint,
// so that both sides load a file. `peer_server probe` answers each line "probe" with how busy the core's units are.
#include <charconv>
#include <chrono>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <pthread.h>
#include <sched.h>
#include <stop_token>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "benchmarks/core_probe.h"
#include "models/model.h"
#include "nn/core/error.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"

namespace zoo::benchmarks {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Time that this process has spent on cores, all threads together.
double cpu_milliseconds() {
  timespec time = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

/// Memory of this process that is in RAM.
double resident_mb() {
  std::ifstream stream("/proc/self/statm");
  int64_t pages = 0;
  stream >> pages >> pages;
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1024.0 * 1024.0);
}

void say(const Json& reply) { std::cout << reply.dump() << std::endl; }

struct Settings {
  std::string model;
  std::string checkpoint;
  std::string input;  ///< file of float32 values
  Shape shape;
  std::string precision;
  int threads = 1;
  std::vector<std::string> outputs;
};

std::vector<float> read_floats(const std::string& file, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  std::ifstream stream(file, std::ios::binary);
  stream.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  if (!stream) throw IoError(fmt::format("{}: cannot be read, or has fewer than {} values", file, count));
  return values;
}

class Server {
 public:
  explicit Server(const Settings& settings) {
    const std::vector<float> image = read_floats(settings.input, settings.shape.elements());
    const double memory_before = resident_mb();
    const Clock::time_point start = Clock::now();
    {
      models::LoadModelOptions load;
      load.checkpoint = settings.checkpoint;
      load.file_use = weights::FileUse::kInPlace;  // compiled once, at once
      const models::Model model = models::Model::load(settings.model, load);
      engine::CompileOptions compile;
      compile.tuned_threads = settings.threads;
      compile.outputs = settings.outputs;
      const bool vectors_only = settings.precision == "f32-vectors";
      if (vectors_only) compile.kernels.isa = engine::InstructionSet::kAvx512;
      compile.precision = vectors_only ? engine::Precision::kF32 : engine::precision_from(settings.precision);
      if (!compile.precision) throw EngineError(fmt::format("there is no precision {} yet", settings.precision));
      executable_ = model.compile(settings.shape, compile);
    }
    runner_ = executable_->new_runner(settings.threads);
    std::copy(image.begin(), image.end(), runner_->input().begin());
    runner_->run();
    say({{"load_ms", milliseconds_since(start)}, {"memory_mb", resident_mb() - memory_before}});
  }

  void serve() {
    std::string command;
    while (std::cin >> command) {
      if (command == "run") {
        int count = 0;
        std::cin >> count;
        run(count);
      } else if (command == "outputs") {
        std::string file;
        std::cin >> file;
        write_outputs(file);
      } else {
        throw Error(fmt::format("unknown command \"{}\"", command));
      }
    }
  }

 private:
  void run(int count) {
    runner_->run();
    std::vector<double> times;
    const double cpu_before = cpu_milliseconds();
    const Clock::time_point turn = Clock::now();
    for (int i = 0; i < count; ++i) {
      const Clock::time_point start = Clock::now();
      runner_->run();
      times.push_back(milliseconds_since(start));
    }
    say({{"times_ms", times}, {"cpu_share", (cpu_milliseconds() - cpu_before) / milliseconds_since(turn)}});
  }

  void write_outputs(const std::string& file) {
    std::map<std::string, size_t> by_name;
    for (size_t i = 0; i < executable_->outputs().size(); ++i) by_name[executable_->outputs()[i].name] = i;
    std::ofstream stream(file, std::ios::binary);
    Json described = Json::array();
    for (const auto& [name, index] : by_name) {
      const std::span<const float> values = runner_->output(index);
      stream.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
      described.push_back({{"name", name}, {"shape", executable_->outputs()[index].shape.dims}});
    }
    if (!stream.flush()) throw IoError(fmt::format("{}: cannot be written", file));
    say({{"outputs", described}});
  }

  std::shared_ptr<const engine::Executable> executable_;
  std::unique_ptr<engine::Runner> runner_;
};

int64_t number(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1) {
    throw Error(fmt::format("expected a positive number, found \"{}\"", text));
  }
  return value;
}

void write_weights(const std::string& model_file, const std::string& weights_file) {
  models::LoadModelOptions options;
  options.random_weights = true;
  const models::Model model = models::Model::load(model_file, options);
  std::vector<std::pair<std::string, Tensor>> tensors;
  const graph::BoundGraph& network = model.network();
  for (size_t id = 0; id < network.graph.parameters.size(); ++id) {
    const Parameter& parameter = network.graph.parameters[id];
    const std::span<const float> values = network.values.views[id];
    tensors.emplace_back(parameter.name, Tensor{parameter.shape, {values.begin(), values.end()}});
  }
  weights::write_safetensors(weights_file, tensors);
}

/// While alive, the core never idles: a thread takes what no other wants. A host gives the core of a guest that idles
/// to others, and may put the guest beside a busier thread when it wakes up.
class Wakefulness {
 public:
  Wakefulness()
      : thread_([](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
          }
        }) {
    const sched_param none = {};
    if (pthread_setschedparam(thread_.native_handle(), SCHED_IDLE, &none) != 0) {
      throw Error("the system does not let a thread take idle time only");
    }
  }

 private:
  std::jthread thread_;
};

/// The core's units whenever asked, after a first answer that says it is ready.
void serve_probes() {
  const Wakefulness awake;
  say({{"units", probe_core()}});
  std::string command;
  while (std::cin >> command) {
    if (command != "probe") throw Error(fmt::format("unknown command \"{}\"", command));
    say({{"units", probe_core()}});
  }
}

constexpr const char* kUsage =
    "usage: peer_server weights MODEL OUT.safetensors\n"
    "       peer_server probe\n"
    "       peer_server run MODEL CHECKPOINT INPUT N C H W PRECISION THREADS OUTPUT...\n";

int run_program(const std::vector<std::string>& arguments) {
  if (arguments.size() == 3 && arguments[0] == "weights") {
    write_weights(arguments[1], arguments[2]);
    return 0;
  }
  if (arguments.size() == 1 && arguments[0] == "probe") {
    serve_probes();
    return 0;
  }
  constexpr size_t kFixedArguments = 10;
  if (arguments.size() <= kFixedArguments || arguments[0] != "run") {
    std::cerr << kUsage;
    return 2;
  }
  Settings settings;
  settings.model = arguments[1];
  settings.checkpoint = arguments[2];
  settings.input = arguments[3];
  settings.precision = arguments[8];
  for (size_t i = 4; i < 8; ++i) settings.shape.dims.push_back(number(arguments[i]));
  settings.threads = static_cast<int>(number(arguments[9]));
  settings.outputs.assign(arguments.begin() + kFixedArguments, arguments.end());
  try {
    Server(settings).serve();
  } catch (const ConfigError& error) {
    say({{"refused", fmt::format("{}", fmt::join(error.problems(), "; "))}});
    return 2;
  } catch (const EngineError& error) {
    say({{"refused", error.what()}});
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace zoo::benchmarks

int main(int argc, char** argv) {
  try {
    return zoo::benchmarks::run_program({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "peer_server: " << error.what() << '\n';
    return 1;
  }
}
