// Profiles: what a trace holds, that its slices nest, that nothing remains when it is off, and errors.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/reshape.hpp>
#include <tinygan/nn/sequential.hpp>
#include <tinygan/optim/adam.hpp>
#include <tinygan/profile/count_work.hpp>
#include <tinygan/profile/profile.hpp>
#include <tinygan/runtime/captured_step.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::contains;
using support::error_of;
using support::TemporaryFolder;

namespace {

const profile::Options given{.peak = profile::Peak{.gflops = 100, .gflops_double = 50, .gbytes = 10}};

/// One slice of a file, as text and numbers. Times are whole nanoseconds.
struct Event {
  std::string line, name, category;
  int process = 0, thread = 0, depth = 0;
  long long begin = 0, end = 0;

  /// A number of its arguments; -1 if it has none of that name.
  double number(const std::string& field) const {
    const std::size_t at = line.find("\"" + field + "\":");
    return at == std::string::npos ? -1 : std::strtod(line.c_str() + at + field.size() + 3, nullptr);
  }
  std::string word(const std::string& field) const {
    const std::size_t at = line.find("\"" + field + "\":\"");
    if (at == std::string::npos) return {};
    const std::size_t first = at + field.size() + 4;
    return line.substr(first, line.find('"', first) - first);
  }
  bool holds(const Event& e) const {
    return process == e.process && thread == e.thread && begin <= e.begin && e.end <= end;
  }
};

/// The slices of a trace, each on a line of its own, by track and time. Checks that those of a track nest.
std::vector<Event> read_trace(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<Event> events;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("{\"ph\":\"X\"")) continue;
    Event e;
    e.line = line;
    e.name = e.word("name"), e.category = e.word("cat");
    e.process = static_cast<int>(e.number("pid")), e.thread = static_cast<int>(e.number("tid"));
    e.begin = std::llround(1000 * e.number("ts")), e.end = e.begin + std::llround(1000 * e.number("dur"));
    events.push_back(e);
  }
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return std::tuple(a.process, a.thread, a.begin, -a.end) < std::tuple(b.process, b.thread, b.begin, -b.end);
  });
  std::vector<const Event*> open;
  for (Event& e : events) {
    while (!open.empty() &&
           (open.back()->process != e.process || open.back()->thread != e.thread || open.back()->end <= e.begin))
      open.pop_back();
    INFO(e.line);
    if (!open.empty()) CHECK(open.back()->holds(e));
    e.depth = static_cast<int>(open.size());
    open.push_back(&e);
  }
  return events;
}

std::vector<Event> named(const std::vector<Event>& events, const std::string& category, const std::string& name) {
  std::vector<Event> found;
  for (const Event& e : events)
    if (e.category == category && (name.empty() || e.name == name)) found.push_back(e);
  return found;
}

nn::Sequential<float> network(Device device = Device::cpu()) {
  Generator random(1);
  nn::Sequential<float> model(
      nn::Conv2D<float>(1, 4, {.kernel = 3, .stride = 2, .padding = Padding::same(), .activation = Activation::relu},
                        random),
      nn::Conv2D<float>(4, 4, {.kernel = 3, .padding = Padding::same()}, random), nn::BatchNorm<float>(4),
      nn::Flatten<float>(), nn::Dense<float>(4 * 4 * 4, 2, {}, random));
  model.to(device);
  return model;
}

/// One step: forward, backward, Adam.
void train(nn::Sequential<float>& model, optim::Adam<float>& adam, const Variable<float>& x) {
  Generator random(2, x.device());
  adam.step(grad(ops::mean(ops::square(model(x, nn::Pass::train(random)))), model.parameters()));
}

/// The emulated device with a clock that each mark advances by a microsecond.
struct FakeTimer {
  static inline const DeviceBackend* real = nullptr;
  static inline DeviceBackend fake;
  static inline std::intptr_t marks = 0;
  static inline std::multiset<void*> alive;

