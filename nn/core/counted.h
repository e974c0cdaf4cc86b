// Numbers of things as messages say them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace zoo {

/// "1 value", "7 values", "0 values". `thing` is in the singular and forms its plural by rule: "class" becomes
/// "classes", "category" "categories".
std::string counted(int64_t count, std::string_view thing);

}  // namespace zoo
