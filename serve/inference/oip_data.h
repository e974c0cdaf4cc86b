// The "data" of one input, flat or as lists in lists, token by token.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "serve/inference/oip_json.h"

namespace zoo::serve {

/// What returns false has found something wrong: problem() says what; nothing may follow.
class OipDataReader {
 public:
  /// Before the outermost list of `input`, which is filled.
  void begin(OipInput& input);

  bool open_list();
  bool close_list();
  /// Whether the outermost list has ended.
  bool is_complete() const { return counts_.empty(); }

  /// `value`, and the FP32 nearest to what the text says.
  bool number(double value, float nearest);
  bool text(std::string value);
  /// Of BOOL, which are counted only.
  bool truth();

  const std::string& problem() const { return problem_; }

 private:
  bool element();
  bool fail(std::string problem);

  OipInput* input_ = nullptr;
  std::vector<size_t> counts_;  ///< elements so far of the lists that are open
  size_t most_ = 0;             ///< elements of the shape, where that came before
  size_t leaf_depth_ = 0;       ///< lists around the elements; 0: none yet
  std::string problem_;
};

}  // namespace zoo::serve
