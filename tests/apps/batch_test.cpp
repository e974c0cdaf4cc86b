// Jobs in parts from end to end: manifest, shards, kills, resuming, merging.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/videoio.hpp>

#include "tests/apps/batch_jobs.h"
#include "tests/apps/program_runner.h"
#include "tests/support/demo_model.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Json = nlohmann::json;

TEST_F(BatchJobs, ShardsTogetherAreWhatOneRunWrites) {
  make_pictures(30);
  fs::copy_file(demo_sample("clip.mp4"), folder_ / "pictures/b/clip.mp4");
  write_text(folder_ / "pictures/b/none.mp4", "no video");
  list();
  for (int i = 0; i < kShards; ++i) {
    const ProgramResult result = run_program(predict("parts", shard(i), {"--threads", std::to_string(1 + i % 2)}));
    EXPECT_THAT(result.exit_code, AnyOf(0, 3)) << result.err;
  }
  merge_and_compare();
  std::vector<int64_t> rows;
  int64_t frames = 0;
  for (const std::string& line : lines_of(read_text(folder_ / "all.jsonl"))) {
    const Json json = Json::parse(line);
    EXPECT_FALSE(json.contains("ms"));
    rows.push_back(json.at("row"));
    frames += json.at("source") == "b/clip.mp4" ? 1 : 0;
  }
  EXPECT_GT(frames, 50);
  EXPECT_TRUE(std::ranges::is_sorted(rows));
  std::vector<std::string> failed;
  for (const std::string& line : lines_of(read_text(folder_ / "all.failed.jsonl"))) {
    const Json json = Json::parse(line);
    failed.push_back(fmt::format("{} {}", json.at("source").get<std::string>(), json.at("kind").get<std::string>()));
    EXPECT_THAT(json.at("error").get<std::string>(), Not(HasSubstr(folder_.path().string())));
  }
  EXPECT_THAT(failed, ::testing::ElementsAre("a_empty.jpg empty", "b/00003_cut.ppm truncated", "b/none.mp4 lost"));
}

TEST_F(BatchJobs, AVideoThatBreaksInTheMiddleCanBeMerged) {
  make_pictures(2);
  const std::string clip = folder_ / "pictures/b/clip.avi";
  {
    cv::VideoWriter writer(clip, cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), 20.0, {160, 120});
    for (int i = 0; i < 40; ++i) writer.write(cv::Mat(120, 160, CV_8UC3, cv::Scalar(i, 128, 255 - i)));
  }
  fs::resize_file(clip, fs::file_size(clip) / 2);
  list();
  for (const std::string format : {"jsonl", "flat", "csv"}) {
    const std::string all = folder_ / ("all" + (format == "csv" ? std::string(".csv") : ".jsonl"));
    EXPECT_EQ(run_program(predict(format, "", {"--format", format})).exit_code, 3);
    const ProgramResult merged = run_program({"merge", folder_ / format, "-o", all});
    EXPECT_EQ(merged.exit_code, 0) << merged.err;
    EXPECT_THAT(read_text(all), HasSubstr("frames could be decoded"));
    if (format != "jsonl") continue;
    int64_t next = 0;
    for (const std::string& line : lines_of(read_text(all))) {
      const Json json = Json::parse(line);
      if (json.at("source") != "b/clip.avi") continue;
      EXPECT_EQ(json.at("frame"), next++) << line;
    }
    EXPECT_GT(next, 10);
  }
}

