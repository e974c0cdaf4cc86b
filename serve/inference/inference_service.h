// The face between protocols, which read requests and write answers, and the models that answer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nn/core/error.h"
#include "serve/http/http_message.h"
#include "serve/http/http_server.h"
#include "serve/inference/infer_types.h"

namespace zoo::serve {

/// Why there is no answer, as an HTTP status and a message that is complete:
///   400  the request is wrong                   404  no such model, version or output
///   413  too large                              429, 503  too much waits, or the server stops: `retry_after`
///   504  its time was over before it was begun  500  the model failed
struct InferFailure {
  int status = 500;
  std::string message;
  std::optional<std::chrono::seconds> retry_after = std::nullopt;
};

/// `{"error":"..."}` with the status and, where it helps, Retry-After.
HttpResponse failure_response(const InferFailure& failure);

/// A failure that is thrown.
class InferError : public Error {
 public:
  explicit InferError(InferFailure failure) : Error(failure.message), failure_(std::move(failure)) {}
  const InferFailure& failure() const { return failure_; }

 private:
  InferFailure failure_;
};

[[noreturn]] void throw_infer_error(int status, std::string message);

/// In a catch block, of a std::exception that has been caught: an InferError's own; another Error is the request's
/// fault, 400; running out of memory 503; all else 500.
InferFailure failure_of(const std::exception& caught);

/// One request between HTTP and a model. The functions are called by a worker, one after the other, so that what is
/// slow (numbers as text, pictures) never keeps the server's thread.
struct InferCall {
  std::string model;
  std::optional<int64_t> version = std::nullopt;  ///< empty: the one that runs
  size_t bytes = 0;                               ///< of memory that it holds while it waits
  /// Reads the request. Of what it throws: failure_of().
  std::function<InferRequest(const ServedModelInfo&)> decode;
  /// Writes the answer.
  std::function<HttpResponse(const ServedModelInfo&, InferReply)> encode;
  /// Writes a failure; empty: failure_response.
  std::function<HttpResponse(const InferFailure&)> fail = {};
};

/// Number and time of one part of the work, as Triton's statistics have it.
struct Duration {
  int64_t count = 0;
  int64_t ns = 0;
};

struct ModelStatistics {
  std::string name;
  int64_t version = 1;
  int64_t last_inference_ms = 0;  ///< since 1970; 0: none yet
  int64_t inference_count = 0;    ///< pictures, or rows of tensors
  int64_t execution_count = 0;    ///< runs of the network; fewer where a batch was made
  Duration success;               ///< from the complete request to its answer
  Duration fail;
  Duration queue;
  Duration compute_input;   ///< reading, decoding, preprocessing
  Duration compute_infer;   ///< the network
  Duration compute_output;  ///< its outputs to answers, writing
};

/// A model that is, or could be, served.
struct RepositoryEntry {
  enum class State { kLoading, kReady, kUnloading, kUnavailable };
  std::string name;
  int64_t version = 1;
  State state = State::kReady;
  std::string reason = {};  ///< why it is unavailable, or why its changed file is not: located lines
  bool unloaded = false;    ///< because somebody wished so
};

/// Thread-safe, every member.
class InferenceService {
 public:
  virtual ~InferenceService() = default;

  /// Whether all models are ready and requests are taken.
  virtual bool ready() const = 0;
  /// The model that runs under a name; null if there is none, or not of that version.
  virtual std::shared_ptr<const ServedModelInfo> model(const std::string& name,
                                                       std::optional<int64_t> version = std::nullopt) const = 0;
  virtual std::vector<RepositoryEntry> index() const = 0;
  /// Of one model, or of all where the name is empty.
  virtual std::vector<ModelStatistics> statistics(const std::string& name) const = 0;

  /// Queues the call; answers at once, with a failure, where it cannot be taken. Never blocks.
  virtual void submit(InferCall call, Responder responder) = 0;
  /// Loads a model of the repository, or loads it again; `done` is called once it runs or has failed.
  virtual void load(const std::string& name, std::function<void(std::optional<InferFailure>)> done) = 0;
  /// What is in flight is answered.
  virtual void unload(const std::string& name, std::function<void(std::optional<InferFailure>)> done) = 0;
};

}  // namespace zoo::serve
