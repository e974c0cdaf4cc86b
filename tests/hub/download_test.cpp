// Downloads against a server that truncates, stalls, redirects, changes the file and answers nonsense.
#include "hub/download.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/http_server.h"
#include "tests/support/temp_folder.h"

namespace zoo::hub {
namespace {

namespace fs = std::filesystem;
using test::file_reply;
using test::HttpReply;
using test::HttpRequest;
using test::HttpServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DownloadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("NO_PROXY", "127.0.0.1,localhost", 1);
    content_ = test::noise(100'000);
    write("truth", content_);
    job_ = {.url = server_.url("/file"),
            .file = folder_ / "file",
            .lock = folder_ / "file.lock",
            .size = {},
            .hash = {HashKind::kSha256, hash_file(folder_ / "truth", HashKind::kSha256)}};
    options_.attempts = 3;
    options_.first_pause = std::chrono::milliseconds(1);
    options_.http.stall_timeout = std::chrono::milliseconds(200);
    options_.notice = [this](const std::string& text) { notices_.push_back(text); };
  }

  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  std::string read(const std::string& name) const {
    std::ifstream stream(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  HttpReply whole(const HttpRequest& request) const { return file_reply(request, content_, "\"v1\""); }

  // What is wrong, or "fetched" or "there".
  std::string result() {
    try {
      return download(job_, options_) ? "fetched" : "there";
    } catch (const Error& error) {
      return error.what();
    }
  }
  std::vector<std::string> ranges() const {
    std::vector<std::string> result;
    for (const HttpRequest& request : server_.requests()) result.push_back(request.header("range"));
    return result;
  }

  test::TempFolder temp_;
  fs::path folder_ = temp_.path();
  std::string content_;
  HttpServer server_{[this](const HttpRequest& request) { return whole(request); }};
  DownloadJob job_;
  DownloadOptions options_;
  std::vector<std::string> notices_;
};

TEST_F(DownloadTest, FetchesAFileOnce) {
  std::vector<int64_t> done;
  options_.progress = [&](int64_t bytes, std::optional<int64_t> total) {
    done.push_back(bytes);
    EXPECT_EQ(total, 100'000);
  };
  EXPECT_EQ(result(), "fetched");
  EXPECT_EQ(read("file"), content_);
  EXPECT_FALSE(fs::exists(folder_ / "file.incomplete"));
  ASSERT_FALSE(done.empty());
  EXPECT_TRUE(std::ranges::is_sorted(done));
  EXPECT_EQ(done.back(), 100'000);
  EXPECT_EQ(result(), "there");
  EXPECT_THAT(server_.requests(), SizeIs(1));
  job_.force = true;
  EXPECT_EQ(result(), "fetched");
  EXPECT_THAT(ranges(), ElementsAre("", ""));
}

TEST_F(DownloadTest, ReplacesADamagedFile) {
  write("file", "damaged");
  EXPECT_EQ(result(), "fetched");
  EXPECT_EQ(read("file"), content_);
  ASSERT_THAT(notices_, SizeIs(1));
  EXPECT_THAT(notices_[0], HasSubstr("file: SHA-256 is 41f0c27c00e8"));
}

TEST_F(DownloadTest, GoesOnAfterATruncatedAnswer) {
  server_.set_handler([&](const HttpRequest& request) {
    HttpReply reply = whole(request);
    if (request.header("range").empty()) reply.send = 30'000;
    return reply;
  });
  EXPECT_EQ(result(), "fetched");
  EXPECT_EQ(read("file"), content_);
  EXPECT_THAT(ranges(), ElementsAre("", "bytes=30000-"));
  EXPECT_EQ(server_.requests()[1].header("if-range"), "\"v1\"");
  EXPECT_THAT(notices_, ElementsAre(job_.url + ": the connection ended before the file did; trying again"));
}

TEST_F(DownloadTest, KeepsWhatAStallLeftForTheNextCall) {
  server_.set_handler([&](const HttpRequest& request) {
    HttpReply reply = whole(request);
    reply.send = request.header("range").empty() ? 40'000 : 0;
    reply.stall = true;
    return reply;
  });
  options_.attempts = 1;
  EXPECT_EQ(result(), job_.url + ": nothing arrived for 0.2 s (1 attempt)");
  EXPECT_EQ(read("file.incomplete"), content_.substr(0, 40'000));
  EXPECT_FALSE(fs::exists(job_.file));
  server_.set_handler([&](const HttpRequest& request) { return whole(request); });
  EXPECT_EQ(result(), "fetched");
  EXPECT_EQ(read("file"), content_);
  EXPECT_THAT(ranges(), ElementsAre("", "bytes=40000-"));
}

TEST_F(DownloadTest, StartsAgainWhereTheServerIgnoresRanges) {
  write("file.incomplete", content_.substr(0, 10'000));
  server_.set_handler([&](const HttpRequest&) { return HttpReply{.body = content_}; });
  EXPECT_EQ(result(), "fetched");
  EXPECT_EQ(read("file"), content_);
  EXPECT_THAT(notices_, ElementsAre(job_.url + ": the server starts from the beginning"));
}

TEST_F(DownloadTest, StartsAgainWhenTheFileChangesOnTheServer) {
  const std::string old = test::noise(90'000);
  std::atomic<int> count = 0;
  server_.set_handler([&](const HttpRequest& request) {
    if (++count > 1) return file_reply(request, content_, "\"v2\"");
    HttpReply reply = file_reply(request, old, "\"v1\"");
    reply.send = 30'000;
    return reply;
  });
  EXPECT_EQ(result(), "fetched");
  EXPECT_EQ(read("file"), content_);
  EXPECT_EQ(count, 2) << "If-Range lets the server send the new file at once";
}

TEST_F(DownloadTest, NoticesAChangedFileWhereTheServerIgnoresIfRange) {
  const std::string old = test::noise(90'000);
  std::atomic<int> count = 0;
  server_.set_handler([&](HttpRequest request) {
    ++count;
    request.headers.erase("if-range");
    HttpReply reply = file_reply(request, count == 1 ? old : content_, count == 1 ? "\"v1\"" : "\"v2\"");
    if (count == 1) reply.send = 30'000;
    return reply;
  });
  EXPECT_EQ(result(), "fetched");
  EXPECT_EQ(read("file"), content_);
  EXPECT_THAT(ranges(), ElementsAre("", "bytes=30000-", ""));
  ASSERT_THAT(notices_, SizeIs(2));
  EXPECT_EQ(notices_[1], job_.url + ": the file changed on the server while it was fetched; trying again");
}

TEST_F(DownloadTest, FetchesAnewWhenAnEarlierPartWasOfAnotherFile) {
  write("file.incomplete", "something else");
  EXPECT_EQ(result(), "fetched");
  EXPECT_EQ(read("file"), content_);
  EXPECT_THAT(ranges(), ElementsAre("bytes=14-", ""));
  ASSERT_THAT(notices_, SizeIs(1));
  EXPECT_THAT(notices_[0], HasSubstr("after going on with an earlier download; fetching it from the start"));
}

TEST_F(DownloadTest, DropsAPartThatIsTooLong) {
  write("file.incomplete", content_ + "more");
  job_.size = 100'000;
  EXPECT_EQ(result(), "fetched");
  EXPECT_EQ(read("file"), content_);
  EXPECT_THAT(ranges(), ElementsAre(""));
}

TEST_F(DownloadTest, StartsAgainWhereTheServerHasNoSuchRange) {
  write("file.incomplete", content_ + "more");
  EXPECT_EQ(result(), "fetched");
  EXPECT_EQ(read("file"), content_);
  EXPECT_THAT(ranges(), ElementsAre("bytes=100004-", ""));
}

TEST_F(DownloadTest, StartsAgainWhenTheServerSendsAnotherPart) {
  write("file.incomplete", content_.substr(0, 10'000));
  server_.set_handler([&](HttpRequest request) {
    if (!request.header("range").empty()) request.headers["range"] = "bytes=500-";
    return whole(request);
  });
  EXPECT_EQ(result(), "fetched");
  EXPECT_EQ(read("file"), content_);
  EXPECT_THAT(notices_, ElementsAre(job_.url + ": the server sends another part of the file than was asked for; trying "
                                               "again"));
}

TEST_F(DownloadTest, RemovesAFileWithAWrongHash) {
  const std::string right = job_.hash.hex;
  job_.hash.hex = std::string(64, '0');
  EXPECT_EQ(result(),
            job_.url + ": SHA-256 is " + right + ", expected " + job_.hash.hex + "; the file has been removed");
  EXPECT_FALSE(fs::exists(job_.file));
  EXPECT_FALSE(fs::exists(folder_ / "file.incomplete"));
  job_.hash.hex = "00000000";
  EXPECT_EQ(result(), job_.url + ": SHA-256 is " + right + ", expected 00000000...; the file has been removed");
  job_.hash.hex = right.substr(0, 8);
  EXPECT_EQ(result(), "fetched");
}

TEST_F(DownloadTest, RefusesAWrongSize) {
  job_.size = 99'999;
  EXPECT_EQ(result(), job_.url + ": the server has 100000 bytes, expected 99999");
  server_.set_handler(
      [&](const HttpRequest&) { return HttpReply{.raw = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + content_}; });
  EXPECT_EQ(result(), job_.url + ": the server sends more than 99999 bytes");
  job_.size.reset();
  options_.max_bytes = 1000;
  EXPECT_EQ(result(), job_.url + ": the server sends more than 1000 bytes");
  EXPECT_EQ(fs::file_size(folder_ / "file.incomplete"), 0U);
}

TEST_F(DownloadTest, RefusesAHugeFileBeforeItComes) {
  server_.set_handler([&](const HttpRequest&) {
    return HttpReply{.headers = {{"Content-Length", "1000000000000000"}}, .body = content_};
  });
  EXPECT_EQ(result(), job_.url + ": 1000000000000000 bytes are more than the 4294967296 allowed");
  server_.set_handler([&](const HttpRequest&) {
    return HttpReply{.headers = {{"Content-Length", "99999999999999999999999"}}, .body = content_};
  });
  EXPECT_EQ(result(), job_.url + ": the server announces \"99999999999999999999999\" bytes");
  options_.max_bytes = INT64_MAX;
  server_.set_handler([&](const HttpRequest&) {
    return HttpReply{.headers = {{"Content-Length", "1000000000000000000"}}, .body = content_};
  });
  EXPECT_THAT(result(), ::testing::StartsWith((folder_ / "file.incomplete").string() +
                                              ": 1000000000000000000 more bytes are needed, but only "));
}

TEST_F(DownloadTest, SaysWhatTheServerAnswered) {
  const std::vector<std::pair<int, std::string>> cases = {{401, "401 (it is private, gated or not there)"},
                                                          {403, "403 (no access)"},
                                                          {404, "404 (not there)"},
                                                          {418, "418"}};
  for (const auto& [status, text] : cases) {
    server_.forget_requests();
    server_.set_handler([status = status](const HttpRequest&) { return HttpReply{.status = status, .body = "no"}; });
    EXPECT_EQ(result(), job_.url + ": the server answered " + text);
    EXPECT_THAT(server_.requests(), SizeIs(1)) << "another attempt would not help";
  }
}

TEST_F(DownloadTest, TriesAgainWhereTheServerIsBusy) {
  for (const int status : {408, 429, 500, 503}) {
    std::atomic<int> count = 0;
    server_.set_handler([&](const HttpRequest& request) {
      return ++count < 3 ? HttpReply{.status = status, .headers = {{"Retry-After", "0"}}} : whole(request);
    });
    fs::remove(job_.file);
    EXPECT_EQ(result(), "fetched") << status;
    EXPECT_EQ(count, 3);
  }
  server_.set_handler([&](const HttpRequest&) { return HttpReply{.status = 503}; });
  fs::remove(job_.file);
  EXPECT_EQ(result(), job_.url + ": the server answered 503 (3 attempts)");
}

TEST_F(DownloadTest, SaysThatNobodyAnswers) {
  int port = 0;
  {
    const HttpServer gone([](const HttpRequest&) { return HttpReply{}; });
    port = gone.port();
  }
  job_.url = "http://127.0.0.1:" + std::to_string(port) + "/file?secret=1";
  EXPECT_EQ(result(), "http://127.0.0.1:" + std::to_string(port) + "/file: the server cannot be reached (3 attempts)");
  job_.url = server_.url("/file");
  server_.set_handler([](const HttpRequest&) { return HttpReply{.silent = true}; });
  EXPECT_EQ(result(), job_.url + ": the server closed the connection (3 attempts)");
}

TEST_F(DownloadTest, RefusesWhatIsNoHttp) {
  server_.set_handler([](const HttpRequest&) { return HttpReply{.raw = "SSH-2.0-server\r\n\r\n"}; });
  EXPECT_THAT(result(), HasSubstr("HTTP/0.9"));
  EXPECT_THAT(server_.requests(), SizeIs(1));
  server_.set_handler([&](const HttpRequest&) {
    return HttpReply{.raw =
                         "HTTP/1.1 200 OK\r\n\x01\x02garbage without colon\r\nConnection: close\r\n"
                         "Content-Length: 100000\r\n\r\n" +
                         content_};
  });
  EXPECT_EQ(result(), job_.url + ": Header without colon");
  for (const char* url : {"ftp://127.0.0.1/file", "file:///etc/passwd", "not an address"}) {
    fs::remove(job_.file);
    job_.url = url;
    EXPECT_THAT(result(), ::testing::Not(::testing::AnyOf("fetched", "there"))) << url;
  }
}

TEST_F(DownloadTest, FollowsRedirectsButNeverWithTheTokenElsewhere) {
  options_.token = "hf_secret";
  server_.set_handler([&](const HttpRequest& request) {
    if (request.path == "/file") return HttpReply{.status = 302, .headers = {{"Location", "/second"}}};
    if (request.path == "/second") {
      return HttpReply{.status = 307, .headers = {{"Location", server_.localhost_url("/third?signature=1")}}};
    }
    return whole(request);
  });
  EXPECT_EQ(result(), "fetched");
  const std::vector<HttpRequest> requests = server_.requests();
  ASSERT_THAT(requests, SizeIs(3));
  EXPECT_EQ(requests[0].header("authorization"), "Bearer hf_secret");
  EXPECT_EQ(requests[1].header("authorization"), "Bearer hf_secret");
  EXPECT_EQ(requests[2].path, "/third?signature=1");
  EXPECT_EQ(requests[2].header("authorization"), "") << "another host must not see the token";
}

TEST_F(DownloadTest, RefusesToSendATokenUnencrypted) {
  options_.token = "hf_secret";
  // No such host: nothing may be sent, not even a question for its address.
  for (const char* url : {"http://hub.invalid/file", "http://127.0.0.1.hub.invalid/file", "HTTP://hub.invalid/file"}) {
    job_.url = url;
    EXPECT_THAT(result(), HasSubstr("the address is not encrypted, so the token (HF_TOKEN) would be readable on the "
                                    "way; give an https address (HF_ENDPOINT), or unset the token"))
        << url;
    EXPECT_THROW(ask(url, options_), DownloadError);
  }
  options_.token.clear();
  options_.attempts = 1;
  EXPECT_THAT(result(), HasSubstr("cannot be resolved"));
}

TEST(IsLoopback, IsThisMachineByAnyName) {
  for (const char* url : {"http://localhost/x", "http://LOCALHOST:80", "http://127.0.0.1:8080/x", "http://127.1.2.3",
                          "http://[::1]:5/x", "https://u:p@localhost/"}) {
    EXPECT_TRUE(is_loopback(url)) << url;
  }
  for (const char* url : {"http://127.0.0.1.example.org", "http://localhost.example.org", "http://10.0.0.1", "",
                          "http://128.0.0.1", "http://[::2]/", "http://localhost@example.org/", "file:///localhost"}) {
    EXPECT_FALSE(is_loopback(url)) << url;
  }
}

TEST(ShownUrl, HidesSecretsOfWhatIsNoHttpAddressToo) {
  EXPECT_EQ(shown_url("https://u:p@host/x?token=1#f"), "https://host/x");
  EXPECT_EQ(shown_url("ftp://u:p@host/x"), "ftp://u:***@host/x");
  EXPECT_EQ(shown_url("no\naddress"), "no\\naddress");
}

TEST_F(DownloadTest, EndsRedirectLoops) {
  server_.set_handler([](const HttpRequest&) { return HttpReply{.status = 302, .headers = {{"Location", "/file"}}}; });
  EXPECT_EQ(result(), job_.url + ": more than 10 redirects");
  EXPECT_THAT(server_.requests(), SizeIs(11));
}

TEST_F(DownloadTest, FollowsRedirectsOnlyToHttp) {
  for (const char* location : {"file:///etc/passwd", "ftp://127.0.0.1/file", ""}) {
    server_.set_handler([&](const HttpRequest&) {
      return HttpReply{.status = 302, .headers = {{"Location", location}}};
    });
    EXPECT_EQ(result(), job_.url + ": the server redirects to no HTTP address");
  }
}

TEST_F(DownloadTest, StopsWhenAskedAndGoesOnLater) {
  std::atomic<bool> stop = false;
  options_.http.stopped = [&] { return stop.load(); };
  options_.http.stall_timeout = std::chrono::minutes(5);
  options_.progress = [&](int64_t done, std::optional<int64_t>) { stop = done >= 20'000; };
  server_.set_handler([&](const HttpRequest& request) {
    HttpReply reply = whole(request);
    reply.send = 20'000;
    reply.stall = true;
    return reply;
  });
  EXPECT_THROW(download(job_, options_), Stopped);
  EXPECT_EQ(read("file.incomplete"), content_.substr(0, 20'000));
  stop = false;
  options_.progress = nullptr;
  server_.set_handler([&](const HttpRequest& request) { return whole(request); });
  EXPECT_EQ(result(), "fetched");
  EXPECT_THAT(ranges(), ElementsAre("", "bytes=20000-"));
}

TEST_F(DownloadTest, TwoAtOnceFetchOnce) {
  std::atomic<bool> waiting = false;
  server_.set_handler([&](const HttpRequest& request) {
    while (!waiting) std::this_thread::yield();  // until the second call has met the lock
    return whole(request);
  });
  options_.notice = [&](const std::string& text) {
    EXPECT_EQ(text, job_.file.string() + ": another process fetches it; waiting");
    waiting = true;
  };
  std::atomic<int> fetched = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] { fetched += download(job_, options_) ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(fetched, 1);
  EXPECT_THAT(server_.requests(), SizeIs(1));
  EXPECT_EQ(read("file"), content_);
}

TEST_F(DownloadTest, SaysWhenTheDiskTakesNoMore) {
  rlimit old = {};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small = {.rlim_cur = 8192, .rlim_max = old.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = result();
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(message, (folder_ / "file.incomplete").string() + ": cannot be written: File too large");
  EXPECT_EQ(read("file.incomplete"), content_.substr(0, 8192));
  EXPECT_EQ(result(), "fetched");
}

TEST_F(DownloadTest, WritesThroughNoLink) {
  fs::create_symlink(folder_ / "elsewhere", folder_ / "file.incomplete");
  EXPECT_THAT(result(), HasSubstr("file.incomplete: cannot be written: "));
  EXPECT_FALSE(fs::exists(folder_ / "elsewhere"));
}

TEST_F(DownloadTest, AsksWithinOneServerOnly) {
  server_.set_handler([&](const HttpRequest& request) {
    if (request.path == "/file") {
      return HttpReply{.status = 307,
                       .headers = {{"Location", "/renamed"}, {"X-Repo-Commit", "c1"}, {"ETag", "\"redirect\""}}};
    }
    return HttpReply{.status = 302,
                     .headers = {{"Location", server_.localhost_url("/cdn")}, {"X-Linked-Etag", "\"e\""}}};
  });
  const HttpAnswer answer = ask(job_.url, options_);
  EXPECT_EQ(answer.status, 302);
  EXPECT_EQ(answer.header("x-repo-commit"), "c1");
  EXPECT_EQ(answer.header("x-linked-etag"), "\"e\"");
  EXPECT_EQ(answer.header("etag"), "");
  EXPECT_THAT(server_.requests(), SizeIs(2));
  EXPECT_EQ(server_.requests()[0].method, "HEAD");
}

TEST(Digest, IsWhatEveryoneComputes) {
  const test::TempFolder folder;
  const fs::path file = folder / "digest.txt";
  std::ofstream(file) << "abc";  // FIPS 180-2, appendix B.1
  EXPECT_EQ(hash_file(file, HashKind::kSha256), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_text("abc"), hash_file(file, HashKind::kSha256));
  std::ofstream(file) << "hello\n";  // `echo hello | git hash-object --stdin`
  EXPECT_EQ(hash_file(file, HashKind::kGitBlob), "ce013625030ba8dba906f756967f9e9ca394464a");
  fs::remove(file);
  EXPECT_THROW(hash_file(file, HashKind::kSha256), IoError);
}

TEST_F(DownloadTest, OptionsOutOfRangeAreRefusedBeforeAnythingIsAsked) {
  using std::chrono::milliseconds;
  const DownloadOptions right = options_;
  const auto refusal = [&](auto change) {
    options_ = right;
    change(options_);
    return result();
  };
  EXPECT_EQ(refusal([](DownloadOptions& o) { o.attempts = 0; }),
            "DownloadOptions::attempts: expected at least 1, found 0");
  EXPECT_EQ(refusal([](DownloadOptions& o) { o.max_redirects = -1; }),
            "DownloadOptions::max_redirects: expected 0 or more, found -1");
  EXPECT_EQ(refusal([](DownloadOptions& o) { o.max_bytes = 0; }),
            "DownloadOptions::max_bytes: expected at least 1, found 0");
  EXPECT_THAT(refusal([](DownloadOptions& o) { o.first_pause = milliseconds(-1); }), HasSubstr("first_pause"));
  EXPECT_THAT(refusal([](DownloadOptions& o) { o.longest_pause = milliseconds(-1); }), HasSubstr("longest_pause"));
  EXPECT_THAT(refusal([](DownloadOptions& o) { o.http.connect_timeout = milliseconds(0); }),
              HasSubstr("http.connect_timeout"));
  EXPECT_THAT(refusal([](DownloadOptions& o) { o.http.stall_timeout = milliseconds(-5); }),
              HasSubstr("http.stall_timeout"));
  EXPECT_THAT(server_.requests(), IsEmpty());
}

}  // namespace
}  // namespace zoo::hub