// Every few moments one of two tasks is killed, until all are done.
TEST_F(BatchJobs, KilledTasksThatGoOnLoseAndDoubleNothing) {
  make_pictures(400);
  std::mt19937 random(1);
  int kills = 0;
  for (int i = 0; i < kShards; ++i) {
    int kills_left = 2;  // a row that ends three processes is a failure
    while (true) {
      RunningProgram task(predict("parts", shard(i), {"--resume", "--threads", "1"}));
      if (kills_left > 0) {
        const std::string open = part(i) + ".jsonl.open";
        const auto size = [&] {
          std::error_code error;
          const auto bytes = fs::file_size(open, error);
          return error ? 0 : bytes;
        };
        // A small shard is on the disk as a whole, once it is done.
        wait_until([&] { return fs::exists(part(i) + ".begun") || task.has_ended(); });
        if (random() % 2 == 0) wait_until([&] { return size() > 100'000 || task.has_ended(); });
        task.send(SIGKILL);
        --kills_left;
      }
      const ProgramResult result = task.wait();
      if (result.signal == SIGKILL) {
        ++kills;
        continue;
      }
      EXPECT_THAT(result.exit_code, AnyOf(0, 3)) << result.err;
      if (fs::exists(part(i) + ".receipt.json")) break;
    }
  }
  EXPECT_GT(kills, 0);
  merge_and_compare();
}

// A named pipe that nobody writes to keeps its row under way until the kill.
TEST_F(BatchJobs, ARowThatEndsItsProcessAgainAndAgainIsAFailureAndStopsNobody) {
  make_pictures(12);
  const std::string pipe = folder_ / "pictures/b/00005.mp4";
  write_text(pipe, "");
  list();  // lists hold regular files only
  fs::remove(pipe);
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string begun = folder_ / "parts/part-00000-of-00001.begun";
  const auto was_begun = [&](int times) {
    if (!fs::exists(begun)) return false;
    return std::ranges::any_of(lines_of(read_text(begun)), [&](const std::string& line) {
      std::istringstream words(line);
      int64_t row = 0;
      int found = 0;
      return words >> row >> found && row == 7 && found == times;
    });
  };
  const auto is_killed_in_the_row = [&](int times, const std::vector<std::string>& more) {
    RunningProgram task(predict("parts", "0/1", more));
    EXPECT_TRUE(wait_until([&] { return was_begun(times); })) << task.err_so_far();
    task.send(SIGKILL);
    return task.wait().signal == SIGKILL;
  };
  EXPECT_TRUE(is_killed_in_the_row(1, {}));
  EXPECT_TRUE(is_killed_in_the_row(2, {"--resume"}));
  EXPECT_TRUE(is_killed_in_the_row(3, {"--resume"}));
  const ProgramResult rest = run_program(predict("parts", "0/1", {"--resume"}));
  EXPECT_EQ(rest.exit_code, 3) << rest.err;
  EXPECT_THAT(rest.err,
              AllOf(HasSubstr("tried one at a time now"), HasSubstr("b/00005.mp4: ended its process 3 times")));
  const std::string failed = folder_ / "parts/failed-00000-of-00001.jsonl";
  EXPECT_THAT(read_text(failed), AllOf(HasSubstr("\"source\":\"b/00005.mp4\""), HasSubstr("ended its process 3 times"),
                                       HasSubstr("\"kind\":\"ended_process\"")));
  EXPECT_EQ(lines_of(read_text(folder_ / "parts/part-00000-of-00001.jsonl")).size(), 12U);
  EXPECT_FALSE(fs::exists(begun));
  const ProgramResult merged = run_program({"merge", folder_ / "parts", "-o", folder_ / "all.jsonl"});
  EXPECT_EQ(merged.exit_code, 0) << merged.err;

  EXPECT_EQ(run_program(predict("parts", "0/1", {"--resume"})).exit_code, 3);
  EXPECT_TRUE(is_killed_in_the_row(1, {"--resume", "--retry-failed"}));
}

TEST_F(BatchJobs, SignalsOfSchedulersEndThemSoThatTheyGoOn) {
  make_pictures(1500);
  for (const int signal : {SIGTERM, SIGUSR1, SIGINT}) {
    fs::remove_all(folder_ / "one");
    RunningProgram task(predict("one", "", {"--threads", "1"}));
    ASSERT_TRUE(
        wait_until([&] { return fs::exists(folder_ / "one/part-00000-of-00001.journal") || task.has_ended(); }));
    task.send(signal);
    task.send(signal == SIGUSR1 ? SIGTERM : SIGUSR1);  // a warning beside it is no second request
    const ProgramResult stopped = task.wait();
    EXPECT_EQ(stopped.exit_code, signal == SIGINT ? 130 : 143) << stopped.err;
    EXPECT_THAT(stopped.err, HasSubstr("--resume goes on there"));
    EXPECT_FALSE(fs::exists(folder_ / "one/part-00000-of-00001.receipt.json"));
  }
  const ProgramResult merged =
      run_program({"merge", folder_ / "one/part-00000-of-00001.jsonl", "-o", folder_ / "x.jsonl"});
  EXPECT_EQ(merged.exit_code, 1);
  EXPECT_THAT(merged.err, AllOf(HasSubstr("is not finished"), HasSubstr("--resume")));
  const ProgramResult rest = run_program(predict("one", "", {"--resume"}));
  EXPECT_EQ(rest.exit_code, 3) << rest.err;
  EXPECT_EQ(run_program(predict("one", "", {"--resume"})).exit_code, 3);  // it is done, and stays so
}

TEST_F(BatchJobs, AFolderThatGrowsMovesNothing) {
  make_pictures(8);
  EXPECT_EQ(run_program(predict("parts", "0/2")).exit_code, 3);
  write_text(folder_ / "pictures/a_new.ppm", picture(77));
  write_text(folder_ / "pictures/b/00007.ppm", picture(7) + "more");
  fs::remove(folder_ / "pictures/b/00006.ppm");
  EXPECT_EQ(run_program(predict("parts", "1/2")).exit_code, 3);
  EXPECT_EQ(run_program({"merge", folder_ / "parts", "-o", folder_ / "all.jsonl"}).exit_code, 0);
  EXPECT_THAT(read_text(folder_ / "all.jsonl"), Not(HasSubstr("a_new")));
  EXPECT_THAT(
      read_text(folder_ / "all.failed.jsonl"),
      AllOf(HasSubstr("\"kind\":\"changed\""), HasSubstr("the manifest says"), HasSubstr("\"kind\":\"missing\"")));
}

TEST_F(BatchJobs, AnswerRowsThatFailedAgainWhenTheyAreAskedTo) {
  make_pictures(4);
  fs::rename(folder_ / "pictures/b/00001.ppm", folder_ / "away.ppm");
  EXPECT_EQ(run_program(predict("parts", "0/1")).exit_code, 3);
  const std::string failed = folder_ / "parts/failed-00000-of-00001.jsonl";
  EXPECT_THAT(read_text(failed), HasSubstr("b/00001.ppm"));
  fs::rename(folder_ / "away.ppm", folder_ / "pictures/b/00001.ppm");
  EXPECT_THAT(run_program(predict("parts", "0/1", {"--retry-failed"})).err, HasSubstr("belongs to --resume"));
  EXPECT_EQ(run_program(predict("parts", "0/1", {"--resume", "--retry-failed"})).exit_code, 3);
  EXPECT_THAT(read_text(failed), AllOf(Not(HasSubstr("b/00001.ppm")), HasSubstr("a_empty.jpg")));
  merge_and_compare();
}

TEST_F(BatchJobs, TakeFilesThatWereMendedAsTheyAreNowAndSaySo) {
  make_pictures(4);
  const std::string cut = folder_ / "pictures/b/00003_cut.ppm";
  const int64_t listed = static_cast<int64_t>(fs::file_size(cut));
  for (const std::string format : {"jsonl", "flat", "csv"}) {
    write_text(cut, picture(3).substr(0, 60));
    EXPECT_EQ(run_program(predict(format, "0/1", {"--format", format})).exit_code, 3);
    write_text(cut, picture(3));
    const std::vector<std::string> again = {"--format", format, "--resume", "--retry-failed"};
    EXPECT_EQ(run_program(predict(format, "0/1", again)).exit_code, 3);
    EXPECT_THAT(read_text(folder_ / (format + "/failed-00000-of-00001.jsonl")),
                AllOf(Not(HasSubstr("00003_cut.ppm")), HasSubstr("a_empty.jpg")));
    const std::string all = folder_ / ("all" + (format == "csv" ? std::string(".csv") : ".jsonl"));
    EXPECT_EQ(run_program({"merge", folder_ / format, "-o", all}).exit_code, 0);
    const std::string said =
        format == "csv" ? fmt::format(",{}\n", listed) : fmt::format("\"listed_bytes\":{}}}", listed);
    int64_t lines = 0;
    for (const std::string& line : lines_of(read_text(all))) {
      const bool is_mended = line.find("00003_cut.ppm") != std::string::npos;
      EXPECT_EQ((line + "\n").find(said) != std::string::npos, is_mended) << line;
      lines += is_mended ? 1 : 0;
    }
    EXPECT_GE(lines, 1);
  }
}

TEST_F(BatchJobs, OfOtherKernelsOrPreprocessingAreOtherJobs) {
  make_pictures(2);
  EXPECT_EQ(run_program(predict("parts", "0/2")).exit_code, 3);
  const auto refusal = [&](const std::vector<std::string>& more) {
    const ProgramResult result = run_program(predict("parts", "0/2", more));
    EXPECT_EQ(result.exit_code, 2) << result.err;
    return result.err;
  };
  EXPECT_THAT(refusal({"--resume", "--isa", "sse"}), HasSubstr("the flags: nothing in place of --isa sse"));
  EXPECT_THAT(refusal({"--resume", "--kernels", "own"}), HasSubstr("the flags: nothing in place of --kernels own"));
  EXPECT_THAT(refusal({"--resume", "--set", "preprocess.interpolation=bicubic"}),
              AllOf(HasSubstr("the preprocessing: "), HasSubstr("bicubic")));
}

// Whoever writes it in the same moment: what was loaded may be another file than the one that is hashed.
TEST_F(BatchJobs, OfFilesThatAreWrittenWhileTheyBeginAreNotBegun) {
  make_pictures(2);
  const std::string model = copy_demo_classifier(folder_.path());
  const auto run = [&] {
    return run_program({"predict", model, "--manifest", folder_ / "list.tsv", "--out", folder_ / "parts"});
  };
  for (const std::string name : {"emoji.yaml", "emoji.safetensors", "emoji_labels.txt"}) {
    const std::string file = folder_ / name;
    std::atomic<bool> ends = false;
    std::jthread writer([&] {
      while (!ends) {
        ::chmod(file.c_str(), 0644);  // the bytes stay, as the time of the last write may
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
    const ProgramResult refused = run();
    ends = true;
    EXPECT_EQ(refused.exit_code, 1) << name;
    EXPECT_THAT(refused.err, HasSubstr(file + ": was written while the job began"));
    EXPECT_FALSE(fs::exists(folder_ / "parts/part-00000-of-00001.journal"));
  }
  EXPECT_EQ(run().exit_code, 3);
}

TEST_F(BatchJobs, TakeTheirShardFromTheSchedulerAndSaySo) {
  make_pictures(8);
  const ProgramResult slurm =
      run_program(predict("parts", "auto/2"), {"SLURM_ARRAY_TASK_ID=1", "SLURM_ARRAY_TASK_COUNT=1"});
  EXPECT_THAT(slurm.err, HasSubstr("shard 1/2 (SLURM_ARRAY_TASK_ID=1)"));
  EXPECT_TRUE(fs::exists(folder_ / "parts/part-00001-of-00002.jsonl"));
  const ProgramResult refused = run_program(predict("parts", ""), {"JOB_COMPLETION_INDEX=1"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("give --shard auto/N"));
}

TEST_F(BatchJobs, OfOneMachineGoOnWithoutAManifest) {
  make_pictures(20);
  const std::vector<std::string> arguments = {
      "predict", demo_model(), folder_ / "pictures", "--recursive", "--json", folder_ / "results.jsonl", "--resume"};
  RunningProgram task(arguments);
  wait_until([&] { return fs::exists(folder_ / "results.journal") || task.has_ended(); });
  task.send(SIGKILL);
  task.wait();
  write_text(folder_ / "pictures/a_new.ppm", picture(77));
  const ProgramResult rest = run_program(arguments);
  EXPECT_EQ(rest.exit_code, 3) << rest.err;
  const std::vector<std::string> lines = lines_of(read_text(folder_ / "results.jsonl"));
  EXPECT_EQ(lines.size(), 20U);
  EXPECT_EQ(Json::parse(lines.front()).at("source"), folder_ / "pictures/b/00000.ppm");
  EXPECT_EQ(lines_of(read_text(folder_ / "results.failed.jsonl")).size(), 2U);
  const ProgramResult again = run_program(arguments);
  EXPECT_THAT(again.out, HasSubstr("was finished before"));
  EXPECT_THAT(again.err, AllOf(HasSubstr("1 file that came after this job began"), HasSubstr("pictures/a_new.ppm"),
                               HasSubstr("name another file"),
                               HasSubstr("remove " + (folder_ / "results.receipt.json") + " and ")));
  fs::remove(folder_ / "results.receipt.json");
  fs::remove(folder_ / "results.jsonl");
  const ProgramResult anew = run_program(arguments);
  EXPECT_THAT(anew.err, Not(HasSubstr("came after")));
  EXPECT_EQ(lines_of(read_text(folder_ / "results.jsonl")).size(), 21U);
}

// A descriptor that is closed must not become a file of the job, which messages would then go into.
TEST_F(BatchJobs, WithoutStandardOutputAreDoneAndSaySo) {
  make_pictures(9);
  const auto run = [&](const std::string& out, const std::string& redirection) {
    std::string command;
    for (const std::string& word : predict(out, "")) command += "'" + word + "' ";
    const int status = std::system(fmt::format("'{}' {} {}", ZOO_PROGRAM, command, redirection).c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  };
  EXPECT_EQ(run("whole", ">'" + (folder_ / "out") + "'"), 3);
  const std::string part = "/part-00000-of-00001.jsonl";
  int number = 0;
  for (const std::string closed : {">&-", ">/dev/full", "<&- >&-"}) {
    const std::string out = fmt::format("out{}", number++);
    EXPECT_EQ(run(out, closed + " 2>'" + (folder_ / "err") + "'"), 1) << closed;
    EXPECT_THAT(read_text(folder_ / "err"),
                AllOf(HasSubstr("standard output: writing failed"), HasSubstr(part + " is whole all the same")));
    EXPECT_EQ(read_text(folder_ / out + part), read_text(folder_ / "whole" + part)) << closed;
  }
  EXPECT_EQ(run("none", "<&- >&- 2>&-"), 1);
  EXPECT_EQ(read_text(folder_ / "none" + part), read_text(folder_ / "whole" + part));
  EXPECT_TRUE(fs::exists(folder_ / "none/part-00000-of-00001.receipt.json"));
}

TEST_F(BatchJobs, FaultsOfTheCommandEndWith2) {
  make_pictures(3);
  ASSERT_EQ(run_program(predict("parts", "0/2")).exit_code, 3);
  const ProgramResult other = run_program(predict("parts", "0/2", {"--resume", "--format", "csv"}));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, AllOf(HasSubstr("the format: jsonl in place of csv"),
                               HasSubstr("go on with what it was begun"), Not(HasSubstr(".csv"))));
  write_text(folder_ / "parts/part-00001-of-00002.receipt.json", "{");
  const ProgramResult merged = run_program({"merge", folder_ / "parts", "-o", folder_ / "all.jsonl"});
  EXPECT_EQ(merged.exit_code, 2);
  EXPECT_THAT(merged.err, HasSubstr("copy it again, or remove it"));
  const std::string list = read_text(folder_ / "list.tsv");
  const auto fails = [&](const std::string& reason) {
    const ProgramResult result = run_program(predict("more", ""));
    EXPECT_EQ(result.exit_code, 2) << reason;
    EXPECT_THAT(result.err, HasSubstr(reason));
  };
  fs::remove(folder_ / "list.tsv");
  fails("there is no such manifest");
  ASSERT_EQ(::mkfifo((folder_ / "list.tsv").c_str(), 0600), 0);
  fails("is a pipe");
  fs::remove(folder_ / "list.tsv");
  std::string windows;
  for (const std::string& line : lines_of(list)) windows += line + "\r\n";
  write_text(folder_ / "list.tsv", windows);
  fails("has CRLF line ends");
}

TEST_F(BatchJobs, ListsSayWhatTheyLeaveOut) {
  make_pictures(3);
  fs::create_symlink("nowhere", folder_ / "pictures/gone.jpg");
  const ProgramResult listed =
      run_program({"manifest", folder_ / "pictures", folder_ / "pictures", "-o", folder_ / "l"});
  EXPECT_EQ(listed.exit_code, 0);
  EXPECT_THAT(listed.out, HasSubstr(": 5 rows"));
  EXPECT_THAT(listed.err, AllOf(HasSubstr("left out 1 name"), HasSubstr("gone.jpg")));
}

TEST_F(BatchJobs, AndRunsDoNotTakeEachOthersFiles) {
  make_pictures(3);
  const std::string results = folder_ / "results.jsonl";
  const auto run = [&](const std::string& file, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"predict", demo_model(), folder_ / "pictures/b", "--json", file};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  };
  EXPECT_EQ(run(results, {"--resume"}).exit_code, 3);
  const std::string before = read_text(results);
  const ProgramResult plain = run(results, {});
  EXPECT_EQ(plain.exit_code, 2);
  EXPECT_THAT(plain.err, AllOf(HasSubstr("results.receipt.json: --resume goes on"), HasSubstr("write elsewhere")));
  EXPECT_EQ(read_text(results), before);

  fs::resize_file(results, 0);
  const ProgramResult cut = run(results, {"--resume"});
  EXPECT_EQ(cut.exit_code, 1);
  EXPECT_THAT(cut.err, AllOf(HasSubstr("has 0 bytes in place of"), HasSubstr("to do it again")));
  fs::remove(folder_ / "results.receipt.json");
  fs::remove(results);
  EXPECT_EQ(run(results, {"--resume"}).exit_code, 3);
  EXPECT_EQ(read_text(results), before);

  const std::string other = folder_ / "plain.jsonl";
  EXPECT_EQ(run(other, {}).exit_code, 3);
  const std::string of_run = read_text(other);
  const ProgramResult resumed = run(other, {"--resume"});
  EXPECT_EQ(resumed.exit_code, 2);
  EXPECT_THAT(resumed.err, AllOf(HasSubstr("was not written with --resume"), HasSubstr("remove it to begin anew")));
  EXPECT_EQ(read_text(other), of_run);
}

TEST_F(BatchJobs, SayNothingOnStandardOutputWhenTheyAreAskedTo) {
  make_pictures(2);
  for (int i = 0; i < 2; ++i) {
    const ProgramResult quiet = run_program(predict("parts", "0/2", {"--resume", "-q"}));
    EXPECT_EQ(quiet.exit_code, 3) << quiet.err;
    EXPECT_THAT(quiet.out, IsEmpty());
  }
  EXPECT_THAT(run_program(predict("parts", "0/2", {"--resume"})).out, HasSubstr("was finished before"));
}

TEST_F(BatchJobs, AListGoesToStandardOutput) {
  make_pictures(2);
  const ProgramResult listed = run_program({"manifest", folder_ / "pictures", "-o", "-"});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_EQ(listed.out, read_text(folder_ / "list.tsv"));
}

TEST_F(BatchJobs, NeverWriteWhatTheyRead) {
  make_pictures(2);
  const std::string input = folder_ / "pictures/b/00000.ppm";
  const ProgramResult refused = run_program({"predict", demo_model(), input, "--json", input, "--resume"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("--json " + input + ": is a source of this run"));
  EXPECT_EQ(read_text(input), picture(0));
}

TEST_F(BatchJobs, TablesAndFlatLinesAreMergedToo) {
  make_pictures(9);
  for (const std::string format : {"csv", "flat"}) {
    const std::string extension = format == "csv" ? ".csv" : ".jsonl";
    for (int i = 0; i < 2; ++i) run_program(predict(format, shard(i).substr(0, 2) + "2", {"--format", format}));
    run_program(predict(format + "1", "", {"--format", format}));
    const ProgramResult merged = run_program({"merge", folder_ / format, "-o", folder_ / ("all" + extension)});
    EXPECT_EQ(merged.exit_code, 0) << merged.err;
    EXPECT_EQ(read_text(folder_ / ("all" + extension)),
              read_text(folder_ / (format + "1/part-00000-of-00001" + extension)));
  }
}

TEST_F(BatchJobs, FlagsThatDoNotGoTogetherAreRefusedWithTheWayOut) {
  make_pictures(2);
  const auto refusal = [&](const std::vector<std::string>& arguments, int exit_code = 2) {
    const ProgramResult result = run_program(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    return result.err;
  };
  const std::string list = folder_ / "list.tsv";
  const std::string model = demo_model();
  EXPECT_THAT(refusal({"predict", model, "--manifest", list}), HasSubstr("--out DIR"));
  EXPECT_THAT(refusal({"predict", model, "x.jpg", "--shard", "0/2"}), HasSubstr("belongs to --manifest"));
  EXPECT_THAT(refusal({"predict", model, "x.jpg", "--resume"}), HasSubstr("give --json FILE or --csv FILE"));
  EXPECT_THAT(refusal({"predict", model, "x.jpg", "--format", "csv"}), HasSubstr("belongs to --manifest"));
  EXPECT_THAT(refusal(predict("parts", "", {"--show"})), HasSubstr("--show: does not go with --manifest"));
  EXPECT_THAT(refusal(predict("parts", "", {"x.jpg"})), HasSubstr("says what to work on"));
  EXPECT_THAT(refusal(predict("parts", "", {"--json", "x"})), HasSubstr("--out DIR and --format"));
  EXPECT_THAT(refusal(predict("parts", "9/4")), HasSubstr("0/4 to 3/4"));
  EXPECT_THAT(refusal(predict("parts", "", {"--root", folder_ / "nowhere"}), 1), HasSubstr("is no folder here"));
  EXPECT_EQ(run_program(predict("parts", "0/2")).exit_code, 3);
  EXPECT_THAT(refusal(predict("parts", "0/2")), HasSubstr("--resume leaves it as it is"));
  EXPECT_THAT(refusal(predict("parts", "0/2", {"--resume", "--topk", "2"})),
              HasSubstr("another job (the flags: nothing in place of --topk 2)"));
  EXPECT_THAT(refusal({"merge", folder_ / "parts", "-o", folder_ / "all.jsonl"}),
              AllOf(HasSubstr("shard 1/2 is missing: rows 2 to 3"), HasSubstr("--resume")));
  EXPECT_THAT(refusal(predict("parts", "0/3", {"--resume"})),
              AllOf(HasSubstr("of a job of 2 shards, but this is shard 0/3"), HasSubstr("--shard I/2")));
  EXPECT_EQ(run_program(predict("thirds", "1/3")).exit_code, 0);
  fs::copy(folder_ / "thirds", folder_ / "parts");
  EXPECT_THAT(refusal({"merge", folder_ / "parts", "-o", folder_ / "all.jsonl"}),
              HasSubstr("parts of jobs of 2 and 3 shards: remove those of all but one"));
  EXPECT_EQ(run_program(predict("lines", "")).exit_code, 3);
  EXPECT_THAT(refusal({"merge", folder_ / "lines", "-o", folder_ / "all.csv"}),
              AllOf(HasSubstr("the parts are lines of JSON"), HasSubstr("give a name in .jsonl")));
  EXPECT_FALSE(fs::exists(folder_ / "all.csv"));
  EXPECT_EQ(run_program(predict("table", "", {"--format", "csv"})).exit_code, 3);
  EXPECT_THAT(refusal({"merge", folder_ / "table", "-o", folder_ / "all.jsonl"}), HasSubstr("give a name in .csv"));
  write_text(list, "nonsense\n");
  EXPECT_THAT(refusal(predict("parts", "1/2")), AllOf(HasSubstr("list.tsv:1: "), HasSubstr("backbone-zoo manifest")));
}

}  // namespace
}  // namespace zoo::test
