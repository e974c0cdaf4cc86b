#include "nn/core/shown_text.h"

#include <algorithm>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/core/utf8.h"

namespace zoo {
namespace {

using namespace std::string_literals;

struct Shown {
  const char* name;
  std::string text;
  std::string shown;
};

void PrintTo(const Shown& c, std::ostream* out) { *out << c.name; }

std::string name_of(const testing::TestParamInfo<Shown>& info) { return info.param.name; }

class Printable : public testing::TestWithParam<Shown> {};

TEST_P(Printable, EscapesWhatActsOnATerminal) {
  EXPECT_EQ(printable(GetParam().text), GetParam().shown);
  EXPECT_EQ(printable(printable(GetParam().text)), GetParam().shown);
  EXPECT_TRUE(is_utf8(printable(GetParam().text)));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, Printable,
    testing::Values(Shown{"Plain", "a dog, \"C:\\x\" 100 %", "a dog, \"C:\\x\" 100 %"},
                    Shown{"OtherScripts", "собака 企鹅 🏳️‍🌈", "собака 企鹅 🏳️‍🌈"},
                    Shown{"LineFeed", "a\nb\r\n\tc", "a\\nb\\r\\n\\tc"},
                    Shown{"Escape", "\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"},
                    Shown{"Nul", "a\0b"s, "a\\x00b"}, Shown{"Delete", "a\x7f", "a\\u007f"},
                    Shown{"ControlSequenceOfC1", "a\u009b31m", "a\\u009b31m"},
                    Shown{"NextLine", "a\u0085b", "a\\u0085b"}, Shown{"NoBreakSpace", "a\u00a0b", "a\u00a0b"},
                    Shown{"RightToLeftOverride", "gnp.\u202eexe", "gnp.\\u202eexe"},
                    Shown{"Isolates", "\u2066a\u2069", "\\u2066a\\u2069"},
                    Shown{"Marks", "\u200ea\u200fb\u061c", "\\u200ea\\u200fb\\u061c"},
                    Shown{"Separators", "a\u2028b\u2029", "a\\u2028b\\u2029"},
                    Shown{"ByteOrderMark", "\ufeffdog", "\\ufeffdog"}, Shown{"Latin1", "caf\xe9", "caf\\xe9"},
                    Shown{"Overlong", "\xc0\xaf", "\\xc0\\xaf"}, Shown{"Surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
                    Shown{"CutShort", "a\xe4\xbc", "a\\xe4\\xbc"}),
    name_of);

TEST(PrintableLines, LeaveLineFeedsAlone) { EXPECT_EQ(printable_lines("a\n\x1b b\r\n"), "a\n\\x1b b\\r\n"); }

TEST(Shortened, CutsBetweenCharactersAndEscapes) {
  EXPECT_EQ(shortened("dog", 3), "dog");
  EXPECT_EQ(shortened("dogs", 3), "dog...");
  EXPECT_EQ(shortened("企鹅s", 4), "企鹅...");
  EXPECT_EQ(shortened("\x1b\x1b\x1b", 4), "\\x1b...");
  EXPECT_EQ(shortened(std::string(1'000'000, 'x')), std::string(120, 'x') + "...");
}

class WithoutSecrets : public testing::TestWithParam<Shown> {};

TEST_P(WithoutSecrets, ShowsThreeStars) {
  EXPECT_EQ(without_secrets(GetParam().text), GetParam().shown);
  EXPECT_EQ(without_secrets(GetParam().shown), GetParam().shown);
}

INSTANTIATE_TEST_SUITE_P(
    UserInformation, WithoutSecrets,
    testing::Values(
        Shown{"None", "rtsp://10.0.0.7:554/stream1", "rtsp://10.0.0.7:554/stream1"},
        Shown{"Rtsp", "rtsp://admin:hunter2@10.0.0.7:554/stream1", "rtsp://admin:***@10.0.0.7:554/stream1"},
        Shown{"OneSlash", "rtsp:/admin:hunter2@10.0.0.7:554/stream1", "rtsp:/admin:***@10.0.0.7:554/stream1"},
        Shown{"NoPath", "rtsp://admin:s3cret@127.0.0.1", "rtsp://admin:***@127.0.0.1"},
        Shown{"NoPassword", "rtsp://admin:@cam/1", "rtsp://admin:@cam/1"},
        Shown{"TokenAsUser", "https://ghp_1234@host/file", "https://***@host/file"},
        Shown{"UpperCase", "HTTP://A:B@HOST/", "HTTP://A:***@HOST/"},
        Shown{"AtInPassword", "rtsp://admin:p@ss@cam/1", "rtsp://admin:***@cam/1"},
        Shown{"ColonInPassword", "rtsp://admin:p:ss@cam/1", "rtsp://admin:***@cam/1"},
        Shown{"SlashInPassword", "rtsp://admin:p/ss@cam/1", "rtsp://admin:***@cam/1"},
        Shown{"QuestionMarkInPassword", "rtsp://admin:p?s#s@cam/1", "rtsp://admin:***@cam/1"},
        Shown{"EncodedPassword", "rtsp://admin:p%40ss%2F@cam/1", "rtsp://admin:***@cam/1"},
        Shown{"SlashInUser", "rtsp://us/er:pw@cam/1", "rtsp://us/er:***@cam/1"},
        Shown{"HashInUser", "rtsp://us#er:pw@cam/1", "rtsp://us#er:***@cam/1"},
        Shown{"QuestionMarkInUser", "rtsp://us?er:pw@cam/1", "rtsp://us?er:***@cam/1"},
        Shown{"PortThenPath", "http://host:80/a/b.jpg", "http://host:80/a/b.jpg"},
        Shown{"AtInPath", "https://host/@user/a.jpg", "https://host/@user/a.jpg"},
        Shown{"AtInQueryBehindAPort", "http://host:80/x?mail=a@b", "http://host:80/x?mail=a@b"},
        Shown{"Ipv6", "http://u:p@[::1]:80/x", "http://u:***@[::1]:80/x"},
        Shown{"Ipv6Alone", "http://[fe80::1]:80/@x", "http://[fe80::1]:80/@x"},
        Shown{"InAMessage", "\"rtsp://a:b@c/\": refused (rtsp://d:e@f)",
              "\"rtsp://a:***@c/\": refused (rtsp://d:***@f)"},
        Shown{"GStreamerLocation", "gst:rtspsrc location=rtsp://u:p@cam/1 ! decodebin",
              "gst:rtspsrc location=rtsp://u:***@cam/1 ! decodebin"},
        Shown{"NoScheme", "u:hunter2@127.0.0.1: no", "u:***@127.0.0.1: no"},
        Shown{"NoSchemeNoUser", "--queue :hunter2@127.0.0.1:17391/jobs", "--queue :***@127.0.0.1:17391/jobs"},
        Shown{"SchemeWithOneSlash", "\"redis:/:p@ss@h/jobs\"", "\"redis:***@h/jobs\""},
        Shown{"SchemeWithoutColon", "mqtt//u:hunter2@h", "mqtt//u:***@h"},
        Shown{"SchemeWithoutSlashes", "cam=rtsp:u:hunter2@h", "cam=rtsp:***@h"},
        Shown{"PortInPlaceOfAUser", "127.0.0.1:hunter2@h", "127.0.0.1:***@h"},
        Shown{"Placeholder", "(USER:PASSWORD@ before the host)", "(USER:PASSWORD@ before the host)"},
        Shown{"BeforeAnotherAddress", "a:hunter2@redis://h", "a:***@redis://h"},
        Shown{"FileAtDouble", "icons/a@2x.png: is there, b@2x.png, too", "icons/a@2x.png: is there, b@2x.png, too"},
        Shown{"Proxied", "http+unix://u:p@host", "http+unix://u:***@host"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    NamedValues, WithoutSecrets,
    testing::Values(
        Shown{"Token", "http://cam/a.mjpg?token=abc&fps=5", "http://cam/a.mjpg?token=***&fps=5"},
        Shown{"ShortNames", "http://cam/v?u=a&p=b&code=c&jwt=d", "http://cam/v?u=a&p=***&code=***&jwt=***"},
        Shown{"ShortNamesElsewhere", "top p=0.9, code=7", "top p=0.9, code=7"},
        Shown{"Password", "http://cam/v.cgi?user=admin&pwd=8888", "http://cam/v.cgi?user=admin&pwd=***"},
        Shown{"Key", "https://h/x?key=AIza&id=1", "https://h/x?key=***&id=1"},
        Shown{"ApiKey", "https://h/x?id=1&API_KEY=z", "https://h/x?id=1&API_KEY=***"},
        Shown{"AccessToken", "https://h/x?access_token=z#t", "https://h/x?access_token=***"},
        Shown{"CamelCase", "https://h/x?authToken=z", "https://h/x?authToken=***"},
        Shown{"Signed", "https://s3/x?X-Amz-Credential=AK%2F1&X-Amz-Signature=ff",
              "https://s3/x?X-Amz-Credential=***&X-Amz-Signature=***"},
        Shown{"Passphrase", "srt://h:9000?mode=caller&passphrase=0123456789",
              "srt://h:9000?mode=caller&passphrase=***"},
        Shown{"InThePath", "rtsp://10.0.0.2/user=admin_password=tlJw_channel=1",
              "rtsp://10.0.0.2/user=admin_password=***"},
        Shown{"BothKinds", "http://u:p@h/?auth=q&x=1", "http://u:***@h/?auth=***&x=1"},
        Shown{"GStreamerProperty", "rtspsrc user-id=a user-pw=hunter2 ! x", "rtspsrc user-id=a user-pw=*** ! x"},
        Shown{"GStreamerQuoted", R"(souphttpsrc user-pw="a b\" c" ! x)", R"(souphttpsrc user-pw="***" ! x)"},
        Shown{"GStreamerBlanks", "souphttpsrc proxy-pw = (string)abc ! x", "souphttpsrc proxy-pw = (string)*** ! x"},
        Shown{"Header", R"(extra-headers="h,Authorization=(string)\"Bearer abc\"")",
              R"(extra-headers="h,Authorization=(string)\"Bearer ***"")"},
        Shown{"PlainHeader", "Authorization: Basic YWJj", "Authorization: Basic ***"},
        Shown{"HeaderAsAWord", "401: authorization required", "401: authorization required"},
        Shown{"EndOfAPart", "http://h/?token=abc: not found", "http://h/?token=***: not found"},
        Shown{"OrdinaryWords", "--set key=3, tokens=5, pass=1, wpw=2", "--set key=3, tokens=5, pass=1, wpw=2"},
        Shown{"NoValue", "http://h/?token=&x=1", "http://h/?token=&x=1"}),
    name_of);

TEST(Error, IsOneLineThatIsSafeToShow) {
  EXPECT_STREQ(IoError("rtsp://a:b@c: \x1b[2J\nok").what(), "rtsp://a:***@c: \\x1b[2J\\nok");
  EXPECT_STREQ(WeightError(Lines{"one\n  two \x1b"}).what(), "one\n  two \\x1b");
}

TEST(ConfigError, HasOneLineForEachProblem) {
  const ConfigError error({"a.yaml: \"x\ny\"", "b.yaml: \u202e http://u:p@h"});
  EXPECT_STREQ(error.what(), "a.yaml: \"x\\ny\"\nb.yaml: \\u202e http://u:***@h");
  EXPECT_EQ(error.problems(), (std::vector<std::string>{"a.yaml: \"x\\ny\"", "b.yaml: \\u202e http://u:***@h"}));
}

TEST(WithErrorsOf, TurnsForeignExceptionsIntoErrors) {
  const auto text_of = [](auto thrown) -> std::string {
    try {
      with_errors_of("x.yaml", [&] { throw thrown; });
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_EQ(text_of(std::bad_alloc()), "x.yaml: out of memory");
  EXPECT_EQ(text_of(std::out_of_range("stoi")), "x.yaml: stoi");
  EXPECT_EQ(
      text_of(std::filesystem::filesystem_error("status", "a", std::make_error_code(std::errc::permission_denied))),
      "x.yaml: a: Permission denied");
  EXPECT_EQ(text_of(std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again))),
            "x.yaml: Resource temporarily unavailable");
  EXPECT_EQ(text_of(WeightError("as it is")), "as it is");
  EXPECT_THROW(with_errors_of("x", [] { throw ConfigError({"a", "b"}); }), ConfigError);
  EXPECT_THROW(with_errors_of("x", [] { throw 7; }), int);
  EXPECT_EQ(with_errors_of("x", [] { return 7; }), 7);
}

TEST(ConfigErrorText, EndsAfterTwoHundredProblems) {
  const std::vector<std::string> problems(250, "a.yaml:1:1: k: unknown key");
  const ConfigError error(problems);
  const std::string text = error.what();
  EXPECT_EQ(std::ranges::count(text, '\n'), 200);
  EXPECT_TRUE(text.ends_with("\n50 more problems are not shown")) << text.substr(text.size() - 60);
  EXPECT_EQ(error.problems().size(), 250U);
  EXPECT_EQ(std::string(ConfigError({"x"}).what()), "x");
}

}  // namespace
}  // namespace zoo
