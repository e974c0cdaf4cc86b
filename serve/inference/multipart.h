// Forms that hold files: multipart/form-data, RFC 7578.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoo::serve {

struct FormPart {
  std::string name;
  std::string_view body;  ///< of the text that was read
};

/// The boundary of a Content-Type; nothing where that is no multipart/form-data.
std::optional<std::string> form_boundary(std::string_view content_type);

/// In the order in which they came, at most 64. Throws Error where the form is broken or ends too early.
std::vector<FormPart> form_parts(std::string_view body, std::string_view boundary);

}  // namespace zoo::serve
