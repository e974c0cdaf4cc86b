// Answers that are JSON. Internal to serve/inference.
#pragma once

#include <cmath>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "serve/http/http_message.h"

namespace zoo::serve {

/// On one line; bytes outside UTF-8 become U+FFFD.
inline std::string compact_json(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// Rounded: what people read needs no more than six places.
inline double in_millionths(float value) { return std::round(static_cast<double>(value) * 1e6) / 1e6; }

/// With its quotes.
inline std::string json_text(std::string_view text) { return compact_json(nlohmann::ordered_json(text)); }

inline HttpResponse json_response(const nlohmann::ordered_json& value) { return {.body = compact_json(value) + "\n"}; }

}  // namespace zoo::serve
