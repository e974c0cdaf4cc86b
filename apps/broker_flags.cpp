#include "apps/broker_flags.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/commands.h"
#include "apps/password_file.h"
#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"

namespace zoo::apps {
namespace {

/// One value of the flag.
struct PasswordFile {
  std::string place;  ///< empty: of the only broker that wants one
  std::string file;
};

PasswordFile password_file_from(const std::string& text, std::span<const BrokerLogin> logins) {
  for (const BrokerLogin& login : logins) {
    if (text.starts_with(login.place + "=")) return {login.place, text.substr(login.place.size() + 1)};
  }
  const size_t equals = text.find('=');
  const size_t colon = text.rfind(':', equals);
  const bool names_place = equals != std::string::npos && colon != std::string::npos &&
                           parse_number<uint16_t>(std::string_view(text).substr(colon + 1, equals - colon - 1));
  std::error_code unknown;
  if (names_place && !std::filesystem::exists(text, unknown)) {
    std::set<std::string> places;
    for (const BrokerLogin& login : logins) places.insert(login.place);
    throw UsageError(fmt::format("--password-file {}=...: no broker of this run is there; there are {}",
                                 printable(text.substr(0, equals)), fmt::join(places, ", ")));
  }
  return {"", text};
}

/// Places whose addresses have no password.
std::set<std::string> open_places(std::span<const BrokerLogin> logins, const char* variable = nullptr) {
  std::set<std::string> places;
  for (const BrokerLogin& login : logins) {
    const bool is_meant = variable == nullptr || std::string_view(login.variable) == variable;
    if (is_meant && login.takes_one && login.password.empty()) places.insert(login.place);
  }
  return places;
}

[[noreturn]] void refuse_unclear(std::string_view what, const std::set<std::string>& places) {
  std::vector<std::string> flags;
  for (const std::string& place : places) flags.push_back(fmt::format("--password-file {}=FILE", place));
  throw UsageError(
      fmt::format("{}: it is not clear whose password that is, and each broker is sent its own only: give {}", what,
                  fmt::join(flags, " ")));
}

void set_password(std::span<BrokerLogin> logins, const std::string& place, const std::string& password) {
  for (BrokerLogin& login : logins) {
    if (login.place == place && login.takes_one && login.password.empty()) login.password = password;
  }
}

/// Whose the only file is that names no place; `places`: those that want one.
std::string place_of_file(std::span<const BrokerLogin> logins, const std::set<std::string>& places) {
  if (places.size() == 1) return *places.begin();
  if (!places.empty()) refuse_unclear("--password-file", places);
  const auto has_one = std::ranges::find_if(logins, [](const BrokerLogin& login) { return !login.password.empty(); });
  if (has_one != logins.end()) {
    throw UsageError(
        fmt::format("--password-file: the address {} has a password, too; give one of them", has_one->shown));
  }
  throw UsageError(
      "--password-file: nobody wants it: a broker of MQTT takes a password with a user's name only, USER@ before HOST "
      "or MQTT_USER in the environment");
}

}  // namespace

std::string broker_place(const std::string& host, int port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

std::vector<const CLI::Option*> BrokerFlags::add_to(CLI::App& app) {
  const CLI::Option* secret =
      app.add_option("--password-file", password_files,
                     "File with a broker's password, one line; of several brokers HOST:PORT=FILE for each")
          ->type_name("FILE");
  const CLI::Option* ca =
      app.add_option("--ca-file", ca_file, "Certificates of the authorities to trust for TLS (default: the system's)")
          ->type_name("FILE");
  return {secret, ca};
}

std::vector<std::string> BrokerFlags::files(std::span<const BrokerLogin> logins) const {
  std::vector<std::string> files;
  for (const std::string& text : password_files) files.push_back(password_file_from(text, logins).file);
  return files;
}

void BrokerFlags::fill_in(std::span<BrokerLogin> logins) const {
  std::map<std::string, std::string> named;
  std::vector<std::string> unnamed;
  std::set<std::string> places = open_places(logins);
  for (const std::string& text : password_files) {
    const PasswordFile given = password_file_from(text, logins);
    if (given.place.empty()) {
      unnamed.push_back(given.file);
      continue;
    }
    if (!open_places(logins).contains(given.place)) {
      throw UsageError(
          fmt::format("--password-file {}=...: the address has a password, too, or no user's name that "
                      "goes with one; give one of them",
                      given.place));
    }
    if (!named.emplace(given.place, given.file).second) {
      throw UsageError(fmt::format("--password-file {}=...: is given twice", given.place));
    }
    places.erase(given.place);
  }
  if (unnamed.size() > 1 && !places.empty()) refuse_unclear("--password-file", places);
  if (!unnamed.empty()) named.emplace(place_of_file(logins, places), unnamed.front());
  for (const auto& [place, file] : named) set_password(logins, place, password_from_file(file));
  for (const char* variable : {kRedisPasswordVariable, kMqttPasswordVariable}) {
    const char* const value = std::getenv(variable);
    const std::set<std::string> open = open_places(logins, variable);
    if (value == nullptr || *value == '\0' || open.empty()) continue;
    if (open.size() > 1) refuse_unclear(fmt::format("{} in the environment", variable), open);
    set_password(logins, *open.begin(), value);
  }
}

}  // namespace zoo::apps