  FakeTimer() {
    real = detail::backends()[static_cast<std::size_t>(DeviceType::emulated)].load();
    fake = *real;
    fake.timer = {[](int) {
                    void* const mark = reinterpret_cast<void*>(++marks);
                    alive.insert(mark);
                    return mark;
                  },
                  [](void* a, void* b) {
                    return 1e-6 *
                           static_cast<double>(reinterpret_cast<std::intptr_t>(b) - reinterpret_cast<std::intptr_t>(a));
                  },
                  [](void* mark) { alive.erase(alive.find(mark)); }, nullptr, nullptr};
    register_backend(DeviceType::emulated, &fake);
  }
  ~FakeTimer() { register_backend(DeviceType::emulated, real); }
};

}  // namespace

TEST_CASE("Without a profile kernels() gives a device's own table, and after one again") {
  const TemporaryFolder folder;
  const KernelTable<float>* const own = &cpu::kernel_table<float>();
  const KernelTable<double>* const own_double = &cpu::kernel_table<double>();
  const KernelTable<float>* const emulated = &kernels<float>(Device::emulated());
  CHECK(&kernels<float>(Device::cpu()) == own);
  profile::start(folder.path() / "trace.json", given);
  CHECK(&kernels<float>(Device::cpu()) != own);
  CHECK(&kernels<double>(Device::cpu()) != own_double);
  CHECK(&kernels<float>(Device::emulated()) != emulated);
  CHECK(&kernels<float>(Device::emulated()) != &kernels<float>(Device::cpu()));
  CHECK(profile::recording());
  profile::stop();
  CHECK_FALSE(profile::recording());
  CHECK(&kernels<float>(Device::cpu()) == own);
  CHECK(&kernels<double>(Device::cpu()) == own_double);
  CHECK(&kernels<float>(Device::emulated()) == emulated);
}

