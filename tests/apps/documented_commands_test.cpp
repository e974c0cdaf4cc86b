// Every command that README.md and docs/ show is run, in a folder that holds the files that they name.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <sys/wait.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/model.h"
#include "nn/weights/safetensors.h"
#include "tests/apps/program_runner.h"
#include "tests/support/redis_server.h"
#include "tests/support/temp_folder.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = ZOO_SOURCE_DIR;
const fs::path kSamples = kRoot / "configs/demo/samples";

/// Commands that need what a test has not.
struct Left {
  const char* pattern;  ///< found in the command
  const char* reason;
};
constexpr std::array kLeft = {
    Left{" pull ", "network"},
    Left{" --pretrained", "network"},
    Left{"predict demo/emoji 0 --show", "a camera"},
    Left{"v4l2src", "a camera"},
    Left{"live MODEL", "cameras"},
    Left{"camera.example", "a camera"},
    Left{" serve ", "runs until it is stopped; AreAnsweredByTheServer asks it"},
    Left{" worker ", "wants a server; AreWorkedOnByTheWorker has one"},
    Left{"tools/queue_", "wants idle cores and minutes; worker_test.cpp runs a short form"},
    Left{"tools/demo.sh", "installs packages"},
    Left{"tools/test.sh", "runs this test"},
    Left{"tools/lint.sh", "takes an hour"},
    Left{"tools/fuzz.sh", "takes a minute, and clang"},
    Left{"tools/bench_peers", "installs other runtimes; tools_test.cpp asks for its help"},
    Left{"tools/serve_load.sh", "wants idle cores, and tools that measure"},
    Left{"tools/startup.sh", "wants an idle core"},
    Left{"bench MODEL", "a form, not a command"},
    Left{"--source SOURCE", "a form, not a command"},
    Left{"cmake --install", "the package tests do"},
    Left{"own_head ", "the package tests do"},
};

/// What is in a fence without a language, one command an entry: lines that end in a backslash are joined, of blocks
/// with prompts what is typed, comments left out.
std::vector<std::string> commands_of(const fs::path& page) {
  std::ifstream stream(page);
  std::vector<std::string> commands;
  std::vector<std::string> block;
  bool inside = false;
  bool counts = false;
  const auto end_block = [&] {
    const bool has_prompts = std::ranges::any_of(block, [](const auto& line) { return line.starts_with("$ "); });
    for (std::string& line : block) {
      if (has_prompts && !line.starts_with("$ ")) continue;
      if (has_prompts) line.erase(0, 2);
      commands.push_back(std::move(line));
    }
    block.clear();
  };
  bool continues = false;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("```")) {
      if (inside) end_block();
      inside = !inside;
      counts = line == "```";
      continue;
    }
    if (!inside || !counts || line.empty() || line.starts_with("#")) continue;
    const bool goes_on = line.ends_with("\\");
    if (goes_on) line.pop_back();
    if (continues) {
      block.back() += line.substr(std::min(line.find_first_not_of(' '), line.size()));
    } else {
      block.push_back(line);
    }
    continues = goes_on;
  }
  return commands;
}

bool is_command(const std::string& line) {
  static const std::regex kCommand(
      R"((taskset -c [0-9,]+ )?(time )?(\$zoo|backbone-zoo|tools/\w+|cmake|g\+\+|own_head)\b.*)");
  return std::regex_match(line, kCommand);
}

/// Random weights for a model file, by the names that every loader of the project knows.
void write_weights(const fs::path& model, const fs::path& file, std::vector<ConfigOverride> overrides = {}) {
  const models::Model loaded = models::Model::load(model, {.random_weights = true, .overrides = std::move(overrides)});
  const auto& [graph, values] = loaded.network();
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (size_t i = 0; i < graph.parameters.size(); ++i) {
    tensors.emplace_back(graph.parameters[i].name,
                         Tensor{graph.parameters[i].shape, {values.views[i].begin(), values.views[i].end()}});
  }
  weights::write_safetensors(file, tensors);
}

