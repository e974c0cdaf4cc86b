#include "serve/view/live_view.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nn/core/error.h"
#include "nn/core/shown_text.h"
#include "serve/metrics/prometheus_text.h"
#include "serve/view/metrics_text.h"
#include "serve/view/mjpeg_stream.h"
#include "serve/view/page.h"
#include "serve/view/view_hub.h"
#include "serve/view/view_json.h"
#include "serve/view/view_session.h"
#include "serve/view/work_queue.h"
#include "streams/live_streams.h"

namespace zoo::serve {
namespace {

constexpr size_t kMaxStreamBody = size_t{16} << 10;
constexpr int kMaxWidth = 8'192;

/// Nothing from anywhere else, nothing inside another page.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

HttpResponse page_file(std::string_view content, const char* type) {
  return {.content_type = type,
          .body = std::string(content),
          .headers = {{"Content-Security-Policy", kPolicy},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cache-Control", "no-cache"}}};
}

HttpResponse fresh(const char* type, std::string body) {
  return {.content_type = type,
          .body = std::move(body),
          .headers = {{"Cache-Control", "no-store"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Cross-Origin-Resource-Policy", "same-origin"}}};
}

HttpResponse no_stream(const std::string& name) {
  return json_error(404, fmt::format("there is no stream \"{}\"; GET /api/streams lists them", shortened(name)));
}

HttpResponse not_here(std::string_view what) { return json_error(501, fmt::format("{} is not for this run", what)); }

/// Of `?width=N`; 0: the frame's own. Throws Error.
int width_of(const HttpRequest& request) {
  const std::optional<std::string> text = request.query_value("width");
  if (!text) return 0;
  int width = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), width);
  if (code != std::errc() || end != text->data() + text->size() || width < 1 || width > kMaxWidth) {
    throw Error(fmt::format("width: expected pixels from 1 to {}", kMaxWidth));
  }
  return shared_width(width);
}

double age_s(const Tile& tile) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - tile.captured_at).count();
}

HttpResponse unavailable(const std::string& problem) {
  HttpResponse response = json_error(503, problem);
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

/// No frame comes just now, though some may come again.
bool is_lost(streams::StreamState state) {
  switch (state) {
    case streams::StreamState::kOpening:
    case streams::StreamState::kStalled:
    case streams::StreamState::kWaiting:
    case streams::StreamState::kFailed:
      return true;
    case streams::StreamState::kRunning:
    case streams::StreamState::kEnded:
      break;
  }
  return false;
}

/// Of a stream that is lost for longer than it may be silent, why it has no picture just now; else nothing.
std::optional<std::string> loss_of(const std::vector<streams::StreamSnapshot>& streams, size_t stream, double age_s) {
  const auto found = std::ranges::find(streams, stream, &streams::StreamSnapshot::stream);
  if (found == streams.end() || !is_lost(found->state)) return std::nullopt;
  if (age_s <= std::chrono::duration<double>(found->stall_timeout).count()) return std::nullopt;
  return fmt::format("the stream is {} ({}){}{}; its last picture is {:.1f} s old, ?stale=1 asks for it",
                     to_string(found->state), to_string(found->cause), found->message.empty() ? "" : ": ",
                     shortened(found->message), age_s);
}

/// A picture that shows another time than now says so.
HttpResponse picture(const Tile& tile, const std::vector<streams::StreamSnapshot>& streams, size_t stream, bool stale) {
  const bool is_timed = tile.captured_at != std::chrono::steady_clock::time_point{};
  if (!is_timed) return fresh("image/jpeg", tile.jpeg);
  const double age = age_s(tile);
  const std::optional<std::string> loss = stale ? std::nullopt : loss_of(streams, stream, age);
  HttpResponse response = loss ? unavailable(*loss) : fresh("image/jpeg", tile.jpeg);
  response.headers.emplace_back("X-Frame-Age", fmt::format("{:.3f}", age));
  return response;
}

}  // namespace

class LiveView::Impl {
 public:
  Impl(HttpServer& server, std::shared_ptr<NewestFrames> frames, ViewSource source, const LiveViewOptions& options)
      : server_(server),
        frames_(std::move(frames)),
        options_(options),
        hub_(std::make_shared<ViewHub>(server, frames_, std::move(source))),
        work_("zoo-view") {
    frames_->on_put([hub = hub_.get()] { hub->wake(); });
    add_pages();
    add_pictures();
    add_figures();
    add_actions();
  }
  ~Impl() {
    server_.stop();
    frames_->on_put({});
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

 private:
  void add_pages();
  void add_pictures();
  void add_figures();
  void add_actions();
  void act(const Responder& responder, std::function<HttpResponse()> action);
  HttpResponse add_stream(const std::string& body) const;

  HttpServer& server_;
  const std::shared_ptr<NewestFrames> frames_;
  const LiveViewOptions options_;
  const std::shared_ptr<ViewHub> hub_;
  WorkQueue work_;
};

void LiveView::Impl::add_pages() {
  const auto add = [&](const char* path, std::string_view content, const char* type) {
    server_.route("GET", path, {.open = true}, [content, type](const HttpRequest&, const Responder& responder) {
      responder.answer(page_file(content, type));
    });
  };
  add("/", kPageHtml, "text/html; charset=utf-8");
  add("/page.css", kPageCss, "text/css; charset=utf-8");
  add("/page.js", kPageJs, "text/javascript; charset=utf-8");
  server_.websocket("/ws", [this](const HttpRequest&, const std::shared_ptr<WebSocket>& socket) {
    auto session = std::make_shared<ViewSession>(hub_, socket);
    hub_->add(session);
    return session;
  });
}

void LiveView::Impl::add_pictures() {
  server_.route("GET", "/streams/{name}.jpg", {}, [this](const HttpRequest& request, const Responder& responder) {
    const std::string& name = request.parameters.at("name");
    const int width = width_of(request);
    const std::optional<size_t> stream = hub_->stream_of(name);
    if (!stream) return responder.answer(no_stream(name));
    const bool stale = request.query_value("stale") == "1";
    hub_->paint(*stream, width, [=, hub = hub_](const std::shared_ptr<const Tile>& tile) {
      if (tile) return responder.answer(picture(*tile, hub->source().streams(), *stream, stale));
      responder.answer(unavailable("the stream has no picture yet"));
    });
  });
  server_.route("GET", "/streams/{name}.mjpeg", {}, [this](const HttpRequest& request, const Responder& responder) {
    const std::string& name = request.parameters.at("name");
    if (!hub_->stream_of(name)) return responder.answer(no_stream(name));
    const auto stream = std::make_shared<MjpegStream>(hub_, name, width_of(request));
    hub_->add(stream);
    HttpResponse response = fresh(MjpegStream::kType, {});
    response.stream = stream;
    responder.answer(std::move(response));
  });
}

void LiveView::Impl::add_figures() {
  server_.route("GET", "/api/streams", {}, [this](const HttpRequest&, const Responder& responder) {
    responder.answer(fresh("application/json", view_json(hub_->source()) + "\n"));
  });
  server_.route("GET", "/metrics", {}, [this](const HttpRequest&, const Responder& responder) {
    const ViewCounts counts = {
        .connections = server_.connections(), .viewers = hub_->watchers(), .pictures = hub_->pictures()};
    responder.answer(fresh(kMetricsType, metrics_text(hub_->source(), counts)));
  });
  server_.route("GET", "/healthz", {.open = true}, [](const HttpRequest&, const Responder& responder) {
    responder.answer(fresh("application/json", "{\"status\":\"ok\"}\n"));
  });
}

void LiveView::Impl::add_actions() {
  server_.route("POST", "/api/streams", {.max_body = kMaxStreamBody},
                [this](const HttpRequest& request, const Responder& responder) {
                  if (!hub_->source().add) return responder.answer(not_here("adding streams"));
                  act(responder, [this, body = request.body] { return add_stream(body); });
                });
  server_.route("DELETE", "/api/streams/{name}", {}, [this](const HttpRequest& request, const Responder& responder) {
    if (!hub_->source().remove) return responder.answer(not_here("removing streams"));
    act(responder, [this, name = request.parameters.at("name")] {
      if (!hub_->source().remove(name)) return no_stream(name);
      server_.post([hub = hub_] { hub->forget_state(); });
      hub_->wake();  // whoever watches its pictures sees that they have ended
      return HttpResponse{.status = 204, .content_type = {}};
    });
  });
  server_.route("POST", "/api/reload", {}, [this](const HttpRequest&, const Responder& responder) {
    if (!hub_->source().reload) return responder.answer(not_here("reloading the model"));
    act(responder, [this] {
      hub_->source().reload();
      HttpResponse response = fresh("application/json", "{\"status\":\"the model's files are looked at\"}\n");
      response.status = 202;
      return response;
    });
  });
}

/// Elsewhere, for it may take long.
void LiveView::Impl::act(const Responder& responder, std::function<HttpResponse()> action) {
  const bool taken = work_.add([responder, action = std::move(action)] {
    try {
      responder.answer(action());
    } catch (const Error& error) {
      responder.answer(json_error(400, error.what()));
    } catch (const std::exception& error) {
      responder.answer(json_error(500, shortened(error.what())));
    }
  });
  if (!taken) responder.answer(json_error(503, "too many requests wait; try again later"));
}

HttpResponse LiveView::Impl::add_stream(const std::string& body) const {
  streams::StreamOptions stream = stream_from_json(body, options_.defaults);
  const std::string name = stream.name;
  for (const streams::StreamSnapshot& there : hub_->source().streams()) {
    if (there.name == name) {
      return json_error(409,
                        fmt::format("there is a stream \"{}\"; give this one another name, or remove that one", name));
    }
  }
  try {
    hub_->source().add(std::move(stream));
  } catch (const streams::TooManyStreams& error) {
    return json_error(429, error.what());
  }
  HttpResponse response = fresh("application/json", nlohmann::json({{"name", name}}).dump() + "\n");
  response.status = 201;
  response.headers.emplace_back("Location", "/streams/" + name + ".jpg");
  return response;
}

LiveView::LiveView(HttpServer& server, std::shared_ptr<NewestFrames> frames, ViewSource source,
                   const LiveViewOptions& options)
    : impl_(std::make_unique<Impl>(server, std::move(frames), std::move(source), options)) {}
LiveView::~LiveView() = default;

}  // namespace zoo::serve
