// Exits with 0 where a program that links the installed library finds its modules, and catches what they throw.
#include <exception>
#include <iostream>

#include <backbone_zoo/hub/http.h>
#include <backbone_zoo/nn/graph/onnx_export/onnx_export.h>

int main() try {
  zoo::hub::HttpClient client({});
  try {
    client.head("http://127.0.0.1:1/", {});
    return 1;
  } catch (const zoo::hub::TransportError& error) {
    std::cout << error.what() << '\n';
  }
  try {
    zoo::onnx_export::to_onnx({}, {.input = {}, .outputs = {"none"}});
    return 1;
  } catch (const zoo::GraphError& error) {
    std::cout << error.what() << '\n';
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 2;
}
