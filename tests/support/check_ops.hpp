// What every op must pass, from its cases: its definition in float and double with every instruction set, derivatives
// to second order, the adjoint identity where it is linear, and the same bits at any number of threads.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/ops/pointwise.hpp>
#include <tinygan/tensor/cast.hpp>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_check.hpp"
#include "support/op_case.hpp"
#include "support/paths.hpp"
#include "support/rounding.hpp"

namespace tinygan::test {

/// The devices the ops are tested on: the CPU, the emulated one and a GPU if there is one; or the one that
/// TINYGAN_TEST_DEVICE names (cpu, cuda or emulated).
inline std::vector<Device> devices() {
  if (const char* name = std::getenv("TINYGAN_TEST_DEVICE")) {
    for (const Device device : {Device::cpu(), Device::cuda(), Device::emulated()})
      if (text(device).rfind(name, 0) == 0) return {device};
    fail("TINYGAN_TEST_DEVICE", "'", name, "', expected cpu, cuda or emulated");
  }
  std::vector<Device> all{Device::cpu(), Device::emulated()};
  if (cuda_device_count() > 0) all.push_back(Device::cuda());
  return all;
}

template <class T>
Tensor<T> tensor_of(const Array& values, const Shape& shape, Device device) {
  if constexpr (std::is_same_v<T, bfloat16>) return cast<T>(tensor<float>(values, shape, device));
  else return tensor<T>(values, shape, device);
}

template <class T>
std::vector<Variable<T>> leaves(const OpCase& c, const Arrays& values, Device device) {
  std::vector<Variable<T>> xs;
  for (std::size_t i = 0; i < values.size(); ++i)
    xs.push_back(Variable<T>(tensor_of<T>(values[i], c.inputs[i].shape, device), true));
  return xs;
}

/// Numbers that T holds.
template <class T>
Array held(Array values) {
  if constexpr (std::is_same_v<T, bfloat16>)
    for (double& v : values) v = static_cast<double>(static_cast<float>(bfloat16(static_cast<float>(v))));
  return values;
}
/// The case's inputs in such numbers.
template <class T>
Arrays draw_all(const OpCase& c) {
  Arrays all = c.draw_all();
  for (Array& values : all) values = held<T>(std::move(values));
  return all;
}

/// The result on the CPU within its error bound.
template <class T>
void check_definition(const OpCase& c) {
  const Arrays values = c.draw_all();
  const Expected expected = c.reference(values);
  const Variable<T> y = c(leaves<T>(c, values, Device::cpu()));
  REQUIRE(y.shape() == expected.shape);
  const auto at = [](index_t i) { return static_cast<std::size_t>(i); };
  check_elements(
      array(y), [&](index_t i) { return expected.value[at(i)]; },
      [&](index_t i) { return std::numeric_limits<T>::epsilon() * expected.bound[at(i)]; });
}

/// y + y^2 for the case's result y: its second derivatives go through the rules' dependence on the cotangent, too.
inline Variable<double> curved(const OpCase& c, const std::vector<Variable<double>>& xs) {
  const Variable<double> y = c.in_double(xs);
  return y + ops::square(y);
}

/// check_grads to second order, the inputs being well away from kinks.
inline void check_derivatives(const OpCase& c) {
  const Arrays values = c.draw_all();
  REQUIRE(c.reference(values).margin > 0.04);
  std::vector<Tensor<double>> xs;
  for (const Variable<double>& x : leaves<double>(c, values, Device::cpu())) xs.push_back(x.value());
  REQUIRE_NOTHROW(check_grads<double>([&c](const auto& at) { return curved(c, at); }, xs, {.order = 2}));
}

/// <f(x), g> = <x, grad <f(x), g>> for each input in which f is linear. Both sum the same products: f(x) within its error
/// bound, the gradient as many in a row as g has elements, at most.
inline void check_adjoint(const OpCase& c) {
  const Arrays values = c.draw_all();
  const Expected expected = c.reference(values);
  const std::vector<Variable<double>> xs = leaves<double>(c, values, Device::cpu());
  const Array g = draw(Draw::uniform, expected.shape, 99);
  const Variable<double> y = c.in_double(xs);
  const auto grads = grad(y, xs, {}, Variable<double>(tensor<double>(g, expected.shape)));
  const Array out = array(y);
  const auto n = static_cast<double>(g.size());
  double forward = 0, bound = 0;
  for (std::size_t i = 0; i < g.size(); ++i) {
    forward += out[i] * g[i];
    bound += n * (2 * expected.bound[i] + std::fabs(out[i])) * std::fabs(g[i]);
  }
  for (std::size_t input : c.linear) {
    const Array dx = array(grads[input]), x = values[input];
    double backward = 0, scale = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      backward += x[i] * dx[i];
      scale += std::fabs(x[i] * dx[i]);
    }
    const double error = std::fabs(forward - backward),
                 allowed = std::numeric_limits<double>::epsilon() * (bound + static_cast<double>(x.size()) * scale);
    support::record_error(error, allowed, [&] { return text("adjoint of ", c.name, ", input ", input); });
    CAPTURE(input, forward, backward);
    CHECK(error <= allowed);
  }
}

