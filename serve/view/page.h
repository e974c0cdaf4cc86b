// The files of serve/view/page/, which the build puts into the library (cmake/embed_files.cmake).
#pragma once

#include <string_view>

namespace zoo::serve {

extern const std::string_view kPageHtml;
extern const std::string_view kPageCss;
extern const std::string_view kPageJs;

}  // namespace zoo::serve
