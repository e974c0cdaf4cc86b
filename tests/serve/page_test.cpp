// The page of the live view in a browser. ZOO_SCREENSHOTS=FOLDER keeps what it looked like.
#include <atomic>
#include <cstdlib>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/serve/browser.h"
#include "tests/serve/client.h"
#include "tests/serve/fake_view.h"

namespace zoo::serve {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using streams::StreamSnapshot;
using streams::StreamState;
using test::answered_frame;
using test::Browser;
using test::FakeView;
using test::get;
using test::running_stream;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr size_t kTwelve = 12;

std::vector<StreamSnapshot> twelve_streams() {
  const char* const kNames[kTwelve] = {"front-door", "back-door", "yard",     "garage",    "driveway", "gate-north",
                                       "gate-south", "hallway",   "workshop", "warehouse", "roof",     "parking"};
  std::vector<StreamSnapshot> all;
  for (size_t i = 0; i < kTwelve; ++i) all.push_back(running_stream(i, kNames[i]));
  all[4].state = StreamState::kWaiting;
  all[4].cause = pipeline::LossCause::kAuthentication;
  all[4].message =
      "rtsp://admin:***@camera4/main: the server asks for a user name and password (401); trying again in 8 s";
  all[4].quality = "poor";
  all[4].captured_fps = all[4].answered_fps = 0.0;
  all[7].state = StreamState::kStalled;
  all[7].cause = pipeline::LossCause::kTimeout;
  all[7].message = "camera 7: no frame for 6 s";
  all[7].quality = "fair";
  all[9].state = StreamState::kEnded;
  all[10].state = StreamState::kOpening;
  all[10].last_answer.clear();
  all[10].counts = {};
  all[10].quality.clear();
  return all;
}

/// Gives every stream that runs a new frame again and again.
class Cameras {
 public:
  explicit Cameras(FakeView& view, std::chrono::milliseconds between = 30ms)
      : thread_([this, &view, between](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            ++index_;
            for (const StreamSnapshot& stream : view.streams()) {
              if (stream.state != StreamState::kOpening) view.frames().put(answered_frame(stream.stream, index_));
            }
            std::this_thread::sleep_for(between);
          }
        }) {}
  int64_t index() const { return index_; }

 private:
  std::atomic<int64_t> index_ = 0;
  std::jthread thread_;
};

/// One browser for all: starting it takes longer than the tests.
class PageTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { browser_ = std::make_unique<Browser>(); }
  static void TearDownTestSuite() { browser_.reset(); }

  void SetUp() override {
    browser_->set_size(1920, 1080);
    browser_->set_dark(false);
  }
  void TearDown() override { browser_->open("about:blank"); }

  static void open(const FakeView& view, size_t tiles) {
    browser_->open(view.url());
    ASSERT_TRUE(browser_->wait_for("document.querySelectorAll('article').length == " + std::to_string(tiles)));
  }
  static bool wait_for_pictures(size_t count) {
    return browser_->wait_for("document.querySelectorAll('article[data-frame]').length >= " + std::to_string(count));
  }
  static void keep(const std::string& name) {
    if (const char* folder = std::getenv("ZOO_SCREENSHOTS"))
      browser_->save_screenshot(std::string(folder) + "/" + name);
  }
  /// Nothing sticks out on the right.
  static void expect_fits() {
    EXPECT_EQ(browser_->run("return document.documentElement.scrollWidth > innerWidth;"), false);
  }

  static std::unique_ptr<Browser> browser_;
};

std::unique_ptr<Browser> PageTest::browser_;

/// Digits of the text of an element, which groups them.
std::string digits_script() { return "const digits = (node) => Number(node.textContent.replace(/[^0-9]/g, ''));\n"; }

