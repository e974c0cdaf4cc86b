// A camera in a process of its own (rtsp_server.py).
#pragma once

#include <string>
#include <sys/types.h>

namespace zoo::test {

struct RtspCamera {
  std::string credentials = {};  ///< "USER:PASSWORD" that it asks for; empty: none
  std::string port = "0";        ///< "0": a free one
  int width = 160;
  int height = 120;
};

class RtspServer {
 public:
  /// Starts it and waits until it listens.
  explicit RtspServer(const RtspCamera& camera = {});
  /// Kills it.
  ~RtspServer();
  RtspServer(const RtspServer&) = delete;
  RtspServer& operator=(const RtspServer&) = delete;

  /// rtsp://[USER_INFO@]127.0.0.1:PORT/PATH
  std::string url(const std::string& path, const std::string& user_info = "") const;
  const std::string& port() const { return port_; }
  /// SIGKILL as a power cut, SIGSTOP and SIGCONT as a network that hangs.
  void send(int signal) const;

 private:
  pid_t pid_ = 0;
  std::string port_;
};

}  // namespace zoo::test
