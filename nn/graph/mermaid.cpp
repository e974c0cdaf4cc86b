#include <utility>

#include <fmt/format.h>

#include "nn/graph/describe.h"
#include "nn/graph/picture.h"

namespace zoo::graph {
namespace {

class MermaidWriter final : public PictureWriter {
 public:
  explicit MermaidWriter(bool left_to_right) : text_(left_to_right ? "flowchart LR\n" : "flowchart TD\n") {}
  void begin_group(const std::string& name) override {
    line(fmt::format("subgraph g{}[\"{}\"]", groups_++, escape(name)));
    ++depth_;
  }
  void end_group() override {
    --depth_;
    line("end");
  }
  void box(size_t index, const std::vector<std::string>& lines, Look look) override {
    std::string label;
    for (const std::string& text : lines) label += (label.empty() ? "" : "<br/>") + escape(text);
    line(fmt::format("n{}[\"{}\"]:::{}", index, label, class_name(look)));
  }
  void output(size_t index, const std::string& name) override {
    line(fmt::format("o{}([\"{}\"]):::{}", index, escape(name), class_name(Look::kTerminal)));
  }
  void edge(const std::string& from, const std::string& to) override { line(from + " --> " + to); }
  std::string finish() {
    for (const Look look : {Look::kTerminal, Look::kLayer, Look::kGate, Look::kOther}) {
      line(fmt::format("classDef {} fill:{},stroke:#555", class_name(look), fill_colour(look)));
    }
    return std::move(text_);
  }

 private:
  static std::string_view class_name(Look look) {
    switch (look) {
      case Look::kTerminal:
        return "terminal";
      case Look::kLayer:
        return "layer";
      case Look::kGate:
        return "gate";
      case Look::kOther:
        break;
    }
    return "other";
  }

  /// Mermaid's entity codes for what would end a label or be read as markup.
  static std::string escape(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
      if (std::string_view("\"#<>&`;\\").find(c) != std::string_view::npos || static_cast<unsigned char>(c) < 0x20) {
        escaped += fmt::format("#{};", static_cast<int>(c));
      } else {
        escaped += c;
      }
    }
    return escaped;
  }

  void line(std::string_view content) {
    text_.append(2 * depth_, ' ').append(content);
    text_ += '\n';
  }

  std::string text_;
  size_t depth_ = 1;
  size_t groups_ = 0;
};

}  // namespace

std::string to_mermaid(const Graph& graph, const Shape& input, const PictureOptions& options) {
  MermaidWriter writer(options.left_to_right);
  draw(graph, input, options.depth, writer);
  return writer.finish();
}

}  // namespace zoo::graph