TEST_F(PageTest, ShowsTheCountsOfTheJson) {
  FakeView view(twelve_streams());
  open(view, kTwelve);
  const json shown = browser_->run(digits_script() + R"(
    const all = {};
    for (const tile of document.querySelectorAll('article')) {
      const counts = {};
      for (const node of tile.querySelectorAll('[data-count]')) counts[node.dataset.count] = digits(node);
      const rate = (name) => Number(tile.querySelector(`[data-rate=${name}]`).textContent);
      all[tile.dataset.stream] = {counts, state: tile.dataset.state, answer: tile.querySelector('.answer').textContent,
        captured: rate('captured'), answered: rate('answered'), cause: tile.querySelector('.cause').textContent,
        quality: tile.querySelector('.quality').textContent, ages: !tile.querySelector('.ages').hidden};
    }
    return all;)");
  const json state = json::parse(get(view.port(), "/api/streams").body);
  ASSERT_EQ(state["streams"].size(), kTwelve);
  for (const json& stream : state["streams"]) {
    const json& tile = shown[stream["name"].get<std::string>()];
    const json& counts = stream["counts"];
    for (const char* key : {"captured", "ok", "late", "failed", "in_flight"}) {
      EXPECT_EQ(tile["counts"][key], counts[key]) << stream["name"] << " " << key;
    }
    for (const auto& [reason, count] : counts["dropped"].items()) EXPECT_EQ(tile["counts"][reason], count) << reason;
    EXPECT_EQ(tile["counts"]["reconnects"], stream["reconnects"]);
    EXPECT_EQ(tile["state"], stream["state"]);
    const bool is_old = stream["state"] != "running" && stream["state"] != "ended";
    EXPECT_EQ(tile["answer"], is_old ? json("") : stream["answer"]) << "a lost stream has no answer";
    EXPECT_EQ(tile["ages"], stream["state"] == "running") << stream["name"];
    EXPECT_EQ(tile["cause"], stream["message"]);
    EXPECT_NEAR(tile["captured"].get<double>(), stream["fps"]["captured"].get<double>(), 0.051);
    EXPECT_NEAR(tile["answered"].get<double>(), stream["fps"]["answered"].get<double>(), 0.051);
    EXPECT_THAT(tile["quality"].get<std::string>(), HasSubstr(stream["quality"].get<std::string>()));
  }
  const json sums = browser_->run(digits_script() + R"(
    const sums = {};
    for (const node of document.querySelectorAll('[data-total]')) sums[node.dataset.total] = digits(node);
    return sums;)");
  EXPECT_EQ(sums["captured"], state["total"]["captured"]);
  EXPECT_EQ(sums["ok"], state["total"]["ok"]);
  EXPECT_EQ(browser_->run("return document.querySelector('[data-model=name]').textContent;"), state["model"]["name"]);
  EXPECT_EQ(browser_->run("return document.querySelector('[data-model=version]').textContent;"), "3");
  EXPECT_THAT(browser_->errors(), IsEmpty());
}

TEST_F(PageTest, ShowsTwelveStreamsOnAWall) {
  FakeView view(twelve_streams());
  const Cameras cameras(view);
  open(view, kTwelve);
  ASSERT_TRUE(wait_for_pictures(kTwelve - 1));
  // All on the screen, none below a size at which people are seen.
  const json bottoms = browser_->run(
      "return [...document.querySelectorAll('article')].map((tile) => tile.getBoundingClientRect().bottom);");
  EXPECT_THAT(bottoms.get<std::vector<double>>(), Each(::testing::Le(1080.0)));
  const json heights =
      browser_->run("return [...document.querySelectorAll('.picture')].map((place) => place.clientHeight);");
  EXPECT_THAT(heights.get<std::vector<double>>(), Each(::testing::Ge(200.0)));
  expect_fits();
  keep("wall-light.png");
  browser_->set_dark(true);
  keep("wall-dark.png");
  EXPECT_THAT(browser_->errors(), IsEmpty());
}

TEST_F(PageTest, IsDarkWhereTheUserWantsThat) {
  FakeView view(twelve_streams());
  open(view, kTwelve);
  const std::string light =
      "const c = getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number);"
      "return c[0] + c[1] + c[2];";
  EXPECT_GT(browser_->run(light).get<int>(), 600);
  browser_->set_dark(true);
  EXPECT_LT(browser_->run(light).get<int>(), 120);
}

TEST_F(PageTest, FitsAPhone) {
  FakeView view(twelve_streams());
  view.change([](auto&, ModelState& model) {
    model.problem =
        "configs/mine.yaml:12:7: model.architecture.backbone.name: there is no \"mobilenetv5\"; did you mean "
        "\"mobilenetv4\"?\nconfigs/mine.yaml:19:3: model.colour: unknown key";
  });
  const Cameras cameras(view);
  browser_->set_size(360, 780, 2.0);
  open(view, kTwelve);
  ASSERT_TRUE(wait_for_pictures(1));
  expect_fits();
  EXPECT_EQ(browser_->run("return document.getElementById('problem').hidden;"), false);
  EXPECT_THAT(browser_->run("return document.querySelector('#problem pre').textContent;").get<std::string>(),
              HasSubstr("configs/mine.yaml:19:3: model.colour: unknown key"));
  // Letters that can be read, and pictures only of what is on the screen, at its size.
  EXPECT_GE(
      browser_->run("return parseFloat(getComputedStyle(document.querySelector('.facts')).fontSize);").get<double>(),
      12.0);
  EXPECT_LT(browser_->run("return document.querySelectorAll('article[data-frame]').length;").get<int>(), 6);
  EXPECT_EQ(browser_->run("return document.querySelector('article[data-frame]').dataset.width;"), "480");
  keep("phone-light.png");
  browser_->set_dark(true);
  keep("phone-dark.png");
  browser_->run("document.querySelectorAll('article')[4].scrollIntoView();");
  ASSERT_TRUE(browser_->wait_for("document.querySelectorAll('article')[4].dataset.frame"));
  keep("phone-lost.png");
}

