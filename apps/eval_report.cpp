#include "apps/eval_report.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "pipeline/tasks/network_runner.h"

namespace zoo::apps {
namespace {

using Json = nlohmann::ordered_json;
using pipeline::label_of;

constexpr size_t kAllClasses = 24;
constexpr size_t kWorstClasses = 10;

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:6.2f} %", *share * 100.0) : fmt::format("{:>8}", "-");
}

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

std::string line(const char* name, const std::optional<double>& share, const char* meaning) {
  return fmt::format("{:<16} {}   {}\n", name, percent(share), meaning);
}

/// One line of the table of classes; those without a value have nothing to measure.
struct ClassRow {
  int64_t index;
  std::optional<double> value;
  std::string cells;
};

/// `heading` stands above the cells.
std::string class_table(std::vector<ClassRow> rows, const std::string& heading, const Labels& labels) {
  std::erase_if(rows, [](const ClassRow& row) { return !row.value; });
  const size_t count = rows.size();
  std::string title = "class";
  if (count > kAllClasses) {
    std::erase_if(rows, [](const ClassRow& row) { return *row.value >= 1.0; });  // nothing is wrong with these
    std::ranges::stable_sort(rows, {}, [](const ClassRow& row) { return *row.value; });
    if (rows.size() > kWorstClasses) rows.erase(rows.begin() + kWorstClasses, rows.end());
    title = fmt::format("worst {} of {} classes", rows.size(), count);
  }
  if (rows.empty()) return "";
  std::string text = fmt::format("\n{}  {}\n", heading, title);
  for (const ClassRow& row : rows) text += fmt::format("{}  {}\n", row.cells, label_of(labels, row.index));
  return text;
}

/// "dog 4, cat 1": what a class was taken for most often.
std::string taken_for(const eval::ConfusionMatrix& confusion, int64_t truth, const Labels& labels) {
  constexpr size_t kMost = 2;
  std::vector<std::pair<int64_t, int64_t>> wrong;  // count, class
  for (auto at = confusion.counts().lower_bound({truth, 0}); at != confusion.counts().end(); ++at) {
    const auto& [pair, count] = *at;
    if (pair.first != truth) break;
    if (pair.second != truth && pair.second != confusion.nothing()) wrong.emplace_back(count, pair.second);
  }
  std::ranges::stable_sort(wrong, std::ranges::greater{}, &std::pair<int64_t, int64_t>::first);
  if (wrong.size() > kMost) wrong.resize(kMost);
  std::string text;
  for (const auto& [count, index] : wrong) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", label_of(labels, index), count);
  }
  return text.empty() ? "" : fmt::format(" (taken for {})", text);
}

Json confusion_json(const eval::ConfusionMatrix& confusion) {
  Json rows = Json::array();
  for (const auto& [pair, count] : confusion.counts()) {
    rows.push_back({pair.first, pair.second == confusion.nothing() ? Json(nullptr) : Json(pair.second), count});
  }
  return rows;
}

bool has_background(const Labels& labels) { return pipeline::is_background(0, label_of(labels, 0)); }

}  // namespace

std::string to_text(const eval::Agreement& agreement) {
  return fmt::format("{} ({} of {})", percent(agreement.share()), agreement.same, agreement.total);
}

Json to_json(const eval::Agreement& agreement) {
  return {{"share", number(agreement.share())}, {"same", agreement.same}, {"total", agreement.total}};
}

std::string to_text(const eval::TopKSummary& summary, const Labels& labels) {
  std::string text = line("top-1", summary.all.top1_share(), "the best guess is right");
  text += line("top-5", summary.all.top5_share(), "one of the best five is right");
  text += line("class mean", summary.class_mean, "top-1 if every class had as many pictures");
  std::vector<ClassRow> rows;
  Labels explained;
  for (size_t i = 0; i < summary.classes.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    const eval::TopKCount& count = summary.classes[i];
    rows.push_back(
        {index, count.top1_share(),
         fmt::format("{:>9}  {}  {}", count.pictures, percent(count.top1_share()), percent(count.top5_share()))});
    explained.push_back(label_of(labels, index) + taken_for(summary.confusion, index, labels));
  }
  return text + class_table(std::move(rows), " pictures     top-1     top-5", explained);
}

std::string to_text(const eval::MultiLabelSummary& summary, const Labels& labels) {
  std::string text = line("mAP", summary.map, "average precision, mean over the classes that occur");
  text += line("F1", summary.macro_f1, "at the thresholds, mean over the classes that occur");
  text += line("micro F1", summary.micro_f1, "of all classes together");
  text += line("exact", summary.exact, "pictures of which exactly the right classes were found");
  std::vector<ClassRow> rows;
  for (size_t i = 0; i < summary.classes.size(); ++i) {
    const auto& [count, ap] = summary.classes[i];
    if (count.truth + count.found == 0) continue;
    rows.push_back({static_cast<int64_t>(i), ap.value_or(0.0),
                    fmt::format("{:>9}  {}  {}  {}  {}", count.truth, percent(ap), percent(count.f1()),
                                percent(count.precision()), percent(count.recall()))});
  }
  return text + class_table(std::move(rows), " pictures        AP        F1  precision  recall", labels);
}

