#include "apps/program.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <map>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "apps/commands.h"
#include "apps/display.h"
#include "apps/help.h"
#include "apps/logging.h"
#include "apps/output.h"
#include "apps/signals.h"
#include "nn/core/config_node.h"
#include "pipeline/tasks/opencv_threads.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

struct Command {
  const char* name;
  const char* summary;
  Action (*setup)(CLI::App&);
};

constexpr std::array<Command, 18> kCommands = {{
    {"predict", "Name, find or outline what images, videos, cameras and streams show", setup_predict},
    {"live", "Watch many cameras and streams at once, for as long as you want", setup_live},
    {"serve", "Answer other programs over HTTP, as Triton and KServe do", setup_serve},
    {"worker", "Answer pictures from a queue in Redis, beside other workers on as many machines as you like",
     setup_worker},
    {"eval", "Measure a model on a data set with ground truth", setup_eval},
    {"manifest", "List pictures for a job that many machines share, or that can be resumed", setup_manifest},
    {"merge", "Put the parts of a job together, once nothing is missing", setup_merge},
    {"run", "Run the network on a raw tensor", setup_run},
    {"preprocess", "Write the tensor that the network sees for an image", setup_preprocess},
    {"validate", "Check model files and weights", setup_validate},
    {"summary", "Layers, shapes, parameters, multiply-accumulates and feature pyramid", setup_summary},
    {"graph", "Draw the network as Mermaid or Graphviz text", setup_graph},
    {"export", "Write the network and its weights for other runtimes", setup_export},
    {"bench", "Measure how fast models are: latency, throughput, loading, memory", setup_bench},
    {"profile", "Show where the time of an inference goes and how far each operation is from the limit", setup_profile},
    {"list", "Show the models of the zoo and the known checkpoints", setup_list},
    {"pull", "Fetch a known pretrained checkpoint into the cache", setup_pull},
    {"calibrate", "Find the ranges that int8 needs, on pictures of your own", setup_calibrate},
}};

constexpr const char* kFooter =
    "Exit codes: 0 done, 1 run-time failure, 2 usage, configuration or weights error, 3 finished, but some inputs "
    "could not be read, 129, 130 or 143 stopped by a signal after finishing cleanly, 141 nobody read standard output "
    "any "
    "more. `backbone-zoo SUBCOMMAND --help` says more.";

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  names.reserve(kCommands.size());
  for (const Command& command : kCommands) names.emplace_back(command.name);
  return names;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string nearest = nearest_name(word, candidates);
  return nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest);
}

std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// `summary takes MODEL and options`.
std::string usage_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options([](const CLI::Option* any) { return any->get_positional(); })) {
    names.push_back(option->get_name(true, false));
  }
  return fmt::format("{} takes {}", app.get_name(), fmt::join(names, " and "));
}

/// What the program was asked for with `help` as its first word is what the flag of that name shows.
std::vector<std::string> without_help_word(std::vector<std::string> arguments) {
  if (arguments.empty() || arguments.front() != "help") return arguments;
  arguments.erase(arguments.begin());
  if (arguments.size() > 1) arguments.resize(1);
  arguments.emplace_back("--help");
  return arguments;
}

/// The first argument of a subcommand that nothing takes.
void reject_unknown(const CLI::App& app) {
  std::vector<std::string> remaining = app.remaining();
  std::erase(remaining, "--");  // ends the options; CLI11 leaves it here
  if (remaining.empty()) return;
  const std::string& word = remaining.front();
  if (!word.starts_with('-')) {
    throw UsageError(fmt::format("{}: unexpected argument {}: {}", app.get_name(), word, usage_of(app)));
  }
  const std::string flag = word.substr(0, word.find('='));
  throw UsageError(fmt::format("{}: unknown option {}{}", app.get_name(), flag, did_you_mean(flag, flag_names(app))));
}

/// Throws UsageError where an argument is empty: nobody means that, a variable of the shell was not set.
void check_values(const std::vector<std::string>& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") return;
    std::string flag;
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
      flag = argument.substr(0, argument.size() - 1);
    } else if (!argument.empty()) {
      continue;
    } else if (i > 0 && arguments[i - 1].starts_with('-') && arguments[i - 1] != "-") {
      flag = arguments[i - 1];
    }
    throw UsageError(fmt::format("{} is empty: name one, or leave {} out; was a variable of the shell not set?",
                                 flag.empty() ? fmt::format("argument {}", i + 1) : "the value of " + flag,
                                 flag.empty() ? "it" : "the flag"));
  }
}

