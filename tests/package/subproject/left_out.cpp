// What the library says in a build that everything is left out of which can be; exits with 0 where it is right.
#include <exception>
#include <functional>
#include <iostream>
#include <string>

#include <backbone_zoo/brokers/mqtt_link.h>
#include <backbone_zoo/brokers/redis_client.h>
#include <backbone_zoo/hub/http.h>
#include <backbone_zoo/nn/graph/onnx_export/onnx_export.h>
#include <backbone_zoo/serve/http/http_server.h>

namespace {

bool says(const std::string& purpose, const std::string& option, const std::function<void()>& work) {
  const std::string expected = purpose + " is not in this build of the zoo, which was made with " + option +
                               "=OFF; make it with " + option + "=ON";
  try {
    work();
  } catch (const zoo::Error& error) {
    if (error.what() == expected) return true;
    std::cerr << "expected: " << expected << "\nfound: " << error.what() << '\n';
    return false;
  }
  std::cerr << purpose << " works without " << option << '\n';
  return false;
}

}  // namespace

int main() {
  const bool http = says("downloading", "ZOO_WITH_CURL", [] { zoo::hub::HttpClient client({}); });
  const bool onnx = says("writing ONNX files", "ZOO_WITH_ONNX", [] { zoo::onnx_export::to_onnx({}, {}); });
  const bool serving = says("serving HTTP", "ZOO_WITH_HTTP", [] {
    zoo::serve::HttpServerOptions options;
    options.listen.port = 0;
    zoo::serve::HttpServer(options).start();
  });
  const bool redis = says("using Redis", "ZOO_WITH_REDIS", [] { zoo::brokers::RedisClient client({}, {}); });
  const bool mqtt = says("publishing over MQTT", "ZOO_WITH_MQTT", [] { zoo::brokers::make_mqtt_link({}); });
  return http && onnx && serving && redis && mqtt ? 0 : 1;
}
