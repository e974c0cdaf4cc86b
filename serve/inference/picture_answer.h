// What a task says of one picture, read from a model's reply.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/inference/infer_types.h"

namespace zoo::serve {

struct AnsweredLabel {
  std::string label;
  int64_t index = 0;  ///< of the class
  float score = 0;
};

struct AnsweredBox {
  AnsweredLabel what;
  float left = 0;  ///< pixels of the picture, as the other three
  float top = 0;
  float right = 0;
  float bottom = 0;
};

/// The parts that the model's task has.
struct PictureAnswer {
  std::optional<std::vector<AnsweredLabel>> labels;  ///< best first
  std::optional<bool> known;
  std::optional<std::vector<AnsweredBox>> boxes;  ///< best first
  std::optional<std::string> mask;                ///< a PNG
};

/// Of a request with one picture. Throws InferError, 500, where the reply contradicts itself.
PictureAnswer picture_answer(InferReply reply);

/// One picture, `images` [1]; the task's answers. Throws InferError, 400, where the model takes no pictures.
InferRequest picture_request(std::string picture, const ServedModelInfo& model);

/// Whether a model's answers are boxes.
bool is_detector(const ServedModelInfo& model);

}  // namespace zoo::serve
