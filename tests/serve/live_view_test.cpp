// The routes of the live view, and its WebSocket.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/core/mat.hpp>
#include <opencv2/imgcodecs.hpp>

#include "serve/view/view_hub.h"
#include "streams/streams_json.h"
#include "tests/serve/client.h"
#include "tests/serve/fake_view.h"

namespace zoo::serve {
namespace {

using nlohmann::json;
using test::Answer;
using test::answered_frame;
using test::ask;
using test::FakeView;
using test::get;
using test::RawClient;
using test::running_stream;
using test::WebSocketClient;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<streams::StreamSnapshot> some_streams(size_t count) {
  std::vector<streams::StreamSnapshot> all;
  for (size_t i = 0; i < count; ++i) all.push_back(running_stream(i, "stream" + std::to_string(i)));
  return all;
}

cv::Mat decoded(const std::string& jpeg) {
  return cv::imdecode(std::vector<uint8_t>(jpeg.begin(), jpeg.end()), cv::IMREAD_COLOR);
}

/// A picture of the WebSocket.
struct Picture {
  json header;
  cv::Mat image;
};

/// What comes next that is a picture, or text. `states`: counts the texts before it.
std::optional<Picture> next_picture(WebSocketClient& client, int* states = nullptr) {
  while (const std::optional<WsMessage> message = client.read()) {
    if (message->opcode == WsOpcode::kText && states != nullptr) ++*states;
    if (message->opcode != WsOpcode::kBinary) continue;
    size_t size = 0;
    for (int i = 3; i >= 0; --i)
      size = size << 8 | static_cast<unsigned char>(message->payload[static_cast<size_t>(i)]);
    return Picture{json::parse(message->payload.substr(4, size)), decoded(message->payload.substr(4 + size))};
  }
  return std::nullopt;
}
json next_state(WebSocketClient& client) {
  while (const std::optional<WsMessage> message = client.read()) {
    if (message->opcode == WsOpcode::kText) return json::parse(message->payload);
  }
  return {};
}

TEST(LiveView, ServesThePage) {
  FakeView view(some_streams(1));
  for (const auto& [path, begin] : {std::pair("/", "<!doctype html>"), std::pair("/page.css", ":root"),
                                    std::pair("/page.js", "// The live view")}) {
    const Answer answer = get(view.port(), path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_THAT(answer.body, StartsWith(begin));
    EXPECT_THAT(answer.head, HasSubstr("Content-Security-Policy: default-src 'none'; script-src 'self'"));
    EXPECT_THAT(answer.body, Not(HasSubstr("https://"))) << "nothing from elsewhere";
  }
  EXPECT_EQ(get(view.port(), "/healthz").body, "{\"status\":\"ok\"}\n");
  EXPECT_EQ(get(view.port(), "/page/../page.js").status, 404);
}

TEST(LiveView, TellsWhatTheStreamsTell) {
  FakeView view(some_streams(3));
  view.change([](auto&, ModelState& model) { model.problem = "m.yaml:3:5: model.task: \"x\" is none"; });
  const json state = json::parse(get(view.port(), "/api/streams").body);
  streams::StreamCounts total;
  for (const auto& stream : view.streams()) total += stream.counts;
  json expected = json::parse(streams::streams_json(view.streams(), total));
  EXPECT_EQ(state["streams"], expected["streams"]);
  EXPECT_EQ(state["total"], expected["total"]);
  EXPECT_EQ(state["model"]["name"], "mobilenetv4_conv_small");
  EXPECT_EQ(state["model"]["version"], 3);
  EXPECT_EQ(state["model"]["problem"], "m.yaml:3:5: model.task: \"x\" is none");
}

TEST(LiveView, GivesPicturesAtTheWidthThatIsAskedFor) {
  FakeView view(some_streams(1));
  EXPECT_EQ(get(view.port(), "/streams/stream0.jpg").status, 503);
  EXPECT_EQ(get(view.port(), "/streams/nobody.jpg").status, 404);
  view.frames().put(answered_frame(0, 7));
  const cv::Mat whole = decoded(get(view.port(), "/streams/stream0.jpg").body);
  EXPECT_EQ(whole.size(), cv::Size(640, 360));
  EXPECT_EQ(decoded(get(view.port(), "/streams/stream0.jpg?width=320").body).size(), cv::Size(320, 180));
  EXPECT_EQ(decoded(get(view.port(), "/streams/stream0.jpg?width=300").body).size(), cv::Size(320, 180));
  EXPECT_EQ(decoded(get(view.port(), "/streams/stream0.jpg?width=5000").body).size(), cv::Size(640, 360));
  for (const char* width : {"0", "-1", "x", "99999", "1e3", ""}) {
    EXPECT_EQ(get(view.port(), std::string("/streams/stream0.jpg?width=") + width).status, 400) << width;
  }
  // The result is drawn on what is sent, not on the frame.
  const auto frame = view.frames().newest(0);
  EXPECT_GT(cv::norm(whole, frame->item.frame.image, cv::NORM_INF), 60);
  EXPECT_LT(cv::norm(answered_frame(0, 7).frame.image, frame->item.frame.image, cv::NORM_INF), 1);
}

TEST(LiveView, APictureSaysHowOldItIsAndThatOfALostCameraIsAskedFor) {
  FakeView view(some_streams(1));
  view.frames().put(answered_frame(0, 7));
  EXPECT_THAT(get(view.port(), "/streams/stream0.jpg").head, HasSubstr("X-Frame-Age: 0."));
  view.change([](auto& streams, ModelState&) {
    streams[0].state = streams::StreamState::kWaiting;
    streams[0].cause = pipeline::LossCause::kRefused;
    streams[0].message = "rtsp://camera/door: nothing listens there";
    streams[0].stall_timeout = std::chrono::hours(1);
  });
  EXPECT_EQ(get(view.port(), "/streams/stream0.jpg").status, 200) << "it may come back";
  view.change([](auto& streams, ModelState&) { streams[0].stall_timeout = {}; });
  const Answer lost = get(view.port(), "/streams/stream0.jpg");
  EXPECT_EQ(lost.status, 503);
  EXPECT_THAT(lost.head, HasSubstr("X-Frame-Age: 0."));
  EXPECT_THAT(lost.body,
              HasSubstr("the stream is waiting (refused): rtsp://camera/door: nothing listens there; its last "
                        "picture is 0."));
  EXPECT_EQ(get(view.port(), "/streams/stream0.jpg?stale=1").status, 200);
  view.change([](auto& streams, ModelState&) { streams[0].state = streams::StreamState::kEnded; });
  EXPECT_EQ(get(view.port(), "/streams/stream0.jpg").status, 200) << "a file that was read to its end";
}

TEST(LiveView, DrawsOnlyWhatSomebodyAsksFor) {
  FakeView view(some_streams(2));
  for (int i = 0; i < 50; ++i) view.frames().put(answered_frame(0, i));
  EXPECT_THAT(get(view.port(), "/metrics").body, HasSubstr("\nzoo_view_pictures_total 0\n"));
  get(view.port(), "/streams/stream0.jpg");
  get(view.port(), "/streams/stream0.jpg");  // the same frame
  EXPECT_THAT(get(view.port(), "/metrics").body, HasSubstr("\nzoo_view_pictures_total 1\n"));
}

TEST(LiveView, StreamsMjpeg) {
  FakeView view(some_streams(1));
  RawClient client(view.port());
  client.send("GET /streams/stream0.mjpeg?width=160 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("multipart/x-mixed-replace; boundary=zoo-frame"));
  for (int i = 0; i < 5; ++i) {
    view.frames().put(answered_frame(0, i));
    EXPECT_THAT(client.read_until("--zoo-frame"), HasSubstr("--zoo-frame"));
    EXPECT_THAT(client.read_until("\xff\xd9"), HasSubstr("JFIF"));
  }
  EXPECT_EQ(ask(view.port(), "DELETE", "/api/streams/stream0").status, 204);
  EXPECT_THAT(client.read_until("\r\n0\r\n\r\n"), HasSubstr("\r\n0\r\n\r\n")) << "the stream is gone: the end";
  EXPECT_EQ(get(view.port(), "/streams/stream0.mjpeg").status, 404);
}

TEST(LiveView, ASlowClientGetsNewerPicturesNotAQueue) {
  FakeView view(some_streams(1));
  WebSocketClient client(view.port());
  ASSERT_EQ(client.status(), 101);
  client.send_text(R"({"look":[["stream0",320]]})");
  view.frames().put(answered_frame(0, 0));
  int64_t last = next_picture(client)->header["frame"].get<int64_t>();
  for (int round = 1; round <= 5; ++round) {
    for (int i = 0; i < 20; ++i) view.frames().put(answered_frame(0, round * 20 + i));
    client.send_text(R"({"ack":"picture","stream":"stream0"})");
    const std::optional<Picture> picture = next_picture(client);
    ASSERT_TRUE(picture);
    EXPECT_EQ(picture->header["frame"], round * 20 + 19) << "the newest, of twenty that came meanwhile";
    EXPECT_GT(picture->header["frame"], last);
    EXPECT_EQ(picture->header["width"], 320);
    EXPECT_EQ(picture->image.size(), cv::Size(320, 180));
    last = picture->header["frame"].get<int64_t>();
  }
}

TEST(LiveView, SendsNothingBeforeTheLastIsAcknowledged) {
  FakeView view(some_streams(2));
  WebSocketClient client(view.port());
  client.send_text(R"({"look":[["stream0",160],["stream1",160]]})");
  for (size_t stream : {0, 1}) view.frames().put(answered_frame(stream, 1));
  std::set<std::string> seen;
  int states = 0;
  for (int i = 0; i < 2; ++i) seen.insert(next_picture(client, &states)->header["stream"].get<std::string>());
  EXPECT_EQ(seen.size(), 2U);
  // Of stream0 nothing more, whatever comes; stream1 goes on.
  for (int64_t i = 2; i < 6; ++i) {
    for (size_t stream : {0, 1}) view.frames().put(answered_frame(stream, i));
    client.send_text(R"({"ack":"picture","stream":"stream1"})");
    EXPECT_EQ(next_picture(client, &states)->header["stream"], "stream1");
  }
  // Neither is a further state sent.
  EXPECT_LE(states, 1);
  if (states == 0) {
    EXPECT_EQ(next_state(client)["streams"].size(), 2U);
  }
  view.change([](auto& streams, ModelState&) { streams.pop_back(); });
  client.send_text(R"({"ack":"state"})");
  EXPECT_EQ(next_state(client)["streams"].size(), 1U);
}

TEST(LiveView, DrawsWhatIsLookedAt) {
  FakeView view(some_streams(3));
  for (size_t i = 0; i < 3; ++i) view.frames().put(answered_frame(i, 1));
  WebSocketClient client(view.port());
  client.send_text(R"({"look":[["stream1",200],["nobody",200]]})");
  EXPECT_EQ(next_picture(client)->header["stream"], "stream1");
  // Larger now: the same frame again, sharper.
  client.send_text(R"({"ack":"picture","stream":"stream1"})");
  client.send_text(R"({"look":[["stream1",600]]})");
  EXPECT_EQ(next_picture(client)->header["width"], 640);
  client.send_text(R"({"look":[]})");
  client.send_text(R"({"look":[["stream2",200]]})");
  EXPECT_EQ(next_picture(client)->header["stream"], "stream2");
  EXPECT_THAT(get(view.port(), "/metrics").body, HasSubstr("\nzoo_view_pictures_total 3\n"));
}

TEST(LiveView, LeavesClientsThatSpeakAnotherLanguage) {
  FakeView view(some_streams(1));
  for (const std::string& text :
       {std::string("hello"), std::string("[]"), std::string("{}"), std::string(R"({"look":[["a"]]})"),
        std::string(R"({"look":[["a",1e300]]})"), std::string(R"({"look":[[1,2]]})"), std::string(R"({"ack":"x"})"),
        std::string(R"({"ack":"picture"})"), std::string(60'000, '['), "{\"look\":" + std::string(20'000, '[')}) {
    WebSocketClient client(view.port());
    client.send_text(text);
    std::optional<WsMessage> message = client.read();
    while (message && message->opcode != WsOpcode::kClose) message = client.read();
    EXPECT_TRUE(message) << text.substr(0, 40);
  }
  EXPECT_EQ(get(view.port(), "/healthz").status, 200);
}

TEST(LiveView, AddsAndRemovesStreams) {
  FakeView view(some_streams(1));
  const Answer added = ask(view.port(), "POST", "/api/streams",
                           R"({"name":"door","source":"rtsp://camera/door","policy":"max-age 250"})");
  EXPECT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(view.streams().back().name, "door");
  EXPECT_EQ(view.streams().back().policy, "max-age 250");
  EXPECT_EQ(ask(view.port(), "POST", "/api/streams", R"({"name":"door","source":"rtsp://camera/door"})").status, 409);
  EXPECT_EQ(ask(view.port(), "POST", "/api/streams", R"({"name":"unwanted","source":"0"})").status, 400);
  EXPECT_EQ(ask(view.port(), "POST", "/api/streams", R"({"name":"one-too-many","source":"0"})").status, 429);
  EXPECT_EQ(ask(view.port(), "DELETE", "/api/streams/door").status, 204);
  EXPECT_EQ(ask(view.port(), "DELETE", "/api/streams/door").status, 404);
  EXPECT_EQ(ask(view.port(), "POST", "/api/reload").status, 202);
  EXPECT_EQ(view.reloads(), 1);
}

TEST(LiveView, SaysAllThatIsWrongWithAStream) {
  FakeView view(some_streams(1));
  const Answer answer =
      ask(view.port(), "POST", "/api/streams",
          R"({"name":"a b","source":"/etc/passwd","policy":"sometimes","open_timeout_s":-1,"reconnect":1,"colour":2})");
  EXPECT_EQ(answer.status, 400);
  for (const char* problem : {"name: ", "source: expected an address", "policy: ", "open_timeout_s: expected a number",
                              "reconnect: expected true or false", "colour: unknown"}) {
    EXPECT_THAT(answer.body, HasSubstr(problem));
  }
  for (const char* body : {"", "[]", "{", "\"x\"", "{\"name\":\"x\"}"}) {
    EXPECT_EQ(ask(view.port(), "POST", "/api/streams", body).status, 400) << body;
  }
  for (const char* source :
       {"file:///etc/passwd", "gst:filesrc location=x", "../x.mp4", "-", "/dev/video0", "x.mp4", "subfile,,://x"}) {
    const json stream = {{"name", "x"}, {"source", source}};
    EXPECT_EQ(ask(view.port(), "POST", "/api/streams", stream.dump()).status, 400) << source;
  }
  EXPECT_EQ(view.streams().size(), 1U);
}

TEST(LiveView, CountsForPrometheus) {
  FakeView view(some_streams(2));
  view.change([](auto& streams, ModelState&) { streams[1].name = "a\"b\\c\nd"; });
  streams::SinkSnapshot file;
  file.name = "--json";
  streams::SinkSnapshot broker;
  broker.name = "mqtt://host:1883";
  broker.written = 60;
  broker.delivery = pipeline::Delivery{.delivered = 10, .dropped = 40, .waiting = 10, .away = true};
  view.set_sinks({file, broker});
  const Answer answer = get(view.port(), "/metrics");
  EXPECT_THAT(answer.head, HasSubstr("text/plain; version=0.0.4"));
  const streams::StreamCounts counts = view.streams()[0].counts;
  const auto line = [](const std::string& labels, int64_t value) {
    return "\n" + labels + " " + std::to_string(value) + "\n";
  };
  EXPECT_THAT(answer.body, HasSubstr(line("zoo_frames_captured_total{stream=\"stream0\"}", counts.captured)));
  EXPECT_THAT(answer.body, HasSubstr(line(R"(zoo_frames_total{stream="stream0",state="ok",reason=""})", counts.ok)));
  EXPECT_THAT(answer.body, HasSubstr(line(R"(zoo_frames_total{stream="stream0",state="dropped",reason="replaced"})",
                                          counts.dropped(streams::DropReason::kReplaced))));
  EXPECT_THAT(answer.body, HasSubstr("{stream=\"a\\\"b\\\\c\\nd\"}"));
  EXPECT_THAT(answer.body, HasSubstr("\nzoo_stream_state{stream=\"stream0\",state=\"running\"} 1\n"));
  EXPECT_THAT(answer.body, HasSubstr("\nzoo_sink_events_total{sink=\"mqtt://host:1883\",state=\"written\"} 60\n"));
  EXPECT_THAT(answer.body, HasSubstr("\nzoo_sink_lost_total{sink=\"mqtt://host:1883\"} 40\n"));
  EXPECT_THAT(answer.body, HasSubstr("\nzoo_sink_connected{sink=\"mqtt://host:1883\"} 0\n"));
  EXPECT_THAT(answer.body, HasSubstr("\nzoo_sink_works{sink=\"--json\"} 1\n"));
  EXPECT_THAT(answer.body, HasSubstr("\nzoo_model_info{name=\"mobilenetv4_conv_small\",version=\"3\"} 1\n"));
  // Every sample has a family that was described before it, once.
  std::set<std::string> families;
  std::istringstream lines(answer.body);
  for (std::string text; std::getline(lines, text);) {
    if (text.starts_with("# TYPE ")) {
      EXPECT_TRUE(families.insert(text.substr(7, text.rfind(' ') - 7)).second) << text;
    } else if (!text.starts_with("#")) {
      EXPECT_TRUE(families.contains(text.substr(0, text.find_first_of("{ ")))) << text;
    }
  }
}

TEST(LiveView, EndsWhilePeopleLook) {
  HttpServerOptions options;
  options.drain = std::chrono::hours(1);  // which nobody may hold up
  FakeView view(some_streams(2), options);
  std::vector<WebSocketClient> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(view.port());
    clients.back().send_text(R"({"look":[["stream0",640],["stream1",640]]})");
  }
  RawClient mjpeg(view.port());
  mjpeg.send("GET /streams/stream0.mjpeg HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(mjpeg.read_until("\r\n\r\n"), HasSubstr("200 OK"));
  for (int i = 0; i < 20; ++i) view.frames().put(answered_frame(i % 2, i));
  view.stop();
  EXPECT_TRUE(mjpeg.read_to_end());
  view.frames().put(answered_frame(0, 100));
}

TEST(SharedWidth, HasFewValues) {
  EXPECT_EQ(shared_width(1), 160);
  EXPECT_EQ(shared_width(160), 160);
  EXPECT_EQ(shared_width(161), 240);
  EXPECT_EQ(shared_width(100'000), 3'840);
}

}  // namespace
}  // namespace zoo::serve
