// Models behind a queue, asked by a route that hands over tensors as they are.
#include "serve/inference/model_service.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <sys/resource.h>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/left_threads.h"
#include "pipeline/images/image_io.h"
#include "pipeline/tasks/classifier.h"
#include "pipeline/tasks/runner_cache.h"
#include "serve/metrics/prometheus_text.h"
#include "tests/serve/client.h"
#include "tests/serve/metrics_text_checker.h"
#include "tests/support/demo_model.h"
#include "tests/support/temp_folder.h"

namespace zoo::serve {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using test::Answer;
using test::ask;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const fs::path kDemo = fs::path(ZOO_SOURCE_DIR) / "configs/demo";

std::string bytes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

fs::path sample() { return kDemo / "samples" / "dog.jpg"; }

ModelSpec demo(const std::string& name, const std::string& file = "emoji.yaml") {
  return {.name = name, .file = kDemo / file};
}

NamedTensor picture_file(const fs::path& file) {
  return {"images", Datatype::kBytes, {1}, std::vector<std::string>{bytes_of(file)}};
}

/// Which requests wait until the test says so.
class Hold {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_for(int waiting) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= waiting; });
  }
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

class ModelServiceTest : public ::testing::Test {
 protected:
  ~ModelServiceTest() override { hold_.open(); }

  void start(std::vector<ModelSpec> models, ModelServiceOptions options = {}) {
    options.on_message = [this](const std::string& message) {
      const std::scoped_lock lock(mutex_);
      messages_.push_back(message);
    };
    HttpServerOptions listen;
    listen.listen.port = 0;
    server_ = std::make_unique<HttpServer>(std::move(listen));
    service_ = std::make_unique<ModelService>(std::move(models), std::move(options));
    server_->route("POST", "/ask/{name}", {}, [this](HttpRequest& request, const Responder& responder) {
      service_->submit(call_for(request.parameters.at("name")), responder);
    });
    server_->route("POST", "/held/{name}", {}, [this](HttpRequest& request, const Responder& responder) {
      InferCall call = call_for(request.parameters.at("name"));
      call.decode = [this, decode = call.decode](const ServedModelInfo& info) {
        hold_.wait();
        return decode(info);
      };
      service_->submit(std::move(call), responder);
    });
    server_->start();
    service_->load_all();
  }

  /// Loads or unloads "emoji"; how that went.
  std::optional<InferFailure> change(void (ModelService::*how)(const std::string&,
                                                               std::function<void(std::optional<InferFailure>)>)) {
    std::promise<std::optional<InferFailure>> done;
    (service_.get()->*how)("emoji", [&](std::optional<InferFailure> failure) { done.set_value(std::move(failure)); });
    return done.get_future().get();
  }

  InferCall call_for(const std::string& model) {
    InferCall call;
    call.model = model;
    call.decode = [this](const ServedModelInfo&) {
      const std::scoped_lock lock(mutex_);
      return request_;
    };
    call.encode = [this](const ServedModelInfo&, InferReply reply) {
      const std::scoped_lock lock(mutex_);
      reply_ = std::move(reply);
      return HttpResponse{.body = "{}"};
    };
    return call;
  }

  Answer infer(const std::string& model, InferRequest request) {
    {
      const std::scoped_lock lock(mutex_);
      request_ = std::move(request);
    }
    return ask(port(), "POST", "/ask/" + model);
  }
  const NamedTensor& output(const std::string& name) const {
    const auto found = std::ranges::find(reply_.outputs, name, &NamedTensor::name);
    if (found == reply_.outputs.end()) throw Error("no output " + name);
    return *found;
  }
  int port() const { return server_->address().port; }

