#include "serve/inference/infer_types.h"

namespace zoo::serve {

std::string_view to_string(Datatype datatype) {
  switch (datatype) {
    case Datatype::kBool:
      return "BOOL";
    case Datatype::kUint8:
      return "UINT8";
    case Datatype::kInt64:
      return "INT64";
    case Datatype::kFp32:
      return "FP32";
    case Datatype::kBytes:
      return "BYTES";
  }
  return "";
}

}  // namespace zoo::serve
