// Web addresses that strangers may name: below a prefix.
#pragma once

#include <string>

namespace zoo::streams {

/// Immutable; thread-safe.
class AllowedAddress {
 public:
  /// `https://host/pictures/`; without a slash at the end it means the same. Throws Error where it is no HTTP or HTTPS
  /// address, or has a query; also where the module that downloads cannot be loaded.
  explicit AllowedAddress(const std::string& prefix);

  /// Whether an address has the scheme, the host and the port of the prefix, and a path below its path; one that
  /// climbs (`..`, however it is written) has not.
  bool covers(const std::string& address) const;

 private:
  std::string origin_;
  std::string path_;  ///< ends in a slash
};

}  // namespace zoo::streams