  Hold hold_;
  std::mutex mutex_;
  InferRequest request_;
  InferReply reply_;
  std::vector<std::string> messages_;
  std::unique_ptr<ModelService> service_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(ModelServiceTest, AnswersPicturesAsPredictDoesAndTensorsAsRunDoes) {
  start({demo("emoji")}, {.workers = 2});
  const auto model = std::make_shared<const models::Model>(models::Model::load(kDemo / "emoji.yaml"));
  const cv::Mat picture = pipeline::read_image(sample());
  const pipeline::Classification expected = pipeline::Classifier(model).classify(picture, 5);

  ASSERT_EQ(infer("emoji", {.input = picture_file(sample()), .outputs = {"logits", "labels", "scores"}}).status, 200);
  EXPECT_EQ(reply_.outputs.front().name, "logits");
  const auto logits = std::get<std::vector<float>>(output("logits").data);
  const auto& labels = std::get<std::vector<std::string>>(output("labels").data);
  ASSERT_EQ(labels.size(), expected.top.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    EXPECT_EQ(labels[i], expected.top[i].label);
    EXPECT_EQ(std::get<std::vector<float>>(output("scores").data)[i], static_cast<float>(expected.top[i].score));
    EXPECT_EQ(logits[static_cast<size_t>(expected.top[i].index)], static_cast<float>(expected.top[i].logit));
  }

  pipeline::Preprocessor preprocessor(model->config().preprocess);
  const auto size = preprocessor.output_size(picture.rows, picture.cols);
  std::vector<float> tensor(static_cast<size_t>(3 * size[0] * size[1]));
  preprocessor.run(picture, tensor);
  const NamedTensor input{"input", Datatype::kFp32, {1, 3, size[0], size[1]}, tensor};
  ASSERT_EQ(infer("emoji", {.input = input, .outputs = {}}).status, 200);
  EXPECT_EQ(std::get<std::vector<float>>(output("logits").data), logits);

  // All outputs, as `run` computes them.
  pipeline::RunnerCache runners(model, {}, 1);
  auto& compiled = runners.get({1, 3, size[0], size[1]});
  std::ranges::copy(tensor, compiled.runner->input().begin());
  compiled.runner->run();
  ASSERT_EQ(infer("emoji", {.input = input, .outputs = {"feature.0", "logits"}}).status, 200);
  for (size_t i = 0; i < compiled.executable->outputs().size(); ++i) {
    const std::string& name = compiled.executable->outputs()[i].name;
    if (name != "feature.0" && name != "logits") continue;
    const auto values = compiled.runner->output(i);
    EXPECT_EQ(std::get<std::vector<float>>(output(name).data), std::vector<float>(values.begin(), values.end()));
  }
}

TEST_F(ModelServiceTest, PixelsAreAnsweredAsTheFileThatHasThem) {
  start({demo("emoji")});
  ASSERT_EQ(infer("emoji", {.input = picture_file(sample()), .outputs = {"logits"}}).status, 200);
  const auto logits = std::get<std::vector<float>>(output("logits").data);
  const cv::Mat picture = pipeline::read_image(sample());
  std::vector<uint8_t> rgb;
  for (int copies = 0; copies < 2; ++copies) {
    for (size_t i = 0; i < picture.total() * 3; i += 3) {
      rgb.insert(rgb.end(), {picture.data[i + 2], picture.data[i + 1], picture.data[i]});
    }
  }
  const NamedTensor pixels{"pixels", Datatype::kUint8, {2, picture.rows, picture.cols, 3}, rgb};
  ASSERT_EQ(infer("emoji", {.input = pixels, .outputs = {"logits", "labels"}}).status, 200);
  EXPECT_THAT(output("logits").shape, ElementsAre(2, static_cast<int64_t>(logits.size())));
  EXPECT_THAT(output("labels").shape, ElementsAre(2, 5));
  std::vector<float> twice = logits;
  twice.insert(twice.end(), logits.begin(), logits.end());
  EXPECT_EQ(std::get<std::vector<float>>(output("logits").data), twice);
  const ModelStatistics counts = service_->statistics("emoji").front();
  EXPECT_EQ(counts.inference_count, 3);
  EXPECT_EQ(counts.success.count, 2);
}

TEST_F(ModelServiceTest, OfEveryTaskTheMetadataIsTrue) {
  start({demo("classes"), demo("boxes", "emoji_detection.yaml"), demo("masks", "emoji_segmentation.yaml")});
  const std::map<std::string, std::string> last = {{"classes", "known"}, {"boxes", "counts"}, {"masks", "masks"}};
  for (const auto& [name, answer] : last) {
    const auto info = service_->model(name);
    ASSERT_NE(info, nullptr) << name;
    InferRequest request{.input = picture_file(sample()), .outputs = {}};
    for (const TensorInfo& promised : info->outputs) request.outputs.push_back(promised.name);
    ASSERT_EQ(infer(name, request).status, 200) << name;
    ASSERT_EQ(reply_.outputs.size(), info->outputs.size());
    for (size_t i = 0; i < info->outputs.size(); ++i) {
      const TensorInfo& promised = info->outputs[i];
      const NamedTensor& given = reply_.outputs[i];
      EXPECT_EQ(given.name, promised.name);
      EXPECT_EQ(given.datatype, promised.datatype) << promised.name;
      ASSERT_EQ(given.shape.size(), promised.shape.size()) << name << " " << promised.name;
      for (size_t axis = 0; axis < given.shape.size(); ++axis) {
        if (promised.shape[axis] < 0) continue;
        EXPECT_EQ(given.shape[axis], promised.shape[axis]) << promised.name;
      }
    }
    ASSERT_EQ(infer(name, {.input = picture_file(sample()), .outputs = {}}).status, 200);
    EXPECT_EQ(reply_.outputs.back().name, answer);
  }
}

TEST_F(ModelServiceTest, WhatIsWrongInARequestIsSaidAndItsOwnFault) {
  start({demo("emoji")});
  const NamedTensor good = picture_file(sample());
  const auto refused = [&](const InferRequest& request, int status, const std::string& why) {
    const Answer answer = infer("emoji", request);
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(why));
  };
  refused({.input = {"image", Datatype::kBytes, {1}, std::vector<std::string>{"x"}}, .outputs = {}}, 400,
          "no such input");
  refused({.input = {"images", Datatype::kBytes, {1}, std::vector<std::string>{"x"}}, .outputs = {}}, 400,
          "the picture");
  refused({.input = {"images", Datatype::kFp32, {1}, std::vector<float>{1.0F}}, .outputs = {}}, 400, "datatype BYTES");
  refused({.input = {"images", Datatype::kBytes, {2}, std::vector<std::string>{"x"}}, .outputs = {}}, 400, "1 values");
  refused({.input = {"pixels", Datatype::kUint8, {1, 1 << 21, 1, 3}, std::vector<uint8_t>(3 << 21)}, .outputs = {}},
          400, "a side may have at most");
  refused({.input = {"pixels", Datatype::kUint8, {INT64_MAX, INT64_MAX, 2, 3}, std::vector<uint8_t>(3)}, .outputs = {}},
          400, "does not go with");
  refused({.input = {"input", Datatype::kFp32, {1, 3, 7, 7}, std::vector<float>(147)}, .outputs = {}}, 400,
          "expected shape");
  refused({.input = good, .outputs = {"logit"}}, 404, "no such output");
  refused({.input = {"pixels", Datatype::kUint8, {0, 8, 8, 3}, std::vector<uint8_t>()}, .outputs = {}}, 400,
          "at least 1");
  EXPECT_EQ(infer("emoji", {.input = good, .outputs = {}}).status, 200);
  EXPECT_EQ(infer("emojy", {.input = good, .outputs = {}}).status, 404);
  const auto checked = test::check_metrics_text(prometheus_text(service_->metrics()));
  EXPECT_THAT(checked.problems, IsEmpty());
  const std::string label = R"({model="emoji")";
  EXPECT_EQ(checked.samples.at("nv_inference_request_success" + label + "}"), 1.0);
  EXPECT_EQ(checked.samples.at("nv_inference_request_failure" + label + R"(,reason="OTHER"})"), 9.0);
  EXPECT_EQ(checked.samples.at("zoo_stage_duration_seconds_count" + label + R"(,stage="infer"})"), 1.0);
  EXPECT_EQ(checked.samples.at("zoo_stage_duration_seconds_count" + label + R"(,stage="total"})"), 1.0);
}

