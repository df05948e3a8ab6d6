// Signals: requests to stop or to save a checkpoint.
#pragma once

namespace dcgan_mnist {

/// While one lives, the first SIGINT, SIGTERM, SIGHUP, SIGXCPU or SIGPIPE requests a stop, and SIGUSR1 a checkpoint. A
/// second SIGINT, SIGTERM or SIGHUP ends the process at once with exit code 130, unless it is the first one delivered
/// twice, as by timeout(1) or a closing terminal. SIGHUP, SIGXCPU and SIGPIPE stay ignored if they were, as under
/// nohup. The handlers only set flags. There can be one at a time.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  bool stop_requested() const;
  /// Whether a checkpoint was requested since the last call.
  bool take_save_request();
};

/// Whether a stop was requested.
bool stop_requested();

}  // namespace dcgan_mnist
