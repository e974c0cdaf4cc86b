// A server with three models, and what its answers say.
#pragma once

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/serve/client.h"
#include "tests/serve/fake_inference.h"

namespace zoo::test {

inline constexpr const char* kHost = "Host: 127.0.0.1\r\n";

inline std::string header(const Answer& answer, const std::string& name) {
  const size_t at = answer.head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const size_t begin = at + name.size() + 4;
  return answer.head.substr(begin, answer.head.find("\r\n", begin) - begin);
}

inline nlohmann::json json_of(const Answer& answer) {
  EXPECT_EQ(header(answer, "Content-Type"), "application/json");
  nlohmann::json body = nlohmann::json::parse(answer.body, nullptr, false);
  EXPECT_FALSE(body.is_discarded()) << answer.body;
  return body;
}

/// The status and the message of a failure, which is `{"error": text}` and nothing else.
inline std::string failure(const Answer& answer) {
  const nlohmann::json body = json_of(answer);
  EXPECT_EQ(body.size(), 1U) << answer.body;
  return std::to_string(answer.status) + " " + body.value("error", "");
}

class InferenceClient : public ::testing::Test {
 protected:
  Answer get(const std::string& path) const { return test::get(server_.port(), path); }
  Answer post(const std::string& path, const std::string& body, const std::string& more_headers = {}) const {
    return ask(server_.port(), "POST", path, body, kHost + more_headers);
  }

  FakeInference service_{{fake_classifier("pets"), fake_detector("cars"), fake_segmenter("roads")}};
  FakeInferenceServer server_{service_};
};

}  // namespace zoo::test