TEST_F(ModelServiceTest, ChecksNumbersOfPicturesAndValuesBeforeTheWork) {
  start({demo("emoji"), demo("boxes", "emoji_detection.yaml")}, {.max_pictures = 2});
  const auto refused = [&](const NamedTensor& input, const std::string& why) {
    const Answer answer = infer("emoji", {.input = input, .outputs = {}});
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr(why));
    EXPECT_THAT(answer.body, HasSubstr("--max-pictures"));
  };
  refused({"images", Datatype::kBytes, {3}, std::vector<std::string>(3, "no picture")}, "3 pictures");
  refused({"pixels", Datatype::kUint8, {1'000'000, 1, 1, 3}, std::vector<uint8_t>(3'000'000)}, "1000000 pictures");
  const auto size = models::usual_input_size(service_->model("emoji")->model->config());
  const auto values = static_cast<size_t>(9 * size[0] * size[1]);
  refused({"input", Datatype::kFp32, {3, 3, size[0], size[1]}, std::vector<float>(values)}, "3 rows");
  std::vector<float> broken(values / 3, 0.5F);
  broken[7] = NAN;
  const Answer answer =
      infer("emoji", {.input = {"input", Datatype::kFp32, {1, 3, size[0], size[1]}, broken}, .outputs = {}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("value 7 is nan"));
  const std::string file = bytes_of(sample());
  ASSERT_EQ(infer("emoji", {.input = {"images", Datatype::kBytes, {2}, std::vector<std::string>{file, file}},
                            .outputs = {"labels", "logits"}})
                .status,
            200);
  EXPECT_THAT(output("labels").shape, ElementsAre(2, 5));
  EXPECT_EQ(output("logits").shape.front(), 2);
}