/// Result and gradients have the same bits at 1, 2 and 3 threads.
inline void check_threads(const OpCase& c) {
  const auto run = [&] {
    const std::vector<Variable<float>> xs = leaves<float>(c, c.draw_all(), Device::cpu());
    const Variable<float> y = c.in_float(xs);
    std::vector<Variable<float>> all{y};
    if (c.differentiable)
      for (const Variable<float>& dx : grad(y, xs, {}, Variable<float>(random_tensor<float>(y.shape(), 5))))
        all.push_back(dx);
    return snapshot(all);
  };
  if (support::thread_sanitizer) return static_cast<void>(with_threads(3, run));  // see check_on_device()
  const std::vector<Tensor<float>> one = with_threads(1, run);
  for (int threads : {2, 3}) CHECK(same_bits(one, with_threads(threads, run)));
}

/// Result and gradients in elements T on a device that has no double, each within the error bound of its tape in double.
template <class T>
void check_on_device(const OpCase& c, Device device) {
  const Arrays values = draw_all<T>(c);
  const auto outcomes = [&]<class U>(U, Device where, bool on_tape) {
    const std::vector<Variable<U>> xs = leaves<U>(c, values, where);
    std::vector<Variable<U>> all{c(xs)};
    const Shape& shape = all[0].shape();
    const Variable<U> g(tensor_of<U>(held<T>(draw(Draw::uniform, shape, 5)), shape, where), on_tape);
    const GradOptions options{.create_graph = on_tape, .retain_graph = true};
    if (c.differentiable)
      for (Variable<U>& dx : grad(all[0], xs, options, g)) all.push_back(std::move(dx));
    return all;
  };
  const auto found = outcomes(T{}, device, false);
  if (support::thread_sanitizer) return;  // the values are compared in the other builds, which takes longer
  const auto exact = outcomes(double{}, Device::cpu(), true);
  for (std::size_t k = 0; k < exact.size(); ++k) {
    const support::ErrorContext context(k == 0 ? "the result" : text("gradient of input ", k - 1));
    INFO(support::worst_error().context.back());
    REQUIRE(found[k].shape() == exact[k].shape());
    check_rounded<T>(array(found[k]), exact[k]);
  }
}

inline void check_ops(const std::vector<OpCase>& cases) {
  SECTION("the definition") {
    for (const OpCase& c : cases)
      for (Device device : devices()) {
        INFO(c.name << " on " << device);
        const support::ErrorContext context(text(c.name, " on ", device));
        if (device.type != DeviceType::cpu) {
          check_on_device<float>(c, device);
          if (!c.in_bfloat16) continue;
          INFO("in bfloat16");
          const support::ErrorContext narrow_elements("bfloat16");
          check_on_device<bfloat16>(c, device);
          continue;
        }
        for_each_isa([&] {
          check_definition<float>(c);
          check_definition<double>(c);
        });
      }
  }
  SECTION("derivatives to second order") {
    for (const OpCase& c : cases) {
      INFO(c.name);
      if (c.differentiable) check_derivatives(c);
    }
  }
  SECTION("the adjoint identity") {
    for (const OpCase& c : cases) {
      INFO(c.name);
      if (!c.linear.empty()) check_adjoint(c);
    }
  }
  SECTION("the same bits at any number of threads") {
    for (const OpCase& c : cases) {
      INFO(c.name);
      check_threads(c);
    }
  }
}

/// The names of all ops on the tapes of the cases' results and of their first and second gradients.
inline std::set<std::string> ops_on_tapes(const std::vector<OpCase>& cases) {
  std::set<std::string> names;
  for (const OpCase& c : cases) {
    if (!c.differentiable) continue;
    const std::vector<Variable<double>> xs = leaves<double>(c, c.draw_all(), Device::cpu());
    const Variable<double> y = curved(c, xs);
    const std::vector<Variable<double>> first =
        grad(y, xs, {.create_graph = true}, Variable<double>(random_tensor<double>(y.shape(), 3)));
    std::vector<AnyVariable> pending(first.begin(), first.end());
    for (const Variable<double>& second : grad(ops::sum(ops::square(first[0])), xs, {.create_graph = true}))
      pending.push_back(second);
    std::set<const NodeBase*> seen;
    while (!pending.empty()) {
      const AnyVariable v = std::move(pending.back());
      pending.pop_back();
      if (!v.defined() || !seen.insert(v.node().get()).second) continue;
      names.insert(v.op());
      for (const AnyVariable& input : v.node()->inputs) pending.push_back(input);
    }
  }
  return names;
}

/// Every op that a header of the library records is on a tape of the cases, and so are those it names by a variable.
inline void check_coverage(const std::string& header, const std::vector<OpCase>& cases,
                           std::set<std::string> ops = {}) {
  std::ifstream file(test_file("../include/tinygan/ops/" + header));
  std::stringstream text;
  text << file.rdbuf();
  const std::string source = text.str();
  REQUIRE(!source.empty());
  const std::regex recorded("record<T>\\(\\s*\"([a-z0-9_]+)\"");
  for (std::sregex_iterator at(source.begin(), source.end(), recorded), end; at != end; ++at) ops.insert((*at)[1]);
  const std::set<std::string> found = ops_on_tapes(cases);
  for (const std::string& op : ops) {
    INFO("op " << op << " of " << header);
    CHECK(found.contains(op));
  }
}

}  // namespace tinygan::test