std::string to_text(const eval::CocoSummary& summary, const Labels& labels) {
  std::string text = line("AP", summary.ap, "average precision, mean over IoU 0.50 to 0.95");
  text += line("AP50", summary.ap50, "at IoU 0.50");
  text += line("AP75", summary.ap75, "at IoU 0.75");
  text += line("AP small", summary.ap_small, "objects up to 32x32 pixels");
  text += line("AP medium", summary.ap_medium, "32x32 to 96x96");
  text += line("AP large", summary.ap_large, "from 96x96");
  text += line("AR 1", summary.ar1, "recall with one box per picture and class");
  text += line("AR 10", summary.ar10, "with ten");
  text += line("AR 100", summary.ar100, "with a hundred");
  text += line("AR small", summary.ar_small, "of small objects");
  text += line("AR medium", summary.ar_medium, "of medium objects");
  text += line("AR large", summary.ar_large, "of large objects");
  std::vector<ClassRow> rows;
  for (size_t i = 0; i < summary.classes.size(); ++i) {
    const eval::CocoClass& row = summary.classes[i];
    rows.push_back({static_cast<int64_t>(i), row.ap,
                    fmt::format("{:>9}  {}  {}", row.objects, percent(row.ap), percent(row.ap50))});
  }
  return text + class_table(std::move(rows), "  objects        AP      AP50", labels);
}

std::string to_text(const eval::IouSummary& summary, const Labels& labels) {
  std::string text = line("mean IoU", summary.mean, "mean over the classes");
  if (has_background(labels)) text += line("  of objects", summary.mean_without_background, "background left out");
  text += line("pixel accuracy", summary.pixel_accuracy, "pixels that got their class");
  if (summary.void_pixels > 0)
    text += line("void", summary.void_share(), "pixels of the masks that count in no figure");
  std::vector<ClassRow> rows;
  int64_t pixels = 0;
  for (const eval::IouClass& row : summary.classes) pixels += row.truth;
  for (size_t i = 0; i < summary.classes.size(); ++i) {
    const eval::IouClass& row = summary.classes[i];
    const double share = pixels > 0 ? static_cast<double>(row.truth) / static_cast<double>(pixels) : 0.0;
    rows.push_back({static_cast<int64_t>(i), row.iou(), fmt::format(" {}  {}", percent(share), percent(row.iou()))});
  }
  return text + class_table(std::move(rows), "   pixels       IoU", labels);
}

Json to_json(const eval::TopKSummary& summary, const Labels& labels) {
  Json classes = Json::array();
  for (size_t i = 0; i < summary.classes.size(); ++i) {
    const eval::TopKCount& count = summary.classes[i];
    const auto index = static_cast<int64_t>(i);
    classes.push_back({{"index", index},
                       {"label", label_of(labels, index)},
                       {"pictures", count.pictures},
                       {"top1", number(count.top1_share())},
                       {"top5", number(count.top5_share())}});
  }
  return {{"metrics",
           {{"top1", number(summary.all.top1_share())},
            {"top5", number(summary.all.top5_share())},
            {"class_mean", number(summary.class_mean)}}},
          {"classes", classes},
          {"confusion", confusion_json(summary.confusion)}};
}

Json to_json(const eval::MultiLabelSummary& summary, const Labels& labels) {
  Json classes = Json::array();
  for (size_t i = 0; i < summary.classes.size(); ++i) {
    const auto& [count, ap] = summary.classes[i];
    const auto index = static_cast<int64_t>(i);
    classes.push_back({{"index", index},
                       {"label", label_of(labels, index)},
                       {"truth", count.truth},
                       {"found", count.found},
                       {"both", count.both},
                       {"AP", number(ap)},
                       {"f1", number(count.f1())}});
  }
  return {{"metrics",
           {{"mAP", number(summary.map)},
            {"macro_f1", number(summary.macro_f1)},
            {"micro_f1", number(summary.micro_f1)},
            {"exact", number(summary.exact)}}},
          {"classes", classes}};
}

Json to_json(const eval::CocoSummary& summary, const Labels& labels) {
  Json classes = Json::array();
  for (size_t i = 0; i < summary.classes.size(); ++i) {
    const eval::CocoClass& row = summary.classes[i];
    const auto index = static_cast<int64_t>(i);
    classes.push_back({{"index", index},
                       {"label", label_of(labels, index)},
                       {"objects", row.objects},
                       {"AP", number(row.ap)},
                       {"AP50", number(row.ap50)}});
  }
  return {{"metrics",
           {{"AP", number(summary.ap)},
            {"AP50", number(summary.ap50)},
            {"AP75", number(summary.ap75)},
            {"AP_small", number(summary.ap_small)},
            {"AP_medium", number(summary.ap_medium)},
            {"AP_large", number(summary.ap_large)},
            {"AR1", number(summary.ar1)},
            {"AR10", number(summary.ar10)},
            {"AR100", number(summary.ar100)},
            {"AR_small", number(summary.ar_small)},
            {"AR_medium", number(summary.ar_medium)},
            {"AR_large", number(summary.ar_large)}}},
          {"objects", summary.objects},
          {"classes", classes}};
}

Json to_json(const eval::IouSummary& summary, const Labels& labels) {
  Json metrics = {{"mean_iou", number(summary.mean)}};
  if (has_background(labels)) metrics["mean_iou_without_background"] = number(summary.mean_without_background);
  metrics["pixel_accuracy"] = number(summary.pixel_accuracy);
  metrics["void_share"] = number(summary.void_share());
  Json classes = Json::array();
  for (size_t i = 0; i < summary.classes.size(); ++i) {
    const eval::IouClass& row = summary.classes[i];
    const auto index = static_cast<int64_t>(i);
    classes.push_back({{"index", index},
                       {"label", label_of(labels, index)},
                       {"truth", row.truth},
                       {"found", row.found},
                       {"both", row.both},
                       {"iou", number(row.iou())}});
  }
  return {{"metrics", metrics}, {"classes", classes}, {"confusion", confusion_json(summary.confusion)}};
}

}  // namespace zoo::apps