TEST_F(ModelServiceTest, OnePictureIsWorkedOnBeforeTheNextIsDecoded) {
  start({demo("masks", "emoji_segmentation.yaml")});
  const std::string file = bytes_of(sample());
  const auto images = [](std::vector<std::string> files) {
    return NamedTensor{"images", Datatype::kBytes, {static_cast<int64_t>(files.size())}, std::move(files)};
  };
  ASSERT_EQ(infer("masks", {.input = images({file}), .outputs = {}}).status, 200);
  const std::string mask = std::get<std::vector<std::string>>(output("masks").data).front();
  ASSERT_EQ(infer("masks", {.input = images({file, file}), .outputs = {}}).status, 200);
  EXPECT_THAT(output("masks").shape, ElementsAre(2));
  EXPECT_THAT(std::get<std::vector<std::string>>(output("masks").data), ElementsAre(mask, mask));

  const auto served = streams::make_served_model(
      std::make_shared<const models::Model>(models::Model::load(kDemo / "emoji.yaml")), {}, 1, 1);
  auto counting = std::make_shared<streams::ServedModel>(*served);
  std::atomic<int> predicted = 0;
  counting->predict = [&](const cv::Mat& picture, int threads) {
    ++predicted;
    return served->predict(picture, threads);
  };
  const LoadedModel model("emoji", counting, {});
  InferWork work;
  EXPECT_THROW(model.infer({.input = images({file, "no picture"}), .outputs = {}}, {}, work), Error);
  EXPECT_EQ(predicted, 1) << "before the second, which is none, was looked at";
  int asked = 0;
  const InferLimits until_second{.ended = [&] { return ++asked > 1; }};
  try {
    model.infer({.input = images({file, file, file}), .outputs = {}}, until_second, work);
    FAIL() << "the server has ended";
  } catch (const InferError& error) {
    EXPECT_EQ(error.failure().status, 503);
  }
  EXPECT_EQ(predicted, 2);
}

TEST_F(ModelServiceTest, WhatFindsNoRoomIsRefusedAtOnceAndTheRestIsAnswered) {
  start({demo("emoji")}, {.workers = 1, .queue = {.requests = 1}});
  request_ = {.input = picture_file(sample()), .outputs = {"labels"}};
  test::RawClient first(port());
  test::RawClient second(port());
  const std::string held = "POST /held/emoji HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n";
  first.send(held);
  hold_.wait_for(1);
  second.send(held);
  while (test::check_metrics_text(prometheus_text(service_->metrics()))
             .samples.at(R"(nv_inference_pending_request_count{model="emoji"})") < 1.0) {
    std::this_thread::yield();
  }
  const Answer third = ask(port(), "POST", "/ask/emoji");
  EXPECT_EQ(third.status, 503);
  EXPECT_THAT(third.head, HasSubstr("Retry-After: 1"));
  hold_.open();
  EXPECT_EQ(read_answer(first).status, 200);
  EXPECT_EQ(read_answer(second).status, 200);
  EXPECT_EQ(service_->statistics("").front().fail.count, 1);
}

TEST_F(ModelServiceTest, DrainsWhatItHasAndTakesNoMore) {
  start({demo("emoji")});
  request_ = {.input = picture_file(sample()), .outputs = {"labels"}};
  EXPECT_TRUE(service_->ready());
  test::RawClient first(port());
  first.send("POST /held/emoji HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n");
  hold_.wait_for(1);
  EXPECT_FALSE(service_->drain(1ms));
  EXPECT_FALSE(service_->ready());
  EXPECT_EQ(ask(port(), "POST", "/ask/emoji").status, 503);
  hold_.open();
  EXPECT_TRUE(service_->drain(60s));
  EXPECT_EQ(read_answer(first).status, 200);
}

