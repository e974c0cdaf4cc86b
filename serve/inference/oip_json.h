// The JSON of an inference request, token by token: numbers go straight into vectors, nothing recurses, and nothing is
// kept that a request cannot have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace zoo::serve {

/// Dimensions of a tensor at most.
inline constexpr size_t kMaxOipRank = 8;
/// Texts, or files, of a request at most: each costs many times what a short one takes in the body.
inline constexpr size_t kMaxOipTexts = 4096;

/// Values of the protocol's "parameters".
using OipValue = std::variant<bool, int64_t, double, std::string>;
using OipParameters = std::vector<std::pair<std::string, OipValue>>;

/// One of "inputs", not compared with any model yet.
struct OipInput {
  std::string name;
  std::string datatype;
  std::vector<int64_t> shape;
  std::optional<int64_t> binary_bytes;  ///< its data follows the JSON
  bool has_data = false;
  std::vector<size_t> nesting;  ///< of the data's lists: sizes, outermost first
  size_t count = 0;             ///< of the data's elements, which are in one of:
  std::vector<float> numbers;
  std::vector<uint8_t> bytes;  ///< where "datatype" UINT8 came before "data"
  std::vector<std::string> texts;
  bool has_bools = false;  ///< they are not kept
};

/// One of "outputs".
struct OipOutput {
  std::string name;
  std::optional<bool> binary;
  int64_t classes = 0;  ///< of the classification extension; 0: not asked for
};

struct OipRequestJson {
  std::optional<std::string> id;
  OipParameters parameters;  ///< those that are the client's own
  bool binary_outputs = false;
  std::optional<int64_t> timeout_us;
  std::vector<OipInput> inputs;
  std::vector<OipOutput> outputs;
};

/// Throws Error: no JSON, a key twice or unknown, a value of the wrong kind, numbers beyond FP32 or what their datatype
/// holds, lists that are uneven or too deep.
OipRequestJson parse_oip_json(std::string_view json);

}  // namespace zoo::serve
