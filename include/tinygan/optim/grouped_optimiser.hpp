// GroupedOptimiser: hyper-parameters by group, the state tensors and the count of updates, for all optimisers.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <tinygan/optim/hyper.hpp>
#include <tinygan/optim/optimiser.hpp>
#include <tinygan/optim/parameter_groups.hpp>
#include <tinygan/tensor/step_clock.hpp>

namespace tinygan::optim {

/// An optimiser whose kernel takes a Hyper. Its parameters are those of all groups, one group after the other. Counts
/// its updates, or reads the count of a shared clock; the rates' schedules follow that count.
template <class T, class Hyper>
class GroupedOptimiser : public Optimiser<T> {
 public:
  /// What state and master weights are kept in: float for bfloat16.
  using Wide = typename Optimiser<T>::Wide;

  std::size_t group_count() const { return groups_.size(); }
  /// Throws Error unless there is such a group.
  const Hyper& hyper(std::size_t group = 0) const;
  /// A captured step keeps the old ones until CapturedStep::forget(). Throws Error unless there is such a group, and on
  /// a NaN, infinite or out-of-range hyper-parameter.
  void set_hyper(const Hyper& h, std::size_t group = 0);

  /// One update with the gradients of grad(loss, parameters()). Throws Error if they do not match the parameters, or if
  /// a clock in use has not ticked yet.
  void step(const std::vector<Variable<T>>& grads);
  /// One update with the gradients accumulated by backward(). Throws Error if a parameter has none.
  void step() { step(detail::accumulated_grads(this->name_, this->parameters_)); }

  /// Uses the step of `clock` as the number of updates, which saves a launch per step. For an optimiser that updates
  /// once per step of the clock. Throws Error if clock and parameters are on different devices.
  void use_clock(const StepClock& clock);

  // State, for checkpoints: the number of updates, beside the tensors of the derived class.
  std::uint64_t steps() const { return clock_.step(); }
  /// Restores the number of updates, on which bias correction and schedules depend.
  void set_steps(std::uint64_t steps) { clock_.set(steps); }

 protected:
  /// Parameters that share hyper-parameters.
  using Group = ParameterGroup<T, Hyper>;

  /// Throws Error like Optimiser, and like set_hyper().
  GroupedOptimiser(const char* name, std::vector<Group> groups);

  std::vector<Tensor<Wide>> m_, v_;  ///< by parameter; v_ is empty where the kernel has no second state tensor

 private:
  struct Part {
    std::size_t count;  ///< parameters
    Hyper hyper;
  };

  static std::vector<Variable<T>> all_parameters(const std::vector<Group>& groups);
  void check_group(std::size_t group) const {
    check(group < groups_.size(), this->name_, "there is no group ", group, " among ", groups_.size());
  }

  std::vector<Part> groups_;
  StepClock clock_;
  bool counts_ = true;
};

template <class T, class Hyper>
GroupedOptimiser<T, Hyper>::GroupedOptimiser(const char* name, std::vector<Group> groups)
    : Optimiser<T>(name, all_parameters(groups)), m_(this->zeros_like_parameters()), clock_(this->device_) {
  if constexpr (!std::is_same_v<Hyper, SgdHyper>) v_ = this->zeros_like_parameters();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    check(!groups[g].parameters.empty(), name, "group ", g, " has no parameters");
    groups_.push_back({groups[g].parameters.size(), {}});
    set_hyper(groups[g].hyper, g);
  }
}

template <class T, class Hyper>
std::vector<Variable<T>> GroupedOptimiser<T, Hyper>::all_parameters(const std::vector<Group>& groups) {
  std::vector<Variable<T>> all;
  for (const Group& group : groups) all.insert(all.end(), group.parameters.begin(), group.parameters.end());
  return all;
}

template <class T, class Hyper>
const Hyper& GroupedOptimiser<T, Hyper>::hyper(std::size_t group) const {
  check_group(group);
  return groups_[group].hyper;
}

template <class T, class Hyper>
void GroupedOptimiser<T, Hyper>::set_hyper(const Hyper& h, std::size_t group) {
  check_group(group);
  check_hyper(this->name_, h);
  groups_[group].hyper = h;
}

template <class T, class Hyper>
void GroupedOptimiser<T, Hyper>::step(const std::vector<Variable<T>>& grads) {
  std::vector<ParameterSlot<T>> slots = this->slots(grads);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    slots[i].m = m_[i].data();
    if (!v_.empty()) slots[i].v = v_[i].data();
  }
  if (counts_) clock_.tick();
  check(clock_.step() >= 1, this->name_, "the clock in use is at step 0, expected tick() before the first update");
  const ParameterSlot<T>* of_group = slots.data();
  for (const Part& g : groups_) {
    run_kernel(kernels<T>(this->device_), g.hyper, static_cast<int>(g.count), of_group, clock_.counter().data());
    of_group += g.count;
  }
  this->mark_updated();
}

template <class T, class Hyper>
void GroupedOptimiser<T, Hyper>::use_clock(const StepClock& clock) {
  check(clock.device() == this->device_, this->name_, "clock on ", clock.device(), ", expected ", this->device_,
        ", the device of the parameters");
  clock_ = clock;
  counts_ = false;
}

}  // namespace tinygan::optim
