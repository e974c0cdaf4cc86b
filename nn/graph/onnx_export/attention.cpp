// Multi-query attention with matrix products.
#include <cmath>

#include <fmt/format.h>

#include "nn/graph/onnx_export/node_writer.h"

namespace zoo::onnx_export {

void NodeWriter::write_op(const graph::MultiQueryAttention& op) {
  const int64_t queries = source_shape(0)[2] * source_shape(0)[3];
  const int64_t keys = source_shape(1)[2] * source_shape(1)[3];
  // Of a Reshape's sizes, 0 keeps the extent: the images of the batch.
  const auto reshape = [this](std::string_view part, const std::string& src, const std::vector<int64_t>& sizes) {
    return add("Reshape", part,
               {src, integers(fmt::format("{}shape", part.empty() ? "" : fmt::format("{}/", part)), sizes)});
  };
  const auto transpose = [this](std::string_view part, const std::string& src, const std::vector<int64_t>& axes) {
    return add("Transpose", part, {src}, {{"perm", axes}});
  };

  // Keys and values are shared, so the queries of all heads are the rows of one matrix.
  const std::string heads = reshape("query/heads", source(0), {0, op.heads, op.key_dim, queries});
  const std::string rows = transpose("query/rows", heads, {0, 1, 3, 2});
  const std::string query = reshape("query", rows, {0, op.heads * queries, op.key_dim});
  const std::string key = reshape("key", source(1), {0, op.key_dim, keys});
  const std::string value = transpose("value", reshape("value/columns", source(2), {0, op.value_dim, keys}), {0, 2, 1});

  // Before the product, as timm does: OpenCV 4.6 forgets a factor behind a product of two computed matrices.
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(op.key_dim)));
  const std::string scaled = add("Mul", "query/scaled", {query, scalar(scale)});
  const std::string scores = add("MatMul", "scores", {scaled, key});
  const std::string weights = add("Softmax", "weights", {scores}, {{"axis", int64_t{-1}}});
  const std::string mix = add("MatMul", "mix", {weights, value});

  const std::string mixed = reshape("mix/heads", mix, {0, op.heads, queries, op.value_dim});
  const std::string channels = transpose("mix/channels", mixed, {0, 1, 3, 2});
  reshape("", channels, {0, op.heads * op.value_dim, shape()[2], shape()[3]});
}

}  // namespace zoo::onnx_export
