// A TCP server of a test that says what the test wants, whatever it is asked: half answers, nonsense, nothing at all.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace zoo::test {

class FakePeer {
 public:
  /// Says `script[n]` on the n-th connection (the last one again on later ones) once something has arrived, then closes
  /// where `closes`, else keeps silent until the client goes.
  FakePeer(std::vector<std::string> script, bool closes);
  ~FakePeer();
  FakePeer(const FakePeer&) = delete;
  FakePeer& operator=(const FakePeer&) = delete;

  int port() const { return port_; }
  /// All bytes that have arrived.
  std::string received() const;

 private:
  void serve();

  std::vector<std::string> script_;
  bool closes_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::string received_;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace zoo::test