/// The files that the pages name, as somebody who reads them would have them.
class DocumentedCommands : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"emoji", "emoji_detection", "emoji_segmentation"}) {
      fs::copy_file(kRoot / fmt::format("configs/demo/{}.safetensors", name),
                    folder_ / fmt::format("{}.safetensors", name));
    }
    for (const char* name : {"emoji_labels.txt", "emoji_scenes_labels.txt"}) {
      fs::copy_file(kRoot / "configs/demo" / name, folder_ / name);
    }
    for (const char* name : {"my_net", "my_model", "my_classifier"}) copy_model("emoji", name);
    copy_model("emoji_detection", "my_detector");
    copy_model("emoji_segmentation", "my_segmenter");
    fs::create_symlink(kRoot / "configs", folder_ / "configs");
    fs::create_directory(folder_ / "bin");
    fs::create_symlink(ZOO_PROGRAM, folder_ / "bin/backbone-zoo");
    for (const char* name : {"photo.jpg", "cat.jpg"}) fs::copy_file(kSamples / "dog.jpg", folder_ / name);
    fs::copy_file(kSamples / "clip.mp4", folder_ / "clip.mp4");
    fs::copy(kSamples / "backgrounds", folder_ / "backgrounds");
    for (const char* name : {"photos", "pictures"}) {
      fs::create_directory(folder_ / name);
      for (const char* picture : {"apple.jpg", "penguin.jpg"})
        fs::copy_file(kSamples / picture, folder_.path() / name / picture);
    }
  }

  void copy_model(const std::string& demo, const std::string& name) const {
    fs::copy_file(kRoot / fmt::format("configs/demo/{}.yaml", demo), folder_ / (name + ".yaml"));
  }

  /// What this command alone wants: weights that fit its network, ground truth of its task.
  void prepare(const std::string& command) const {
    std::smatch match;
    static const std::regex kZooModel(
        R"((?:configs/)?(timm/mobilenet\w+)(?:\.yaml)? .*--checkpoint (\w+)\.safetensors)");
    if (std::regex_search(command, match, kZooModel)) {
      std::vector<ConfigOverride> overrides;
      if (match[2] == "tuned") overrides = {{"model.num_classes", "10"}, {"model.labels", "~"}};
      write_weights(kRoot / fmt::format("configs/{}.yaml", match[1].str()), folder_ / (match[2].str() + ".safetensors"),
                    overrides);
    }
    if (command.find("classes.txt") != std::string::npos) {
      test::write_text(folder_ / "classes.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
    }
    if (command.find("my_weights") != std::string::npos) {
      fs::copy_file(folder_ / "emoji.safetensors", folder_ / "my_weights.safetensors");
    }
    if (command.find("imagenet/val") != std::string::npos) prepare_imagenet();
    if (command.find("--input input.safetensors") != std::string::npos) {
      run("backbone-zoo preprocess configs/demo/emoji.yaml --source photo.jpg --output input.safetensors");
    }
    if (command.find("--precision int8") != std::string::npos ||
        command.find("--precision auto") != std::string::npos) {
      run("backbone-zoo calibrate my_net.yaml --data pictures/");
    }
    if (command.find(" val/") != std::string::npos) prepare_ground_truth(command);
    prepare_job(command);
  }

  /// The list of a job, and its parts.
  void prepare_job(const std::string& command) const {
    const bool is_eval = command.find(" eval ") != std::string::npos;
    if (command.find("--manifest list.tsv") != std::string::npos || command.find(" merge ") != std::string::npos) {
      run(fmt::format("backbone-zoo manifest {} -o list.tsv", is_eval ? "val/" : "photos/"));
    }
    if (command.find(" merge ") == std::string::npos) return;
    for (int i = 0; i < 2; ++i) {
      run(fmt::format("backbone-zoo predict configs/demo/emoji.yaml --manifest list.tsv --shard {}/2 --out parts/", i));
    }
  }

  void prepare_imagenet() const {
    const fs::path model = kRoot / "configs/timm/mobilenetv3_small_100.yaml";
    write_weights(model, folder_ / "imagenet.safetensors");
    std::string text = test::read_text(model.string());
    text = std::regex_replace(text, std::regex("\n  name: "), "\n  checkpoint: {path: imagenet.safetensors}\n  name: ",
                              std::regex_constants::format_first_only);
    test::write_text(folder_ / "my_imagenet_net.yaml", text);
    for (const char* name : {"n01440764", "n15075141"}) {
      fs::create_directories(folder_.path() / "imagenet/val" / name);
      fs::copy_file(kSamples / "dog.jpg", folder_.path() / "imagenet/val" / name / "a.jpg");
    }
  }

  void prepare_ground_truth(const std::string& command) const {
    const fs::path val = folder_ / "val";
    fs::create_directories(val);
    if (command.find("my_detector") != std::string::npos) {
      fs::create_directory(val / "images");
      fs::copy_file(kSamples / "scenes/scene_1.jpg", val / "images/scene_1.jpg");
      test::write_text(
          (val / "annotations.json").string(),
          R"({"images": [{"id": 1, "file_name": "scene_1.jpg"}], "categories": [{"id": 1, "name": "house"}],
                           "annotations": [{"image_id": 1, "category_id": 1, "bbox": [10, 10, 50, 50]}]})");
    } else if (command.find("my_segmenter") != std::string::npos) {
      fs::create_directory(val / "images");
      fs::copy_file(kSamples / "scenes/scene_1.jpg", val / "images/scene_1.jpg");
      run("backbone-zoo predict my_segmenter.yaml --source val/images/scene_1.jpg --masks val/masks");
    } else {
      for (const char* name : {"apple", "penguin"}) {
        fs::create_directory(val / name);
        fs::copy_file(kSamples / fmt::format("{}.jpg", name), val / name / "a.jpg");
      }
    }
  }

  /// Yields the exit code; what was printed lies in the file "log".
  int run(const std::string& command) const {
    const std::string line = fmt::format(
        "cd '{}' && export PATH=\"$PWD/bin:$PATH\" zoo=backbone-zoo; unset DISPLAY WAYLAND_DISPLAY; {{ {}\n}} >log "
        "2>&1 </dev/null",
        folder_.path().string(), command);
    const int status = std::system(line.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  test::TempFolder folder_;
};

std::vector<fs::path> pages() {
  std::vector<fs::path> found = {kRoot / "README.md", kRoot / "CONTRIBUTING.md"};
  for (const auto& entry : fs::directory_iterator(kRoot / "docs")) {
    if (entry.path().extension() == ".md") found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

/// A command and the page that shows it.
struct Documented {
  std::string page;
  std::string command;
};

std::vector<Documented> all_commands() {
  std::vector<Documented> all;
  for (const fs::path& page : pages()) {
    for (const std::string& line : commands_of(page)) {
      if (is_command(line)) all.push_back({page.filename().string(), line});
    }
  }
  return all;
}

class DocumentedCommand : public DocumentedCommands, public ::testing::WithParamInterface<size_t> {};

TEST_P(DocumentedCommand, DoesWhatItIsShownFor) {
  const Documented documented = all_commands().at(GetParam());
  const auto left = std::ranges::find_if(
      kLeft, [&](const Left& row) { return documented.command.find(row.pattern) != std::string::npos; });
  if (left != kLeft.end()) return;
  prepare(documented.command);
  // The README's example of a wrong file.
  const bool is_wrong_file = documented.command == "backbone-zoo validate my_net.yaml";
  if (is_wrong_file) test::write_text(folder_ / "my_net.yaml", "model: {}\n");
  const int exit_code = run(documented.command);
  const std::string log = test::read_text(folder_ / "log");
  if (log.find("this machine has no A") != std::string::npos)
    return;  // bf16, int8 where f32 is faster, as the page says
  EXPECT_EQ(exit_code, is_wrong_file ? 2 : 0) << documented.page << ": " << documented.command << "\n" << log;
}

INSTANTIATE_TEST_SUITE_P(Pages, DocumentedCommand, ::testing::Range(size_t{0}, all_commands().size()));

/// What a server is asked on any page, by a shell, with the server's address in place of the page's.
std::vector<std::string> requests_to(const std::string& url) {
  std::vector<std::string> requests;
  for (const fs::path& page : pages()) {
    for (const std::string& line : commands_of(page)) {
      static const std::regex kRequest(R"(^(curl |printf .*\| curl ).*)");
      if (!std::regex_match(line, kRequest)) continue;
      const std::string command = std::regex_replace(line, std::regex("curl "), "curl --silent --show-error --fail ");
      requests.push_back(std::regex_replace(command, std::regex("http://127\\.0\\.0\\.1:8000"), url));
    }
  }
  return requests;
}

TEST_F(DocumentedCommands, AreAnsweredByTheServer) {
  std::vector<std::string> arguments = {"serve", "--listen", "127.0.0.1:0", "--json"};
  for (const auto& [name, model] :
       {std::pair("emoji", "emoji"), std::pair("boxes", "emoji_detection"), std::pair("masks", "emoji_segmentation")}) {
    arguments.push_back(fmt::format("{}={}/configs/demo/{}.yaml", name, kRoot.string(), model));
  }
  const test::RunningProgram server(arguments);
  ASSERT_TRUE(server.wait_for_output("\n")) << server.err_so_far();
  std::smatch url;
  const std::string ready = server.out_so_far();
  ASSERT_TRUE(std::regex_search(ready, url, std::regex(R"(http://127\.0\.0\.1:\d+)"))) << ready;
  const std::vector<std::string> requests = requests_to(url.str());
  EXPECT_GE(requests.size(), 9U);
  for (const std::string& request : requests) {
    EXPECT_EQ(run(request), 0) << request << "\n" << test::read_text(folder_ / "log");
  }
}

TEST_F(DocumentedCommands, AreWorkedOnByTheWorker) {
  const test::RedisServer server;
  int commands = 0;
  for (const std::string& line : commands_of(kRoot / "docs/scaling.md")) {
    if (line.find("redis-cli ") == std::string::npos && line.find(" worker ") == std::string::npos) continue;
    const std::string command = std::regex_replace(line, std::regex("6379"), std::to_string(server.port()));
    EXPECT_EQ(run(command), 0) << line << "\n" << test::read_text(folder_ / "log");
    ++commands;
  }
  EXPECT_GE(commands, 3);
  EXPECT_THAT(test::read_text(folder_ / "log"), ::testing::HasSubstr("\"source\":\"cam-1/000123\""))
      << "the last one shows it";
}

TEST(DocumentedCommandsList, HoldsWhatThePagesShow) {
  const std::vector<Documented> all = all_commands();
  EXPECT_GE(all.size(), 60U);
  for (const Left& row : kLeft) {
    EXPECT_TRUE(std::ranges::any_of(
        all, [&](const Documented& one) { return one.command.find(row.pattern) != std::string::npos; }))
        << row.pattern << ": no page shows it any more";
  }
}

}  // namespace
}  // namespace zoo