class Program {
 public:
  Program() : app_("MobileNet networks from a trainer's model file, on images and video.", "backbone-zoo") {
    app_.formatter(wrapping_formatter(help_width()));
    app_.set_version_flag("-V,--version", ZOO_VERSION);
    app_.require_subcommand(1);
    app_.footer(kFooter);
    for (const Command& command : kCommands) {
      CLI::App* sub = app_.add_subcommand(command.name, command.summary);
      sub->allow_extras();  // reject_unknown says what is wrong with them
      Subcommand& known = subcommands_[sub];
      sub->add_flag("-v,--verbose", known.verbosity,
                    "Say on standard error what is done (-vv: what libraries say, too)");
      known.action = command.setup(*sub);
    }
  }

  int run(const std::vector<std::string>& arguments) {
    if (!parse(without_help_word(arguments))) return kExitDone;
    const Subcommand& chosen = subcommands_.at(app_.get_subcommands().front());
    set_up_logging(chosen.verbosity);
    pipeline::limit_opencv_threads();
    return chosen.action();
  }

 private:
  struct Subcommand {
    Action action;
    int verbosity = 0;  ///< of its own: CLI11 2.4 sets those of the subcommands that were not chosen to 0
  };

  /// False when help or the version was asked for.
  bool parse(std::vector<std::string> arguments) {
    check_first(arguments);
    check_values(arguments);
    try {
      std::ranges::reverse(arguments);  // CLI11 takes them from the back
      app_.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
      sinks::TextOutput().write(app_.help());
      return false;
    } catch (const CLI::CallForVersion& version) {
      sinks::TextOutput().line(fmt::format("backbone-zoo {}", version.what()));
      return false;
    } catch (const CLI::ParseError& error) {
      const auto chosen = app_.get_subcommands();
      if (chosen.empty()) throw UsageError(error.what());
      reject_unknown(*chosen.front());  // a misspelt flag explains a missing one
      throw UsageError(fmt::format("{}: {}", chosen.front()->get_name(), error.what()));
    }
    reject_unknown(*app_.get_subcommands().front());
    return true;
  }

  /// Throws UsageError unless the arguments begin with a subcommand, or with what the program itself understands.
  static void check_first(const std::vector<std::string>& arguments) {
    const std::vector<std::string> names = command_names();
    const auto is_command = [&](const std::string& word) { return std::ranges::find(names, word) != names.end(); };
    if (arguments.empty()) {
      throw UsageError(fmt::format("a subcommand is missing, one of: {}", fmt::join(names, ", ")));
    }
    const std::string& first = arguments.front();
    if (!first.starts_with('-')) {
      if (is_command(first)) return;
      throw UsageError(fmt::format("unknown subcommand {}{}", first, did_you_mean(first, names)));
    }
    constexpr std::array<std::string_view, 4> kOwn = {"-h", "--help", "-V", "--version"};
    if (std::ranges::find(kOwn, first) != kOwn.end()) return;
    const auto command = std::ranges::find_if(arguments, is_command);
    if (command == arguments.end()) {
      throw UsageError(fmt::format("a subcommand is missing before {}, one of: {}", first, fmt::join(names, ", ")));
    }
    throw UsageError(
        fmt::format("{} stands before the subcommand: write `backbone-zoo {} {}`", first, *command, first));
  }

  CLI::App app_;
  std::map<const CLI::App*, Subcommand> subcommands_;
};

int fail(int exit_code, std::string_view message) {
  report(message);
  return exit_code;
}

}  // namespace

int run_program(int argc, char** argv) {
  ignore_write_signals();
  if (is_display_probe(argc, argv)) return probe_display();
  try {
    return Program().run(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
  } catch (const sinks::ClosedPipe&) {
    return kExitSignalBase + SIGPIPE;  // as every program that the signal ends: `predict ... | head -2`
  } catch (const ConfigError& error) {
    for (const std::string& problem : error.problems()) report(problem);
    return kExitUsage;
  } catch (const UsageError& error) {
    return fail(kExitUsage, fmt::format("{} (see --help)", error.what()));
  } catch (const WeightError& error) {
    return fail(kExitUsage, error.what());
  } catch (const GraphError& error) {
    return fail(kExitUsage, error.what());
  } catch (const std::bad_alloc&) {
    return fail(kExitFailure, "out of memory; fewer --threads, a smaller --size or --batch need less");
  } catch (const std::exception& error) {
    return fail(kExitFailure, error.what());
  }
}

}  // namespace zoo::apps
