#include "tests/support/rtsp_server.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace zoo::test {

RtspServer::RtspServer(const RtspCamera& camera) {
  // Debian's own Python: the bindings of GStreamer are among its packages.
  const std::string script = std::string(ZOO_SOURCE_DIR) + "/tests/support/rtsp_server.py";
  const std::string width = std::to_string(camera.width);
  const std::string height = std::to_string(camera.height);
  const std::string& credentials = camera.credentials;
  std::array<int, 2> ends = {};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ends[1], STDOUT_FILENO);
    execl("/usr/bin/python3", "python3", script.c_str(), camera.port.c_str(), width.c_str(), height.c_str(),
          credentials.empty() ? nullptr : credentials.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  for (char letter = 0; read(ends[0], &letter, 1) == 1 && letter != '\n';) port_ += letter;
  close(ends[0]);
  if (port_.empty()) throw std::runtime_error("the RTSP server did not start (python3-gi, gir1.2-gst-rtsp-server-1.0)");
}

RtspServer::~RtspServer() {
  send(SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::string RtspServer::url(const std::string& path, const std::string& user_info) const {
  return fmt::format("rtsp://{}{}127.0.0.1:{}{}", user_info, user_info.empty() ? "" : "@", port_, path);
}

void RtspServer::send(int signal) const { kill(pid_, signal); }

}  // namespace zoo::test
