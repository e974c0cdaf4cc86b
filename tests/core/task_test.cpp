#include "nn/core/task.h"

#include <gtest/gtest.h>

namespace zoo {
namespace {

TEST(Task, IsFoundByItsName) {
  for (const TaskTraits& row : kTasks) {
    EXPECT_EQ(task_from(row.name), row.task);
    EXPECT_EQ(to_string(row.task), row.name);
  }
  EXPECT_EQ(task_from("pose_estimation"), std::nullopt);
  EXPECT_EQ(task_from(""), std::nullopt);
}

}  // namespace
}  // namespace zoo
