#include "tests/serve/metrics_text_checker.h"

#include <cmath>
#include <cstdlib>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <utility>

namespace zoo::test {
namespace {

struct Sample {
  std::string name;
  std::string labels;  ///< with their braces; without `le`
  std::string le;
  double value = 0.0;
};

class Checker {
 public:
  CheckedMetrics check(const std::string& text) {
    if (!text.ends_with('\n')) complain("the text", "has no line end");
    std::istringstream lines(text);
    std::string line;
    while (std::getline(lines, line)) take(line);
    end_family();
    return std::move(result_);
  }

 private:
  void complain(const std::string& where, const std::string& what) { result_.problems.push_back(where + ": " + what); }

  void take(const std::string& line) {
    static const std::regex comment(R"(# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+))");
    std::smatch match;
    if (!line.starts_with('#')) return take_sample(line);
    if (!std::regex_match(line, match, comment)) return complain(line, "neither HELP nor TYPE");
    if (match[1] == "HELP") {
      end_family();
      family_ = match[2];
      if (!families_.insert(family_).second) complain(line, "this family was there before");
      return;
    }
    if (match[2] != family_) complain(line, "TYPE of another family than HELP");
    type_ = match[3];
    if (type_ != "counter" && type_ != "gauge" && type_ != "histogram") complain(line, "unknown type");
  }

  void take_sample(const std::string& line) {
    static const std::regex sample(
        R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (\S+))re");
    static const std::regex one_label(R"re(([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)",?)re");
    std::smatch match;
    if (!std::regex_match(line, match, sample)) return complain(line, "no sample");
    if (type_.empty()) complain(line, "a sample before its TYPE");
    Sample found{.name = match[1], .labels = match[2], .le = {}, .value = 0.0};
    const std::string number = match[3];
    char* end = nullptr;
    found.value = std::strtod(number.c_str(), &end);
    if (*end != '\0') complain(line, "no number");
    if (!result_.samples.emplace(found.name + found.labels, found.value).second) complain(line, "twice");
    std::set<std::string> names;
    std::string rest;
    for (std::sregex_iterator label(found.labels.begin(), found.labels.end(), one_label), none; label != none;
         ++label) {
      if (!names.insert((*label)[1]).second) complain(line, "a label twice");
      if ((*label)[1] == "le") {
        found.le = (*label)[2];
      } else {
        rest += label->str(1) + "=" + label->str(2) + "\n";
      }
    }
    found.labels = rest;
    if (type_ == "histogram") {
      histograms_[found.labels].push_back(found);
    } else if (found.name != family_) {
      complain(line, "not of the family " + family_);
    }
    if (type_ == "counter" && found.value < 0.0) complain(line, "a counter below 0");
  }

  void end_family() {
    for (const auto& [labels, samples] : histograms_) check_histogram(samples);
    histograms_.clear();
    type_.clear();
  }

  void check_histogram(const std::vector<Sample>& samples) {
    std::optional<double> count;
    std::optional<double> sum;
    double below = 0.0;
    double bound = -INFINITY;
    for (const Sample& sample : samples) {
      if (sample.name == family_ + "_count") {
        count = sample.value;
      } else if (sample.name == family_ + "_sum") {
        sum = sample.value;
      } else if (sample.name == family_ + "_bucket" && !sample.le.empty()) {
        const double next = std::strtod(sample.le.c_str(), nullptr);
        if (!(next > bound)) complain(family_, "buckets are not in order");
        if (sample.value < below) complain(family_, "buckets are not cumulative");
        bound = next;
        below = sample.value;
      } else {
        complain(sample.name, "not of the histogram " + family_);
      }
    }
    if (!count || !sum) complain(family_, "no count or no sum");
    if (!std::isinf(bound) || below != count.value_or(-1.0)) complain(family_, "the last bucket is not all");
  }

  CheckedMetrics result_;
  std::set<std::string> families_;
  std::string family_;
  std::string type_;
  std::map<std::string, std::vector<Sample>> histograms_;  ///< of the family, by the other labels
};

}  // namespace

CheckedMetrics check_metrics_text(const std::string& text) { return Checker().check(text); }

}  // namespace zoo::test
