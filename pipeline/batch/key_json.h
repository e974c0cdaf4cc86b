// Keys of jobs as JSON, for what stands around them in files. Not installed: nobody else names the library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "pipeline/batch/job_key.h"

namespace zoo::batch {

using KeyJson = nlohmann::ordered_json;

/// Of the files around parts.
inline constexpr int64_t kPartVersion = 1;

KeyJson to_key_json(const JobKey& key);
/// One line without the line feed; what is no UTF-8 is repaired.
std::string to_text(const KeyJson& json);

/// Each throws IoError, `what: problem`.
KeyJson parse_key_json(std::string_view text, std::string_view what);
std::string text_in(const KeyJson& json, const std::string& name, std::string_view what);
int64_t count_in(const KeyJson& json, const std::string& name, std::string_view what);
JobKey key_of(const KeyJson& json, std::string_view what);

}  // namespace zoo::batch
