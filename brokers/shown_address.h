// Addresses of brokers in messages.
#pragma once

#include <string>
#include <string_view>

namespace zoo::brokers {

/// What was given as the address of a broker, without its secrets, whether or not it is one: nothing that stands before
/// the last "@" but a scheme and a user's name that are whole, `redis://user:***@host`, `***@host`.
std::string shown_address(std::string_view text);

}  // namespace zoo::brokers
