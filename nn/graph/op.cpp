#include "nn/graph/op.h"

#include "nn/graph/op_traits_layers.h"
#include "nn/graph/op_traits_maps.h"

namespace zoo::graph {

std::string_view to_string(ResizeMode mode) { return mode == ResizeMode::kNearest ? "nearest" : "bilinear"; }

std::string_view op_name(const Op& op) {
  return std::visit([]<typename Typed>(const Typed&) { return OpTraits<Typed>::kName; }, op);
}

std::vector<ParameterId> parameters_of(const Op& op) {
  std::vector<ParameterId> ids =
      std::visit([]<typename Typed>(const Typed& typed) { return OpTraits<Typed>::parameters(typed); }, op);
  std::erase(ids, kNone);
  return ids;
}

bool yields_vector(const Op& op, bool source_is_vector) {
  const Yields yields = std::visit([]<typename Typed>(const Typed&) { return OpTraits<Typed>::kYields; }, op);
  return yields == Yields::kVector || (yields == Yields::kAsItsSource && source_is_vector);
}

}  // namespace zoo::graph
