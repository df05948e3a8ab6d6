// Checks of lists of variables that are updated in place.
#pragma once

#include <vector>

#include <tinygan/autograd/variable.hpp>

namespace tinygan::optim::detail {

/// Whether two tensors share an element.
template <class T>
bool overlap(const Tensor<T>& a, const Tensor<T>& b) {
  return a.shares_storage(b) && a.data() < b.data() + b.size() && b.data() < a.data() + a.size();
}

/// Throws Error naming the positions of two tensors that share elements, which would be updated twice.
template <class T>
void check_distinct(const char* op, const char* what, const std::vector<Tensor<T>>& list) {
  for (std::size_t j = 1; j < list.size(); ++j)
    for (std::size_t i = 0; i < j; ++i)
      if (overlap(list[i], list[j]))
        fail(op, what, "s ", i, " and ", j,
             list[i].data() == list[j].data() && list[i].shape() == list[j].shape() ? " are the same" : " overlap",
             "; expected every ", what, " once, or it is updated twice");
}

/// The gradients that backward() accumulated. Throws Error naming the position of a parameter that has none.
template <class T>
std::vector<Variable<T>> accumulated_grads(const char* op, const std::vector<Variable<T>>& parameters) {
  std::vector<Variable<T>> grads;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    check(parameters[i].defined(), op, "parameter ", i, " is empty, expected a variable with a value");
    check(parameters[i].grad().defined(), op, "parameter ", i, " has no gradient; call backward() first");
    grads.push_back(parameters[i].grad());
  }
  return grads;
}

/// The master weights of a list of variables. Throws Error naming the position of an empty one.
template <class T>
std::vector<typename Variable<T>::Master> masters(const char* op, const char* what,
                                                  const std::vector<Variable<T>>& list) {
  std::vector<typename Variable<T>::Master> all;
  for (const Variable<T>& v : list) {
    check(v.defined(), op, what, " ", all.size(), " is empty, expected a variable with a value");
    all.push_back(v.master());
  }
  return all;
}

}  // namespace tinygan::optim::detail
