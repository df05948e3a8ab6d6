// What the user asks of a running program by signals.
#pragma once

namespace dcgan_mnist {

/// While one lives: the first SIGINT or SIGTERM asks for an orderly end, the second ends the process at once with exit
/// code 130, SIGUSR1 asks for a checkpoint. SIGXFSZ is ignored, so that a file-size limit is an ordinary write error.
/// The handlers only set flags. There can be one at a time.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  bool stop_requested() const;
  /// Whether a checkpoint was asked for since the last call.
  bool take_save_request();
};

}  // namespace dcgan_mnist
