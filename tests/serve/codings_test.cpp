// How pictures are packed on their way: base64, compressed bodies, forms.
#include <zlib.h>

#include <gtest/gtest.h>

#include "serve/inference/base64.h"
#include "serve/inference/content_coding.h"
#include "serve/inference/inference_service.h"
#include "serve/inference/multipart.h"

namespace zoo::serve {
namespace {

using namespace std::string_literals;

TEST(Base64, ReadsWhatItWrites) {
  const std::pair<std::string, std::string> kPairs[] = {// RFC 4648, 10
                                                        {"", ""},
                                                        {"f", "Zg=="},
                                                        {"fo", "Zm8="},
                                                        {"foo", "Zm9v"},
                                                        {"foob", "Zm9vYg=="},
                                                        {"fooba", "Zm9vYmE="},
                                                        {"\0\xff\xfe"s, "AP/+"}};
  for (const auto& [plain, text] : kPairs) {
    EXPECT_EQ(base64_from(plain), text);
    EXPECT_EQ(bytes_from_base64(text), plain);
  }
  EXPECT_EQ(bytes_from_base64("Zm8"), "fo");
  EXPECT_EQ(bytes_from_base64("Zm\r\n8="), "fo");
  for (const char* wrong : {"Z", "Zg=", "Zg===", "Zm9v=", "Z=g=", "Zm8=Zm8=", "a.jpg", "Zm_v", "data:,Zm9v", "===="}) {
    EXPECT_FALSE(bytes_from_base64(wrong)) << wrong;
  }
}

std::string compressed(const std::string& text) {
  std::string result(compressBound(text.size()), '\0');
  uLongf size = result.size();
  compress(reinterpret_cast<Bytef*>(result.data()), &size, reinterpret_cast<const Bytef*>(text.data()), text.size());
  result.resize(size);
  return result;
}

int inflate_status(const std::string& text, size_t max_bytes) {
  try {
    inflated(text, max_bytes);
    return 200;
  } catch (const InferError& error) {
    return error.failure().status;
  }
}

TEST(ContentCoding, InflatesWithinABound) {
  const std::string text(200'000, 'x');
  const std::string small = compressed(text);
  EXPECT_EQ(inflated(small, 200'000), text);
  EXPECT_EQ(inflated(compressed(""), 0), "");
  EXPECT_EQ(inflate_status(small, 199'999), 413);
  EXPECT_EQ(inflate_status(compressed(std::string(50'000'000, '\0')), 1'000), 413);
  EXPECT_EQ(inflate_status(small.substr(0, small.size() - 1), 300'000), 400);
  EXPECT_EQ(inflate_status(small + "x", 300'000), 400);
  EXPECT_EQ(inflate_status("", 10), 400);
  EXPECT_EQ(inflate_status("plain", 10), 400);
  EXPECT_EQ(content_coding_of("gzip"), ContentCoding::kDeflated);
  EXPECT_EQ(content_coding_of("GZip"), ContentCoding::kDeflated);
  EXPECT_EQ(content_coding_of(""), ContentCoding::kIdentity);
  EXPECT_THROW(content_coding_of("br"), InferError);
}

TEST(Multipart, FindsParts) {
  const std::string body =
      "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"api_key\"\r\n\r\n\r\n--b  \r\n"
      "content-type: image/jpeg\r\nCONTENT-DISPOSITION: form-data; filename=\"a;b\\\"=.jpg\"; name=image\r\n\r\n"
      "\xff\xd8\r\n--a\r\n\r\n--b--\r\nepilogue";
  const std::vector<FormPart> parts = form_parts(body, "b");
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].name, "api_key");
  EXPECT_EQ(parts[0].body, "");
  EXPECT_EQ(parts[1].name, "image");
  EXPECT_EQ(parts[1].body, "\xff\xd8\r\n--a\r\n");
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=\"a b\""), "a b");
  EXPECT_EQ(form_boundary("Multipart/Form-Data;charset=utf-8;boundary=xyz"), "xyz");
  for (const char* other : {"", "text/plain", "multipart/form-data", "multipart/mixed; boundary=a",
                            "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a"}) {
    EXPECT_FALSE(form_boundary(other)) << other;
  }
}

TEST(Multipart, SaysWhatIsWrong) {
  const std::string part = "\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b";
  const std::pair<std::string, const char*> kWrongForms[] = {
      {"", "the form has no part: its boundary is not there"},
      {"--c\r\n", "the form has no part: its boundary is not there"},
      {"--b", "the form ends too early"},
      {"--bb\r\n", "the form's boundary is followed by other text"},
      {"--b\r\n", "the form ends too early"},
      {"--b\r\n\r\nx\r\n--b--", "the form has a part without a name"},
      {"--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--b--", "the form has a part without a name"},
      {"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx", "the form ends too early"},
      {"--b" + part, "the form ends too early"},
  };
  for (const auto& [body, message] : kWrongForms) {
    try {
      form_parts(body, "b");
      ADD_FAILURE() << body;
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), message) << body;
    }
  }
  std::string many = "--b";
  for (int i = 0; i < 65; ++i) many += part;
  EXPECT_THROW(form_parts(many + "--", "b"), Error);
}

}  // namespace
}  // namespace zoo::serve
