// A Hugging Face hub with the files of a test: answers as huggingface.co does, large files through a redirect to a
// content server of another name.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "tests/support/http_server.h"

namespace zoo::test {

struct FakeFile {
  std::string content{};
  std::string hash{};  ///< SHA-256 of a large file, git's SHA-1 of a small one
  bool large = false;
};

class FakeHub {
 public:
  /// May answer in the hub's place.
  using Intercept = std::function<std::optional<HttpReply>(const HttpRequest&)>;

  FakeHub(std::string repository, std::string commit)
      : repository_(std::move(repository)),
        commit_(std::move(commit)),
        server_([this](const HttpRequest& request) { return answer(request); }) {}

  void put(const std::string& name, FakeFile file) {
    const std::lock_guard lock(mutex_);
    files_[name] = std::move(file);
  }
  void intercept(Intercept intercept) {
    const std::lock_guard lock(mutex_);
    intercept_ = std::move(intercept);
  }
  HttpServer& server() { return server_; }

 private:
  HttpReply answer(const HttpRequest& request) {
    const std::lock_guard lock(mutex_);
    if (intercept_) {
      if (auto reply = intercept_(request)) return *reply;
    }
    for (const auto& [name, file] : files_) {
      if (request.path == "/cdn/" + file.hash) return file_reply(request, file.content, "\"cdn-" + file.hash + "\"");
      for (const std::string& revision : {std::string("main"), commit_}) {
        if (request.path != "/" + repository_ + "/resolve/" + revision + "/" + name) continue;
        if (!file.large) {
          HttpReply reply = file_reply(request, file.content, "\"" + file.hash + "\"");
          reply.headers.emplace_back("X-Repo-Commit", commit_);
          return reply;
        }
        return {.status = 302,
                .headers = {{"X-Repo-Commit", commit_},
                            {"X-Linked-Etag", "\"" + file.hash + "\""},
                            {"X-Linked-Size", std::to_string(file.content.size())},
                            {"ETag", "\"of-the-redirect\""},
                            {"Location", server_.localhost_url("/cdn/" + file.hash)}},
                .body = "Found. Redirecting"};
      }
    }
    return {.status = 404, .headers = {{"X-Error-Code", "EntryNotFound"}}, .body = "Entry not found"};
  }

  std::string repository_;
  std::string commit_;
  std::mutex mutex_;
  std::map<std::string, FakeFile> files_;
  Intercept intercept_;
  HttpServer server_;
};

}  // namespace zoo::test