TEST_F(PageTest, AThrottledClientGetsNewerPictures) {
  FakeView view({running_stream(0, "door")});
  browser_->set_download(60'000);
  open(view, 1);
  const Cameras cameras(view, 5ms);
  ASSERT_TRUE(browser_->wait_for("document.querySelector('article').dataset.frame > 0"));
  // What it shows lags by the pictures under way, not by all that came meanwhile.
  int64_t last = 0;
  int64_t skipped = 0;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(browser_->wait_for("document.querySelector('article').dataset.frame > " + std::to_string(last)));
    const int64_t next =
        std::stoll(browser_->run("return document.querySelector('article').dataset.frame;").get<std::string>());
    if (last > 0) skipped += next - last - 1;
    last = next;
  }
  EXPECT_GT(skipped, 10) << "frames of which it got no picture";
  const std::string metrics = get(view.port(), "/metrics").body;
  const int64_t drawn = std::stoll(metrics.substr(metrics.find("\nzoo_view_pictures_total ") + 25));
  EXPECT_LT(drawn, cameras.index() / 2);
  browser_->set_download(-1);
}

TEST_F(PageTest, FollowsWhatChanges) {
  FakeView view({running_stream(0, "door"), running_stream(1, "yard")});
  const Cameras cameras(view);
  open(view, 2);
  ASSERT_TRUE(wait_for_pictures(2));
  view.change([](auto& streams, ModelState& model) {
    streams.pop_back();
    streams[0].state = StreamState::kWaiting;
    streams[0].message = "rtsp://camera0/main: connection refused";
    streams.push_back(running_stream(2, "<b>garden</b>"));
    model.version = 4;
    model.problem = "m.yaml:1:1: <i>wrong</i>";
  });
  EXPECT_TRUE(
      browser_->wait_for("document.querySelectorAll('article').length == 2 && "
                         "document.querySelector('[data-model=version]').textContent == '4'"));
  EXPECT_EQ(browser_->run("return document.querySelectorAll('h2')[2].textContent;"), "<b>garden</b>") << "text is text";
  EXPECT_EQ(browser_->run("return document.querySelector('.state span').textContent;"), "lost, trying again");
  EXPECT_THAT(browser_->run("return document.getElementById('said').textContent;").get<std::string>(),
              HasSubstr("door: lost, trying again. rtsp://camera0/main: connection refused"));
  EXPECT_EQ(browser_->run("return document.querySelector('#problem pre').textContent;"), "m.yaml:1:1: <i>wrong</i>");
  browser_->run("document.querySelectorAll('.enlarge')[1].click();");
  EXPECT_TRUE(browser_->wait_for("document.querySelector('article.large').dataset.width >= 640"));
  keep("one.png");
}

TEST_F(PageTest, SaysHowOldTheLastPictureOfALostStreamIs) {
  std::vector<StreamSnapshot> all = {running_stream(0, "door"), running_stream(1, "new")};
  all[1].counts = {};
  all[1].ages = {};
  all[1].last_answer.clear();
  FakeView view(all);
  pipeline::ProcessedFrame old = answered_frame(0, 7);
  old.frame.captured_at -= 75s;
  view.frames().put(old);
  open(view, 2);
  ASSERT_TRUE(wait_for_pictures(1));
  EXPECT_EQ(browser_->run("return document.querySelectorAll('.ages')[1].hidden;"), true) << "nothing was answered yet";
  view.change([](auto& streams, ModelState&) {
    streams[0].state = StreamState::kWaiting;
    streams[0].message = "rtsp://camera0/main: connection refused";
  });
  ASSERT_TRUE(browser_->wait_for("document.querySelector('article').dataset.state == 'waiting'"));
  EXPECT_THAT(browser_->run("return document.querySelector('.rates').innerText;").get<std::string>(),
              ::testing::MatchesRegex(".*/s answered, picture (7[5-9]|[89][0-9]|1[01][0-9]) s old"));
  EXPECT_EQ(browser_->run("return document.querySelector('.answer').textContent;"), "");
  keep("lost.png");
}

TEST_F(PageTest, IsNotEmptyBeforeTheFirstMessage) {
  FakeView view({running_stream(0, "door")});
  browser_->open("about:blank");
  EXPECT_THAT(get(view.port(), "/").body, HasSubstr("The streams are asked for"));
  browser_->open(view.url());
  EXPECT_TRUE(
      browser_->wait_for("document.querySelectorAll('article').length == 1 && "
                         "document.getElementById('loading').hidden"));
  EXPECT_THAT(browser_->errors(), IsEmpty());
}

TEST_F(PageTest, AsksForTheToken) {
  HttpServerOptions options;
  options.token = "s3cret";
  FakeView view({running_stream(0, "door")}, options);
  browser_->open(view.url());
  ASSERT_TRUE(browser_->wait_for("!document.getElementById('entry').hidden"));
  keep("token.png");
  browser_->run("document.getElementById('token').value = 'wrong'; document.querySelector('#entry button').click();");
  ASSERT_TRUE(browser_->wait_for("document.getElementById('entry-problem').textContent != ''"));
  browser_->run("document.getElementById('token').value = 's3cret'; document.querySelector('#entry button').click();");
  EXPECT_TRUE(browser_->wait_for("document.querySelectorAll('article').length == 1"));
  browser_->run("sessionStorage.clear();");
  browser_->open(view.url() + "/?token=s3cret");
  EXPECT_TRUE(browser_->wait_for("document.querySelectorAll('article').length == 1"));
  EXPECT_EQ(browser_->run("return location.href;"), view.url() + "/") << "no token in the address bar";
}

}  // namespace
}  // namespace zoo::serve