TEST_F(ModelServiceTest, WhatDoesNotDrainIsAnsweredAndLeftBehind) {
  start({demo("emoji")}, {.workers = 1});
  request_ = {.input = picture_file(sample()), .outputs = {"labels"}};
  test::RawClient first(port());
  test::RawClient second(port());
  first.send("POST /held/emoji HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n");
  hold_.wait_for(1);
  second.send("POST /ask/emoji HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n");
  while (prometheus_text(service_->metrics()).find("pending_request_count{model=\"emoji\"} 1") == std::string::npos) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(service_->drain(1ms));
  service_->close();
  EXPECT_EQ(read_answer(second).status, 503) << "though the worker still has the first";
  std::optional<InferFailure> failure;
  service_->load("emoji", [&](std::optional<InferFailure> found) { failure = std::move(found); });
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->status, 503);
  ModelService::end(std::move(service_), 1ms);
  EXPECT_EQ(threads_left_behind(), 1);
  hold_.open();
  EXPECT_EQ(read_answer(first).status, 503) << "no picture is begun any more";
  while (threads_left_behind() > 0) std::this_thread::yield();
}

TEST_F(ModelServiceTest, ModelsAreUnloadedAndLoadedAgain) {
  start({demo("emoji")});
  EXPECT_FALSE(change(&ModelService::unload).has_value());
  EXPECT_EQ(service_->model("emoji"), nullptr);
  EXPECT_TRUE(service_->ready()) << "as somebody wished";
  EXPECT_EQ(service_->index().front().state, RepositoryEntry::State::kUnavailable);
  EXPECT_EQ(infer("emoji", {.input = picture_file(sample()), .outputs = {}}).status, 404);
  EXPECT_FALSE(change(&ModelService::load).has_value());
  EXPECT_EQ(infer("emoji", {.input = picture_file(sample()), .outputs = {}}).status, 200);
  EXPECT_EQ(reply_.version, 2);
  EXPECT_FALSE(change(&ModelService::load).has_value()) << "again, while it runs";
  EXPECT_EQ(service_->model("emoji")->version, 3);
  EXPECT_EQ(service_->model("emoji", 2), nullptr);
  EXPECT_FALSE(change(&ModelService::unload).has_value());
  const auto samples = test::check_metrics_text(prometheus_text(service_->metrics())).samples;
  EXPECT_EQ(samples.at(R"(zoo_model_swaps_total{model="emoji"})"), 1.0) << "though none runs any more";
  EXPECT_EQ(samples.at(R"(zoo_model_failed_swaps_total{model="emoji"})"), 0.0);
}

TEST_F(ModelServiceTest, AModelWhoseFileIsWrongIsNotReadyWhereOneThatWasUnloadedIsNotThere) {
  const test::TempFolder folder;
  start({{.name = "emoji", .file = test::copy_demo_classifier(folder.path())}});
  EXPECT_FALSE(change(&ModelService::unload).has_value());
  EXPECT_TRUE(service_->index().front().unloaded);
  fs::remove_all(folder.path());
  EXPECT_TRUE(change(&ModelService::load).has_value());
  EXPECT_FALSE(service_->index().front().unloaded);
  EXPECT_FALSE(service_->ready());
  EXPECT_EQ(infer("emoji", {.input = picture_file(sample()), .outputs = {}}).status, 503);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they need all addresses
TEST(ModelService, EndsWhereTheSystemHasNoFurtherThread) {
  constexpr size_t kRoom = size_t{64} << 20;
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlimit tight{.rlim_cur = pages * 4096 + kRoom, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
  EXPECT_THROW(ModelService({}, {.workers = 1'000}), EngineError) << "and does not hang";
  setrlimit(RLIMIT_AS, &before);
}
#endif

TEST(ModelService, SaysWhatIsWrongWithAllModels) {
  ModelService service({{.name = "a", .file = "/nowhere/a.yaml"}, {.name = "b", .file = "/nowhere/b.yaml"}}, {});
  try {
    service.load_all();
    FAIL() << "both are missing";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.problems(), ElementsAre(HasSubstr("/nowhere/a.yaml"), HasSubstr("/nowhere/b.yaml")));
  }
  EXPECT_FALSE(service.ready());
}

}  // namespace
}  // namespace zoo::serve
