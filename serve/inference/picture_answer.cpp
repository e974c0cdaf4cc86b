#include "serve/inference/picture_answer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "serve/inference/inference_service.h"
#include "serve/inference/tensor_names.h"

namespace zoo::serve {
namespace {

class ReplyReader {
 public:
  explicit ReplyReader(InferReply reply) : reply_(std::move(reply)) {}

  PictureAnswer read();

 private:
  /// Null where the task has no such output.
  template <typename Element>
  const std::vector<Element>* find(std::string_view name) const {
    const auto found = std::ranges::find(reply_.outputs, name, &NamedTensor::name);
    return found == reply_.outputs.end() ? nullptr : std::get_if<std::vector<Element>>(&found->data);
  }
  std::vector<AnsweredLabel> labels() const;
  std::vector<AnsweredBox> boxes(const std::vector<float>& corners) const;

  InferReply reply_;
};

std::vector<AnsweredLabel> ReplyReader::labels() const {
  const auto* labels = find<std::string>(kLabels);
  const auto* scores = find<float>(kScores);
  const auto* classes = find<int64_t>(kClasses);
  const bool complete = labels != nullptr && scores != nullptr && classes != nullptr &&
                        labels->size() == scores->size() && labels->size() == classes->size();
  if (!complete) throw InferError({.message = "the model's labels, scores and classes do not belong together"});
  std::vector<AnsweredLabel> answered;
  answered.reserve(labels->size());
  for (size_t i = 0; i < labels->size(); ++i) answered.push_back({(*labels)[i], (*classes)[i], (*scores)[i]});
  return answered;
}

std::vector<AnsweredBox> ReplyReader::boxes(const std::vector<float>& corners) const {
  std::vector<AnsweredLabel> what = labels();
  if (corners.size() != 4 * what.size()) throw InferError({.message = "the model's boxes and labels differ in number"});
  std::vector<AnsweredBox> answered;
  answered.reserve(what.size());
  for (size_t i = 0; i < what.size(); ++i) {
    const float* box = corners.data() + 4 * i;
    answered.push_back({std::move(what[i]), box[0], box[1], box[2], box[3]});
  }
  std::ranges::stable_sort(answered, std::ranges::greater{}, [](const AnsweredBox& box) { return box.what.score; });
  return answered;
}

PictureAnswer ReplyReader::read() {
  PictureAnswer answer;
  if (const auto* corners = find<float>(kBoxes)) {
    answer.boxes = boxes(*corners);
  } else if (find<std::string>(kLabels) != nullptr) {
    answer.labels = labels();
  }
  if (const auto* known = find<uint8_t>(kKnown); known != nullptr && !known->empty())
    answer.known = known->front() != 0;
  if (const auto* masks = find<std::string>(kMasks); masks != nullptr && !masks->empty()) answer.mask = masks->front();
  return answer;
}

}  // namespace

PictureAnswer picture_answer(InferReply reply) { return ReplyReader(std::move(reply)).read(); }

InferRequest picture_request(std::string picture, const ServedModelInfo& model) {
  const auto images = std::ranges::find(model.inputs, kImages, &TensorInfo::name);
  if (images == model.inputs.end()) {
    throw InferError({.status = 400, .message = fmt::format("the model \"{}\" takes no pictures", model.name)});
  }
  std::vector<std::string> pictures;
  pictures.push_back(std::move(picture));
  return {.input = {std::string(kImages), Datatype::kBytes, {1}, std::move(pictures)}, .outputs = {}};
}

bool is_detector(const ServedModelInfo& model) {
  return std::ranges::find(model.outputs, kBoxes, &TensorInfo::name) != model.outputs.end();
}

}  // namespace zoo::serve
