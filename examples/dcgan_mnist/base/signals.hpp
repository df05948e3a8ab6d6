// What the user asks of a running program by signals.
#pragma once

namespace dcgan_mnist {

/// While one lives, the first SIGINT, SIGTERM, SIGHUP, SIGXCPU or SIGPIPE asks for an orderly end, and SIGUSR1 for a
/// checkpoint. A second SIGINT, SIGTERM or SIGHUP ends the process at once with exit code 130, unless it is the first one
/// delivered twice, as by timeout(1) or a closing terminal. SIGHUP, SIGXCPU and SIGPIPE stay ignored if they were, as under
/// nohup. The handlers only set flags. There can be one at a time.
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

/// Whether an orderly end was asked for.
bool stop_requested();

}  // namespace dcgan_mnist