TEST_CASE("A training step's trace has every kernel, under its op, under its layer or the backward pass") {
  const TemporaryFolder folder;
  nn::Sequential<float> model = network();
  optim::Adam<float> adam(model.parameters());
  const Variable<float> x = random_tensor<float>({3, 8, 8, 1}, 1);
  const double forward = profile::count_work<float>([&] { static_cast<void>(model(x)); }).flops;
  profile::start(folder.path() / "trace.json", given);
  {
    const profile::Scope scope("step \"1\"");
    train(model, adam, x);
  }
  profile::stop();
  const std::vector<Event> events = read_trace(folder.path() / "trace.json");

  std::set<std::string> kernels;
  for (const Event& e : named(events, "kernel", "")) kernels.insert(e.name);
  for (const char* name : {"conv2d", "conv2d_input_grad", "conv2d_weight_grad", "batch_norm", "batch_norm_backward",
                           "gemm", "unary", "binary", "reduce", "adam"})
    CHECK(kernels.count(name) == 1);

  const Event step = named(events, "scope", "step \\").front();
  CHECK(contains(step.line, R"("name":"step \"1\"")"));
  const Event backward = named(events, "scope", "backward pass").front();
  const Event layer = named(events, "scope", "conv2d_1").front();
  const std::vector<Event> convolutions = named(events, "kernel", "conv2d");
  REQUIRE(convolutions.size() == 2);
  CHECK(layer.holds(convolutions[1]));
  CHECK(convolutions[1].depth == 3);  // step, layer, op
  const std::vector<Event> ops = named(events, "op", "conv2d");
  REQUIRE(ops.size() == 2);
  CHECK(ops[1].holds(convolutions[1]));
  CHECK(contains(ops[1].line, "\"shape\":[3,4,4,4]"));
  const std::vector<Event> rules = named(events, "backward", "conv2d backward");
  REQUIRE(rules.size() == 2);
  CHECK(rules[0].holds(named(events, "kernel", "conv2d_weight_grad").front()));
  CHECK(backward.holds(rules[0]));
  const Event update = named(events, "kernel", "adam").front();
  CHECK(update.depth == 1);  // in the step, in no op
  CHECK_FALSE(backward.holds(update));

  // x(3,8,8,1) at stride 2 with 3x3 taps, of which 2 at the end of each axis reach data: 11 of 12 pairs an axis.
  CHECK(convolutions[0].number("flops") == 2 * 3 * 11 * 11 * 1 * 4);
  CHECK(convolutions[0].number("bytes") == 4 * (3 * 64 + 9 * 4 + 3 * 16 * 4));
  CHECK(convolutions[0].number("stride_h") == 2);
  CHECK(convolutions[0].word("type") == "float");
  for (const Event& e : named(events, "kernel", "")) {
    const double ns = std::max(1.0, static_cast<double>(e.end - e.begin));
    const double share = std::max(e.number("flops") / 100, e.number("bytes") / 10) / ns;
    CHECK(std::fabs(e.number("share_of_peak") - share) <= 1e-3 * share);  // four digits are written
  }

  double of_layers = 0;
  for (const Event& e : named(events, "kernel", ""))
    if ((e.name == "conv2d" || e.name == "gemm") && !backward.holds(e)) of_layers += e.number("flops");
  CHECK(of_layers + 2 * 3 * 16 * 4 == forward);  // and batch norm in inference
}

TEST_CASE("An op's slice begins with its own kernels, not with what ran before it") {
  const TemporaryFolder folder;
  const Variable<float> x(random_tensor<float>({4, 5}, 1), true);
  profile::start(folder.path() / "trace.json", given);
  const Tensor<float> other = x.value().clone();
  kernels<float>(Device::cpu()).unary(UnaryOp::exp, other.size(), 0, 0, other.data(), other.data(), Stream{});
  ops::reshape(x, {20});  // no kernel
  ops::square(x);
  profile::stop();
  const std::vector<Event> events = read_trace(folder.path() / "trace.json");
  CHECK(named(events, "op", "reshape").empty());
  REQUIRE(named(events, "op", "square").size() == 1);
  REQUIRE(named(events, "kernel", "unary").size() == 2);
  CHECK(named(events, "kernel", "unary")[0].word("op") == "exp");
  CHECK(named(events, "kernel", "unary")[0].depth == 0);
  CHECK(named(events, "kernel", "unary")[1].depth == 1);
}

TEST_CASE("Each host thread has a track of its own") {
  const TemporaryFolder folder;
  profile::start(folder.path() / "trace.json", given);
  const auto work = [] {
    const profile::Scope scope("mine");
    for (int i = 0; i < 50; ++i) ops::square(Variable<float>(Tensor<float>::full({8}, 2)));
  };
  std::thread other(work);
  work();
  other.join();
  profile::stop();
  const std::vector<Event> events = read_trace(folder.path() / "trace.json");
  const std::vector<Event> scopes = named(events, "scope", "mine");
  REQUIRE(scopes.size() == 2);
  CHECK(scopes[0].thread != scopes[1].thread);
  for (const Event& scope : scopes) {
    int mine = 0;
    for (const Event& e : named(events, "op", "square")) mine += scope.holds(e);
    CHECK(mine == 50);
  }
}

TEST_CASE("A device that is not the CPU has a process of its own, and the host the launches") {
  const TemporaryFolder folder;
  nn::Sequential<float> model = network(Device::emulated());
  const Variable<float> x(random_tensor<float>({3, 8, 8, 1}, 1).to(Device::emulated()));
  profile::start(folder.path() / "trace.json", given);
  model(x);
  profile::flush();
  const std::vector<Event> first = read_trace(folder.path() / "trace.json");
  model(x);
  profile::stop();
  const std::vector<Event> events = read_trace(folder.path() / "trace.json");
  const std::vector<Event> kernels = named(events, "kernel", ""), launches = named(events, "launch", "");
  CHECK(kernels.size() == launches.size());
  CHECK(kernels.size() == 2 * named(first, "kernel", "").size());
  REQUIRE_FALSE(kernels.empty());
  CHECK(kernels.front().process != launches.front().process);
  CHECK(launches.front().process == named(events, "scope", "conv2d").front().process);
  CHECK(kernels.front().number("flops") > 0);
  CHECK(kernels.front().number("share_of_peak") == -1);  // the given peak is the CPU's
  CHECK(launches.front().number("flops") == -1);         // once
}

TEST_CASE("A replay of a captured step is one slice with the number of its kernels") {
  const TemporaryFolder folder;
  const Device device = Device::emulated();
  nn::Sequential<float> model = network(device);
  optim::Adam<float> adam(model.parameters());
  const Variable<float> x(random_tensor<float>({3, 8, 8, 1}, 1).to(device));
  const Variable<float> w = model.parameters()[0];
  runtime::CapturedStep step(device, [&] { ops::mean(ops::square(model(x))); });
  profile::start(folder.path() / "trace.json", given);
  step();
  profile::flush();
  const std::vector<Event> eager = named(read_trace(folder.path() / "trace.json"), "kernel", "");
  step();
  step();
  profile::stop();
  const std::vector<Event> events = read_trace(folder.path() / "trace.json");
  CHECK(named(events, "kernel", "").size() == eager.size());  // those of the capture did not run
  const std::vector<Event> replays = named(events, "graph", "");
  REQUIRE(replays.size() == 2);
  double flops = 0;
  for (const Event& e : eager) flops += e.number("flops");
  for (const Event& e : replays) {
    CHECK(e.number("kernels") == static_cast<double>(eager.size()));
    CHECK(e.number("flops") == flops);
  }
}

TEST_CASE("Where kernels are queued, their times are the queue's") {
  const TemporaryFolder folder;
  const Variable<float> x(Tensor<float>::full({8}, 2, Device::emulated()));
  {
    const FakeTimer timer;
    profile::start(folder.path() / "trace.json", given);
    for (int i = 0; i < 5000; ++i) ops::square(x);  // more than are pending at a time
    profile::stop();
    CHECK(FakeTimer::alive.empty());
  }
  const std::vector<Event> kernels = named(read_trace(folder.path() / "trace.json"), "kernel", "unary");
  REQUIRE(kernels.size() == 5000);
  bool exact = true;
  for (std::size_t i = 0; i < kernels.size(); ++i)  // marks: base, begin, end, begin, end, ..
    exact = exact && std::abs(kernels[i].end - kernels[i].begin - 1000) <= 2 &&
            std::abs(kernels[i].begin - kernels[0].begin - 2000 * static_cast<long long>(i)) <= 20;
  CHECK(exact);
}

TEST_CASE("What cannot be profiled is said at the start") {
  const TemporaryFolder folder;
  const std::string missing = folder.path() / "missing" / "trace.json";
  CHECK(error_of([&] { profile::start(missing, given); }) ==
        "profile::start: cannot write " + missing + ": No such file or directory");
  CHECK_FALSE(profile::recording());
  CHECK(error_of([] { profile::flush(); }) == "profile::flush: no profile is being recorded");
  CHECK(error_of([] { profile::stop(); }) == "profile::stop: no profile is being recorded");
  const std::string file = folder.path() / "trace.json";
  profile::start(file, given);
  CHECK(error_of([&] { profile::start(file, given); }) ==
        "profile::start: a profile is being recorded already, to " + file);
  profile::stop();
  for (const char* bad : {"", "100", "100,", "100;5", "100,-5", "0,5", "100,5x"}) {
    ::setenv("TINYGAN_PEAK", bad, 1);
    CHECK(error_of([&] { profile::start(file); }) ==
          text("TINYGAN_PEAK: '", bad, "', expected GFLOP/s and GB/s as in 3000,40"));
  }
  ::setenv("TINYGAN_PEAK", "200,20", 1);
  profile::start(file);
  ::unsetenv("TINYGAN_PEAK");
  Tensor<float>::full({1000}, 1);
  profile::stop();
  std::ostringstream all;
  all << std::ifstream(file).rdbuf();
  CHECK(contains(all.str(), R"("peak of cpu":"200 GFLOP/s, 20 GB/s, given")"));
}

TEST_CASE("Kernels that are counted do not run, in this thread alone") {
  const Variable<float> x = random_tensor<float>({4, 3}, 1);
  const Tensor<float> untouched = Tensor<float>::zeros({4, 3});
  const profile::KernelTotals totals = profile::count_work<float>([&] {
    kernels<float>(Device::cpu()).copy({1, 12, 12, 12}, x.value().data(), untouched.data(), Stream{});
    kernels<float>(Device::emulated()).fill(12, 1, untouched.data(), Stream{});
    std::thread other([] { CHECK(&kernels<float>(Device::cpu()) == &cpu::kernel_table<float>()); });
    other.join();
  });
  CHECK(totals.kernels == 2);
  CHECK(totals.bytes == 4 * 12 * 3);
  CHECK(untouched.to_vector() == std::vector<float>(12, 0.0f));
}
