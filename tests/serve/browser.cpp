#include "tests/serve/browser.h"

#include <array>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <openssl/evp.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "tests/serve/client.h"

extern char** environ;

namespace zoo::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// What a window of Chromium needs where there is no screen, and no user.
const json kChromium = {{"args",
                         {"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                          "--no-first-run", "--hide-scrollbars", "--window-size=1920,1080"}}};

std::string decoded_base64(std::string text) {
  std::string bytes(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  bytes.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return bytes;
}

}  // namespace

Browser::Browser() {
  port_ = start_driver();
  const json capabilities = {
      {"capabilities",
       {{"alwaysMatch", {{"goog:chromeOptions", kChromium}, {"goog:loggingPrefs", {{"browser", "ALL"}}}}}}}};
  for (int tries = 0; session_.empty(); ++tries) {
    try {
      session_ = "/session/" + ask("POST", "/session", capabilities)["sessionId"].get<std::string>();
    } catch (const std::exception&) {
      if (tries < 3) continue;
      end_driver();
      throw;
    }
  }
}

Browser::~Browser() {
  try {
    if (!session_.empty()) ask("DELETE", session_);
  } catch (const std::exception&) {  // the driver ends it, too
  }
  end_driver();
}

void Browser::end_driver() const {
  kill(-driver_, SIGTERM);
  waitpid(driver_, nullptr, 0);
}

int Browser::start_driver() {
  std::array<int, 2> pipe_ends{};
  if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  std::string program = "chromedriver";
  std::string any_port = "--port=0";
  const std::array<char*, 3> arguments = {program.data(), any_port.data(), nullptr};
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t own_group;  // so that the browser ends with its driver
  posix_spawnattr_init(&own_group);
  posix_spawnattr_setflags(&own_group, POSIX_SPAWN_SETPGROUP);
  const int code = posix_spawnp(&driver_, program.c_str(), &actions, &own_group, arguments.data(), environ);
  posix_spawnattr_destroy(&own_group);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_ends[1]);
  if (code != 0) throw std::runtime_error("chromedriver cannot be started; it is in Debian's package chromium-driver");
  std::string output;
  constexpr std::string_view kBefore = "started successfully on port ";
  std::array<char, 4096> block{};
  size_t found = std::string::npos;
  while (found == std::string::npos || output.find('\n', found) == std::string::npos) {
    const ssize_t count = read(pipe_ends[0], block.data(), block.size());
    if (count <= 0) throw std::runtime_error("chromedriver ended: " + output);
    output.append(block.data(), static_cast<size_t>(count));
    found = output.find(kBefore);
  }
  close(pipe_ends[0]);
  return std::stoi(output.substr(found + kBefore.size()));
}

json Browser::ask(const std::string& method, const std::string& path, const json& body) {
  RawClient client(port_, 120);
  const std::string text = body.is_null() ? (method == "POST" ? "{}" : "") : body.dump();
  client.send(
      fmt::format("{} {} HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\n"
                  "Connection: close\r\nContent-Length: {}\r\n\r\n{}",
                  method, path, port_, text.size(), text));
  const Answer answer = read_answer(client);
  json value = json::parse(answer.body, nullptr, false);
  if (answer.status != 200 || !value.is_object()) {
    throw std::runtime_error("the browser: " + answer.head + answer.body.substr(0, 600));
  }
  return value["value"];
}

void Browser::cdp(const std::string& command, const json& parameters) {
  ask("POST", session_ + "/goog/cdp/execute", {{"cmd", command}, {"params", parameters}});
}

void Browser::open(const std::string& url) { ask("POST", session_ + "/url", {{"url", url}}); }

void Browser::set_size(int width, int height, double ratio) {
  cdp("Emulation.setDeviceMetricsOverride",
      {{"width", width}, {"height", height}, {"deviceScaleFactor", ratio}, {"mobile", width < 600}});
}

void Browser::set_dark(bool dark) {
  const json feature = {{"name", "prefers-color-scheme"}, {"value", dark ? "dark" : "light"}};
  cdp("Emulation.setEmulatedMedia", {{"features", json::array({feature})}});
}

void Browser::set_download(int bytes_per_second) {
  cdp("Network.enable", json::object());
  cdp("Network.emulateNetworkConditions",
      {{"offline", false}, {"latency", 0}, {"downloadThroughput", bytes_per_second}, {"uploadThroughput", -1}});
}

json Browser::run(const std::string& script) {
  return ask("POST", session_ + "/execute/sync", {{"script", script}, {"args", json::array()}});
}

bool Browser::wait_for(const std::string& expression) {
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (run("return Boolean(" + expression + ");") != true) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

void Browser::save_screenshot(const std::string& file) {
  std::ofstream(file, std::ios::binary) << decoded_base64(ask("GET", session_ + "/screenshot").get<std::string>());
}

std::string Browser::errors() {
  std::string text;
  for (const json& entry : ask("POST", session_ + "/se/log", {{"type", "browser"}})) {
    if (entry["level"] != "SEVERE" && entry["level"] != "WARNING") continue;
    text += entry["level"].get<std::string>() + ": " + entry["message"].get<std::string>() + "\n";
  }
  return text;
}

}  // namespace zoo::test
