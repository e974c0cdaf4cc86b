#include <utility>

#include <fmt/format.h>

#include "nn/graph/describe.h"
#include "nn/graph/picture.h"

namespace zoo::graph {
namespace {

class DotWriter final : public PictureWriter {
 public:
  explicit DotWriter(bool left_to_right) {
    if (left_to_right) line("rankdir=LR;");
  }
  void begin_group(const std::string& name) override {
    line(fmt::format("subgraph cluster_{} {{", groups_++));
    ++depth_;
    line(fmt::format("label=\"{}\";", escape(name)));
  }
  void end_group() override {
    --depth_;
    line("}");
  }
  void box(size_t index, const std::vector<std::string>& lines, Look look) override {
    std::string label;
    for (const std::string& text : lines) label += (label.empty() ? "" : "\\n") + escape(text);
    line(fmt::format("n{} [label=\"{}\", fillcolor=\"{}\"];", index, label, fill_colour(look)));
  }
  void output(size_t index, const std::string& name) override {
    line(fmt::format("o{} [label=\"{}\", shape=ellipse, fillcolor=\"{}\"];", index, escape(name),
                     fill_colour(Look::kTerminal)));
  }
  void edge(const std::string& from, const std::string& to) override { line(from + " -> " + to + ";"); }
  std::string finish() {
    text_ += "}\n";
    return std::move(text_);
  }

 private:
  static std::string escape(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
      if (c == '"' || c == '\\') escaped += '\\';
      escaped += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return escaped;
  }

  void line(std::string_view content) {
    text_.append(2 * depth_, ' ').append(content);
    text_ += '\n';
  }

  std::string text_ =
      "digraph network {\n"
      "  graph [fontname=\"Helvetica\", nodesep=0.3, ranksep=0.3, labeljust=l, color=\"#888888\"];\n"
      "  node [fontname=\"Helvetica\", fontsize=11, shape=box, style=\"rounded,filled\", height=0.3];\n";
  size_t depth_ = 1;
  size_t groups_ = 0;
};

}  // namespace

std::string to_dot(const Graph& graph, const Shape& input, const PictureOptions& options) {
  DotWriter writer(options.left_to_right);
  draw(graph, input, options.depth, writer);
  return writer.finish();
}

}  // namespace zoo::graph
