// A folder of ground truth, and what is said when it is wrong.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/support/temp_folder.h"

namespace zoo::eval {

inline const std::vector<std::string> kLabels = {"background", "cat", "ice cream"};

class EvalData : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text = "") const {
    const std::filesystem::path file = folder_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  /// What `read` finds wrong, each without the folder's name.
  template <typename Read>
  std::vector<std::string> problems(Read read) const {
    try {
      read();
    } catch (const ConfigError& error) {
      std::vector<std::string> texts;
      for (const std::string& text : error.problems()) {
        const std::string start = folder_.string() + "/";
        texts.push_back(text.starts_with(start) ? text.substr(start.size()) : text);
      }
      return texts;
    }
    return {};
  }

  test::TempFolder temp_;
  std::filesystem::path folder_ = temp_.path();
};

}  // namespace zoo::eval
